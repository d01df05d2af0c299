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
 * What it cannot do: notice that a program wrote into a free chunk.
 */
#include "store/heap_tree.h"

/* Multiplying spreads what differs in low bits over the high ones, which
 * decide. */
static inline uintptr_t heap_tree_rank(const struct heap_node *node)
{
    return (uintptr_t)node / SIZES_GRANULE *
           (uintptr_t)0x9e3779b97f4a7c15u;
}

static inline bool heap_tree_is_before(const struct heap_node *one,
                                       const struct heap_node *other)
{
    return one->length != other->length
               ? one->length < other->length
               : (uintptr_t)one < (uintptr_t)other;
}

static void heap_tree_set(struct heap_node **link, struct heap_node *node,
                          struct heap_node *parent)
{
    *link = node;
    if (node != NULL) {
        node->parent = parent;
    }
}

/* Splits a subtree: what comes before the node goes to its left, the rest to
 * its right. */
static void heap_tree_split(struct heap_node *at, struct heap_node *node)
{
    struct heap_node **left = &node->left;
    struct heap_node **right = &node->right;
    struct heap_node *left_parent = node;
    struct heap_node *right_parent = node;

    while (at != NULL) {
        if (heap_tree_is_before(at, node)) {
            heap_tree_set(left, at, left_parent);
            left_parent = at;
            left = &at->right;
            at = at->right;
        } else {
            heap_tree_set(right, at, right_parent);
            right_parent = at;
            right = &at->left;
            at = at->left;
        }
    }
    *left = NULL;
    *right = NULL;
}

void heap_tree_insert(struct heap_node **root, struct heap_node *node,
                      uint32_t length)
{
    struct heap_node **link = root;
    struct heap_node *parent = NULL;
    uintptr_t rank = heap_tree_rank(node);

    ASSERT(length > SIZES_SHORT);
    node->length = length;
    while (*link != NULL && heap_tree_rank(*link) >= rank) {
        ASSERT(*link != node);
        parent = *link;
        link = heap_tree_is_before(node, parent) ? &parent->left
                                                 : &parent->right;
    }
    struct heap_node *below = *link;
    heap_tree_set(link, node, parent);
    heap_tree_split(below, node);
}

/* What is below the node is joined, by rank, and takes its place. */
void heap_tree_remove(struct heap_node **root, struct heap_node *node)
{
    struct heap_node *parent = node->parent;
    struct heap_node *left = node->left;
    struct heap_node *right = node->right;
    struct heap_node **link = parent == NULL         ? root
                              : parent->left == node ? &parent->left
                                                     : &parent->right;

    ASSERT(*link == node);
    while (left != NULL && right != NULL) {
        if (heap_tree_rank(left) >= heap_tree_rank(right)) {
            heap_tree_set(link, left, parent);
            parent = left;
            link = &left->right;
            left = left->right;
        } else {
            heap_tree_set(link, right, parent);
            parent = right;
            link = &right->left;
            right = right->left;
        }
    }
    heap_tree_set(link, left != NULL ? left : right, parent);
}

struct heap_node *heap_tree_find(struct heap_node *root, uint32_t granules)
{
    struct heap_node *found = NULL;

    while (root != NULL) {
        if (root->length >= granules) {
            found = root;
            root = root->left;
        } else {
            root = root->right;
        }
    }
    return found;
}

struct heap_node *heap_tree_from(struct heap_node *root, size_t length,
                                 uintptr_t at)
{
    struct heap_node *found = NULL;

    while (root != NULL) {
        if (root->length > length ||
            (root->length == length && (uintptr_t)root >= at)) {
            found = root;
            root = root->left;
        } else {
            root = root->right;
        }
    }
    return found;
}
