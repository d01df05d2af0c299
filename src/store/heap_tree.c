/* SPDX-License-Identifier: MIT
 *
 * heap_tree.c - the long free chunks of a heap, by length.
 *
 * The shortest chunk that is long enough serves best: longer ones stay whole
 * for what needs them.  Among those of one length the lowest address does, so
 * that free memory gathers at one end.  A tree finds that chunk in steps that
 * grow with the logarithm of the chunks, and its nodes stand in their memory.
 *
 * The tree is a treap: in order of (length, address) from left to right, and
 * each node has a higher rank than the nodes below it.  The rank is a hash of
 * the address, so no balance has to be noted, and the tree is as deep as one
 * built in random order.
 *
 * Invariants, for each node:
 *
 *     all to its left < (length, address) < all to its right
 *     rank(node) >= rank(node->left), rank(node->right)
 *     node->left->parent == node == node->right->parent
 *
 * The links are sealed, see heap_seal.h.  A node is not read before the link to
 * it was found right, nor written to before it leads back to the node that led
 * to it.  That ends each walk, too: in a circle, some node would have to lead
 * back to two.
 *
 * What it cannot do: go on when a link was written over.  Then a part of a
 * change may be done; the caller makes the trees anew.
 */
#include "store/heap_tree.h"

#include "store/heap_seal.h"

/* Of the node that a link leads to; 0: it leads nowhere.  In a link the address
 * is multiplied, which spreads what differs in low bits over the high ones, and
 * those decide. */
static inline uint64_t heap_tree_rank(const struct heap *heap, uint64_t link)
{
    return link ^ heap->key;
}

static inline bool heap_tree_is_before(const struct heap_node *one,
                                       const struct heap_node *other)
{
    return one->length != other->length
               ? one->length < other->length
               : (uintptr_t)one < (uintptr_t)other;
}

/* The node that a link leads to; NULL: it is an end, or was written over, or
 * the node does not lead back as it should. */
static inline struct heap_node *heap_tree_follow(const struct heap *heap,
                                                 uint64_t link, uint64_t from)
{
    struct heap_node *node = heap_unseal(heap, link);

    return MP_LIKELY(node != NULL && node->parent == from) ? node : NULL;
}

/* Splits what is below a new node: what comes before the node goes to its left,
 * the rest to its right. */
static bool heap_tree_split(const struct heap *heap, uint64_t link,
                            struct heap_node *node)
{
    uint64_t *left = &node->left;
    uint64_t *right = &node->right;
    uint64_t left_parent = heap_seal(heap, node);
    uint64_t right_parent = left_parent;
    uint64_t from = node->parent;

    while (!heap_is_end(heap, link)) {
        struct heap_node *at = heap_tree_follow(heap, link, from);
        if (MP_UNLIKELY(at == NULL)) {
            return false;
        }
        from = link;
        if (heap_tree_is_before(at, node)) {
            *left = link;
            at->parent = left_parent;
            left_parent = link;
            left = &at->right;
            link = at->right;
        } else {
            *right = link;
            at->parent = right_parent;
            right_parent = link;
            right = &at->left;
            link = at->left;
        }
    }
    *left = heap->key;
    *right = heap->key;
    return true;
}

bool heap_tree_insert(const struct heap *heap, uint64_t *root,
                      struct heap_node *node, uint32_t length)
{
    uint64_t here = heap_seal(heap, node);
    uint64_t rank = heap_tree_rank(heap, here);
    uint64_t from = heap->key;
    uint64_t link;

    ASSERT(length > SIZES_SHORT);
    node->length = length;
    while (heap_tree_rank(heap, link = *root) >= rank) {
        struct heap_node *at = heap_tree_follow(heap, link, from);
        if (MP_UNLIKELY(at == NULL)) {
            return false;
        }
        from = link;
        root = heap_tree_is_before(node, at) ? &at->left : &at->right;
    }
    *root = here;
    node->parent = from;
    return heap_tree_split(heap, link, node);
}

/* What is below the node is joined, by rank, and takes its place.  link is what
 * leads to the node. */
static bool heap_tree_join(const struct heap *heap, uint64_t *link,
                           const struct heap_node *node)
{
    uint64_t parent = node->parent;
    uint64_t left = node->left;
    uint64_t right = node->right;
    uint64_t left_from = *link; /* where both lead back to */
    uint64_t right_from = *link;
    struct heap_node *at;

    while (!heap_is_end(heap, left) && !heap_is_end(heap, right)) {
        bool to_left =
            heap_tree_rank(heap, left) >= heap_tree_rank(heap, right);
        at = to_left ? heap_tree_follow(heap, left, left_from)
                     : heap_tree_follow(heap, right, right_from);
        if (MP_UNLIKELY(at == NULL)) {
            return false;
        }
        at->parent = parent;
        if (to_left) {
            *link = parent = left_from = left;
            link = &at->right;
            left = at->right;
        } else {
            *link = parent = right_from = right;
            link = &at->left;
            right = at->left;
        }
    }
    *link = heap_is_end(heap, left) ? right : left;
    if (heap_is_end(heap, *link)) {
        return true;
    }
    at = heap_is_end(heap, left)
             ? heap_tree_follow(heap, right, right_from)
             : heap_tree_follow(heap, left, left_from);
    if (at != NULL) {
        at->parent = parent;
    }
    return at != NULL;
}

bool heap_tree_remove(const struct heap *heap, uint64_t *root,
                      const struct heap_node *node)
{
    uint64_t here = heap_seal(heap, node);
    uint64_t *link = root;

    if (!heap_is_end(heap, node->parent)) {
        struct heap_node *parent = heap_unseal(heap, node->parent);
        if (parent == NULL) {
            return false;
        }
        link = parent->left == here ? &parent->left : &parent->right;
    }
    return *link == here && heap_tree_join(heap, link, node);
}

bool heap_tree_find(const struct heap *heap, uint64_t root, uint32_t granules,
                    struct heap_node **found)
{
    uint64_t link = root;
    uint64_t from = heap->key;
    struct heap_node *at;

    *found = NULL;
    while ((at = heap_tree_follow(heap, link, from)) != NULL) {
        from = link;
        if (at->length >= granules) {
            *found = at;
            link = at->left;
        } else {
            link = at->right;
        }
    }
    return heap_is_end(heap, link);
}

bool heap_tree_from(const struct heap *heap, uint64_t root, size_t length,
                    uintptr_t at, struct heap_node **found)
{
    uint64_t link = root;
    uint64_t from = heap->key;
    struct heap_node *node;

    *found = NULL;
    while ((node = heap_tree_follow(heap, link, from)) != NULL) {
        from = link;
        if (node->length > length ||
            (node->length == length && (uintptr_t)node >= at)) {
            *found = node;
            link = node->left;
        } else {
            link = node->right;
        }
    }
    return heap_is_end(heap, link);
}

struct heap_node *heap_tree_root(const struct heap *heap, uint64_t root)
{
    return heap_tree_follow(heap, root, heap->key);
}
