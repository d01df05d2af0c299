/* SPDX-License-Identifier: MIT
 *
 * heap_links.c - links of free chunks, which stand in the chunks' own memory.
 *
 * A chunk goes to the front of its bin, or into a tree if it is long.  heap.c
 * says which of them is taken first.
 *
 * No link is followed, or written through, that was not found right before.
 * The first chunk of a bin needs no such look: the heap itself leads to it.
 *
 * What it cannot do: hinder another thread from writing to freed memory between
 * the look and the use.
 */
#include "store/heap_links.h"

#include "store/heap_index.h"
#include "store/heap_tree.h"

/* The tree that a long free chunk of a block is in. */
static uint64_t *heap_tree(struct heap *heap, const struct block *block)
{
    return &heap->trees[block->longs];
}

/* The chunk goes to the front of its bin: that needs no walk, and the memory
 * of what was freed last is most likely in a processor's cache. */
void heap_link(struct heap *heap, struct block *block, uint32_t i,
               uint32_t length)
{
    ASSERT(length <= block->granules && i <= block->granules - length);
    ASSERT(length > 0 && block->heap == heap);
    ASSERT(sync_get(&block->map[i]) == BLOCK_NONE);
    /* No two free chunks are neighbours. */
    ASSERT(block_free_before(block, i) == 0);
    ASSERT(!block_is_free(sync_get(&block->map[i + length])));
    block_mark_free(block, i, length);
    if (length > SIZES_SHORT) {
        heap->free_longs += block->longs ? length : 0;
        if (!heap_tree_insert(heap, heap_tree(heap, block),
                              block_address(block, i), length)) {
            heap_mend(heap); /* the map has the chunk, so this links it */
        }
        return;
    }
    struct heap_link *link = block_address(block, i);
    uint64_t bit = (uint64_t)1 << (length - 1);
    link->previous = heap->key;
    link->next = heap->key;
    /* What an empty bin holds was never set: only its bit says so. */
    if ((heap->bits & bit) != 0) {
        struct heap_link *next = heap->bins[length - 1];
        link->next = heap_seal(heap, next);
        next->previous = heap_seal(heap, link);
    }
    heap->bins[length - 1] = link;
    heap->bits |= bit;
}

/* Takes a short chunk out of its bin; false: its links, or those that should
 * lead back to it, were written over. */
static inline bool heap_bin_remove(struct heap *heap, struct heap_link *link,
                                   uint32_t length)
{
    uint64_t next_link = link->next;
    uint64_t previous_link = link->previous;
    struct heap_link *next = NULL;

    if (!heap_is_end(heap, next_link)) {
        next = heap_unseal(heap, next_link);
        if (MP_UNLIKELY(next == NULL ||
                        next->previous != heap_seal(heap, link))) {
            return false;
        }
    }
    if (!heap_is_end(heap, previous_link)) {
        struct heap_link *previous = heap_unseal(heap, previous_link);
        if (MP_UNLIKELY(previous == NULL ||
                        previous->next != heap_seal(heap, link))) {
            return false;
        }
        previous->next = next_link;
    } else {
        uint64_t bit = (uint64_t)1 << (length - 1);
        if (MP_UNLIKELY(heap->bins[length - 1] != link ||
                        (heap->bits & bit) == 0)) {
            return false;
        }
        heap->bins[length - 1] = next;
        heap->bits -= next == NULL ? bit : 0;
    }
    if (next != NULL) {
        next->previous = previous_link;
    }
    return true;
}

/* The same for a long one and its tree. */
static inline bool heap_node_remove(struct heap *heap,
                                    const struct block *block,
                                    struct heap_node *node, uint32_t length)
{
    return node->length == length &&
           heap_tree_remove(heap, heap_tree(heap, block), node);
}

static MP_SLOW void heap_unlink_long(struct heap *heap, struct block *block,
                                     uint32_t i, uint32_t length)
{
    struct heap_node *node = block_address(block, i);

    if (MP_UNLIKELY(!heap_node_remove(heap, block, node, length))) {
        heap_mend(heap);
        (void)heap_node_remove(heap, block, node, length);
    }
    block_clear_free(block, i, length);
    heap->free_longs -= block->longs ? length : 0;
}

/* The bins are made anew, and then the chunk can be taken out. */
static MP_SLOW void heap_unlink_mended(struct heap *heap, struct block *block,
                                       uint32_t i, uint32_t length)
{
    heap_mend(heap);
    (void)heap_bin_remove(heap, block_address(block, i), length);
    block_clear_free(block, i, length);
}

/* Without the mark's end on the map, a neighbour that is freed later would join
 * a chunk that is live by then. */
void heap_unlink(struct heap *heap, struct block *block, uint32_t i,
                 uint32_t length)
{
    ASSERT(block_is_free(sync_get(&block->map[i])));
    ASSERT(block_length(block, i) == length);
    ASSERT(block->heap == heap);
    ASSERT(length <= block->granules && i <= block->granules - length);
    if (length > SIZES_SHORT) {
        heap_unlink_long(heap, block, i, length);
    } else if (MP_LIKELY(
                   heap_bin_remove(heap, block_address(block, i), length))) {
        sync_put(&block->map[i], BLOCK_NONE);
        sync_put(&block->map[i + length - 1], BLOCK_NONE);
    } else {
        heap_unlink_mended(heap, block, i, length);
    }
}

void heap_unlink_all(struct heap *heap)
{
    heap->bits = 0; /* and with it every bin is empty */
    heap->free_longs = 0;
    heap->trees[false] = heap->key;
    heap->trees[true] = heap->key;
}

/* Links the free chunks of a block.  What was being freed meanwhile has 0 in
 * the map. */
static void heap_mend_block(struct heap *heap, struct block *block)
{
    uint32_t end = (uint32_t)heap_used(heap, block);

    for (uint32_t i = 0; i < end;) {
        unsigned char code = sync_get(&block->map[i]);
        uint32_t length = code == BLOCK_NONE ? 1 : block_length(block, i);
        ASSERT(length > 0 && length <= end - i);
        if (block_is_free(code)) {
            block_clear_free(block, i, length);
            heap_link(heap, block, i, length);
        }
        i += length;
    }
}

/* It looks at each byte of the maps, since only they are still right. */
void heap_mend(struct heap *heap)
{
    blocks_note_damage(heap->stock);
    heap->damaged = true;
    if (heap->held_back) {
        return;
    }
    heap->held_back = true; /* else one that goes on writing has no end */
    heap_unlink_all(heap);
    heap_mend_block(heap, heap->first);
    for (struct block *block = heap_block_lowest(heap); block != NULL;
         block = heap_block_above(heap, block)) {
        heap_mend_block(heap, block);
    }
    heap->held_back = false;
    heap->damaged = false;
}
