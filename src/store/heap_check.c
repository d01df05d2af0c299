/* SPDX-License-Identifier: MIT
 *
 * heap_check.c - whether what a heap says of itself is true.
 *
 * A program may have written over free chunks and so over their links.  A
 * link is followed only where the map says that its target is a free chunk of
 * that bin, and never more often than there are free chunks.  So a check ends
 * and reads nothing but the heap's blocks, whatever is in them.
 *
 * What it cannot do: see damage within live objects.
 */
#include "store/heap_index.h"

#include "store/heap_seal.h"

/* A free chunk, by its length's nibbles a start and not the end of a long one.
 * Its length; 0: it is none. */
static uint32_t heap_check_length(struct heap_chunk chunk)
{
    const unsigned char *at = chunk.block->map + chunk.granule;
    ASSERT(chunk.granule < chunk.block->granules);

    if (!block_is_free(at[0]) ||
        (at[0] == BLOCK_LONG_FREE && (at[1] & 0xf0) != BLOCK_NIBBLE)) {
        return 0;
    }
    return block_length(chunk.block, chunk.granule);
}

/* What a link leads to, which is not an end; none: no chunk of the heap. */
static struct heap_chunk heap_check_follow(const struct heap *heap,
                                           uint64_t link)
{
    const void *start = heap_unseal(heap, link);

    return start == NULL ? heap_none() : heap_find(heap, start);
}

/* The links of a bin.  The count falls with each, so links in a circle end the
 * walk.  A link's previous is compared before its next is followed: what a
 * program has written over seldom passes that. */
static bool heap_check_bin(const struct heap *heap, unsigned bin,
                           size_t *chunks)
{
    uint64_t previous = heap->key;
    uint64_t at = heap_seal(heap, heap->bins[bin]);
    ASSERT(bin < SIZES_SHORT);

    while (!heap_is_end(heap, at)) {
        struct heap_chunk chunk = heap_check_follow(heap, at);
        if (chunk.block == NULL || *chunks == 0 ||
            heap_check_length(chunk) != bin + 1) {
            return false;
        }
        const struct heap_link *link =
            block_address(chunk.block, chunk.granule);
        if (link->previous != previous) {
            return false;
        }
        previous = at;
        at = link->next;
        --*chunks;
    }
    return true;
}

/* What a tree's link leads to, if it is a node that leads back; NULL: it is
 * not. */
static const struct heap_node *heap_check_node(const struct heap *heap,
                                               bool longs, uint64_t link,
                                               uint64_t parent,
                                               size_t *chunks)
{
    struct heap_chunk chunk = heap_check_follow(heap, link);

    if (chunk.block == NULL || *chunks == 0 || chunk.block->longs != longs ||
        heap_check_length(chunk) <= SIZES_SHORT) {
        return NULL;
    }
    const struct heap_node *node = block_address(chunk.block, chunk.granule);
    if (node->parent != parent || node->length != heap_check_length(chunk)) {
        return NULL;
    }
    --*chunks;
    return node;
}

/* The same for a tree, which is walked down and up by what was found right. */
static bool heap_check_tree(const struct heap *heap, bool longs,
                            size_t *chunks)
{
    uint64_t parent = heap->key;
    uint64_t at = heap->trees[longs];

    while (!heap_is_end(heap, at)) {
        const struct heap_node *node =
            heap_check_node(heap, longs, at, parent, chunks);
        if (node == NULL) {
            return false;
        }
        uint64_t next =
            heap_is_end(heap, node->left) ? node->right : node->left;
        parent = at;
        while (heap_is_end(heap, next) && !heap_is_end(heap, node->parent)) {
            const struct heap_node *up = heap_unseal(heap, node->parent);
            if (up == NULL) {
                return false; /* it is written to at this moment */
            }
            next = parent == up->left ? up->right : heap->key;
            parent = node->parent;
            node = up;
        }
        at = next;
    }
    return true;
}

bool heap_has_free(const struct heap *heap, size_t chunks)
{
    for (unsigned bin = 0; bin < SIZES_SHORT; bin++) {
        if ((heap->bits >> bin & 1) != 0 &&
            !heap_check_bin(heap, bin, &chunks)) {
            return false;
        }
    }
    return heap_check_tree(heap, false, &chunks) &&
           heap_check_tree(heap, true, &chunks) && chunks == 0;
}

/* The members that repeat what the current block says do so. */
static bool heap_check_current(const struct heap *heap)
{
    const struct block *current = heap->current;

    return current != NULL && current->heap == heap &&
           heap->base == current->base && heap->map == current->map &&
           heap->granules == current->granules &&
           heap->top <= heap->granules &&
           heap->map[heap->top] == BLOCK_NONE &&
           heap->unbump_from == heap_unbump_from(heap, current);
}

/* With assertions it runs at the start of each slow path.  So it reads one
 * byte of the map, follows no bin, and costs some compares for each block. */
bool heap_is_sound(const struct heap *heap)
{
    const struct block *first = heap->first;
    size_t size = first->granules;
    uint32_t blocks = 0;
    bool has_current = heap->current == first;

    if (!heap_check_current(heap) || first->heap != heap ||
        heap->free_longs > heap->size) {
        return false;
    }
    for (const struct block *block = heap_block_lowest(heap); block != NULL;
         block = heap_block_above(heap, block)) {
        if (block->heap != heap || block == first) {
            return false;
        }
        blocks++;
        size += block->granules;
        has_current = has_current || block == heap->current;
    }
    return has_current && blocks == heap->blocks && size == heap->size;
}

/* It reads maps as far as they are cut: what is behind may never have been
 * touched, and a statistic should not make a pool larger. */
size_t heap_count_live(const struct heap *heap)
{
    size_t live = block_count_live(heap->first, heap_used(heap, heap->first));

    for (const struct block *block = heap_block_lowest(heap); block != NULL;
         block = heap_block_above(heap, block)) {
        ASSERT(block->heap == heap);
        live += block->dirty
                    ? 0 : block_count_live(block, heap_used(heap, block));
    }
    ASSERT(live <= heap->size); /* none is shorter than a granule */
    return live;
}
