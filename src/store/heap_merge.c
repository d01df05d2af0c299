/* SPDX-License-Identifier: MIT
 *
 * heap_merge.c - all that a heap has goes to another one.
 *
 * No chunk moves.  The blocks change heaps, and so do the free chunks: their
 * bins are linked together, and their trees' nodes are moved one by one.
 *
 *     into: first | index ...           into: first | index ... first
 *     from: first | index ...    -->    from: nothing
 *
 * The first block has its head in the structure that the heap is a part of.
 * Where it has chunks, the caller ends that structure and writes the head of an
 * ordinary block over its start.  So the memory of the structure becomes a
 * block like any other, and goes with its last chunk.
 *
 * A block that lies in a chunk of the very heap that it goes to would lie in a
 * block of its own heap.  So it is dissolved: its map is copied into the map of
 * the block around it, and what was head, map and rest of it becomes free.
 *
 * What it cannot do: take less than a step for each block and for each free
 * chunk of the heap that ends.
 */
#include "store/heap.h"

#include "store/heap_links.h"
#include "store/heap_parts.h"
#include "store/heap_tree.h"

/* The last chunk of a bin that is not empty; NULL: a link was written over. */
static struct heap_link *heap_merge_last(const struct heap *heap, unsigned bin)
{
    struct heap_link *last = heap->bins[bin];

    while (!heap_is_end(heap, last->next)) {
        struct heap_link *next = heap_unseal(heap, last->next);
        if (next == NULL || next->previous != heap_seal(heap, last)) {
            return NULL;
        }
        last = next;
    }
    return last;
}

/* Links the bins of a heap in front of those of another. */
static bool heap_merge_bins(struct heap *into, const struct heap *from)
{
    for (uint64_t bits = from->bits; bits != 0; bits &= bits - 1) {
        unsigned bin = (unsigned)__builtin_ctzll(bits);
        struct heap_link *last = heap_merge_last(from, bin);
        if (last == NULL) {
            return false;
        }
        if ((into->bits >> bin & 1) != 0) {
            last->next = heap_seal(into, into->bins[bin]);
            into->bins[bin]->previous = heap_seal(into, last);
        }
        into->bins[bin] = from->bins[bin];
        into->bits |= (uint64_t)1 << bin;
    }
    return true;
}

static bool heap_merge_trees(struct heap *into, struct heap *from)
{
    for (int longs = 0; longs < 2; longs++) {
        struct heap_node *node;
        while ((node = heap_tree_root(from, from->trees[longs])) != NULL) {
            uint32_t length = (uint32_t)node->length;
            if (!heap_tree_remove(from, &from->trees[longs], node) ||
                !heap_tree_insert(into, &into->trees[longs], node, length)) {
                return false;
            }
        }
        if (!heap_is_end(from, from->trees[longs])) {
            return false;
        }
    }
    into->free_longs += from->free_longs;
    return true;
}

/* Long free chunks of a block, cut up to used, go to the other tree. */
static bool heap_merge_retree(struct heap *heap, const struct block *block,
                              uint32_t used, bool longs)
{
    for (uint32_t i = 0; i < used; i += block_length(block, i)) {
        if (sync_get(&block->map[i]) == BLOCK_LONG_FREE) {
            uint32_t length = block_length(block, i);
            if (!heap_tree_remove(heap, &heap->trees[!longs],
                                  block_address(block, i)) ||
                !heap_tree_insert(heap, &heap->trees[longs],
                                  block_address(block, i), length)) {
                return false;
            }
            heap->free_longs += longs ? length : 0 - (size_t)length;
        }
    }
    return true;
}

/* Makes a block that lies in a chunk of this heap a part of the block around
 * it.  start: that chunk's.  The block's granules are cut up to used, which is
 * not 0; no free chunk ends there.  The maps of both are apart, and what is
 * freed may be written over, so copying comes first. */
static void heap_merge_dissolve(struct heap *heap, void *start,
                                const struct block *block, uint32_t used)
{
    struct heap_chunk chunk = heap_find(heap, start);
    ASSERT(heap->lent > 0 && chunk.block != NULL && used > 0);
    ASSERT(sync_get(&chunk.block->map[chunk.granule]) == BLOCK_LONG_LENT);
    struct block *around = chunk.block;
    uint32_t length = block_length(around, chunk.granule);
    uint32_t first = (uint32_t)((size_t)(block->base - around->base) /
                                SIZES_GRANULE);
    uint32_t end = chunk.granule + length;
    ASSERT(first > chunk.granule && first + used <= end);

    if (block->longs != around->longs &&
        !heap_merge_retree(heap, block, used, around->longs)) {
        heap_mend(heap);
    }
    block_clear_live(around, chunk.granule, length);
    heap->lent--;
    memcpy(around->map + first, block->map, used);
    /* The chunk was counted when it was lent, and what is in it by the heap
     * that had the block. */
    heap_count(heap, 0 - (size_t)used);
    if (first + used < end) {
        heap_give_run(heap, (struct heap_chunk){around, first + used},
                      end - first - used);
    }
    heap_give_run(heap, (struct heap_chunk){around, chunk.granule},
                  first - chunk.granule);
}

/* Adds a block that is in no heap, while mending is held back. */
static void heap_merge_add(struct heap *heap, struct block *block,
                           uint32_t used)
{
    ASSERT(used > 0 && used <= block->granules);
    if (block->lent && block->lender == heap) {
        heap_merge_dissolve(heap, block, block, used);
        return;
    }
    block->heap = heap;
    heap_index_add(heap, block);
    if (used < block->granules) {
        heap_link(heap, block, used, block->granules - used);
    }
}

void heap_merge_block(struct heap *heap, struct block *block, uint32_t used)
{
    heap_merge_add(heap, block, used);
    heap_let_go(heap);
}

/* Granules of the first block that are cut; 0: it is empty, and its map 0. */
static uint32_t heap_merge_first(struct heap *into, const struct heap *from)
{
    struct block *first = from->first;
    uint32_t used = (uint32_t)heap_used(from, first);

    if (used == 0 || !block_is_free(sync_get(&first->map[0])) ||
        block_length(first, 0) != first->granules) {
        return used;
    }
    /* One free chunk, which is linked in the other heap by now. */
    first->heap = into;
    heap_unlink(into, first, 0, first->granules);
    return 0;
}

/* The current block may be empty, and goes where it came from. */
static void heap_merge_drop(struct heap *into, struct block *block)
{
    if (block->lent) {
        heap_take_back(block->lender, block);
    } else {
        blocks_forget(block);
        blocks_push(into->stock, block);
    }
}

uint32_t heap_merge(struct heap *into, struct heap *from)
{
    struct block *current = from->current;
    struct block *block;

    ASSERT(heap_is_sound(into) && heap_is_sound(from));
    ASSERT(into != from && into->stock == from->stock && from->lent == 0);
    heap_cover(into, from->lowest, from->span);
    /* Until the last block has come, links lead to blocks that have not. */
    heap_hold_back(into);
    if (!heap_merge_bins(into, from) || !heap_merge_trees(into, from)) {
        heap_mend(into);
    }
    into->taken += from->taken; /* in the sum of the stock nothing changes */
    into->held += from->held;
    while ((block = heap_index_take_last(from)) != NULL) {
        if (block == current && from->top == 0) {
            heap_merge_drop(into, block);
        } else {
            heap_merge_add(into, block, (uint32_t)heap_used(from, block));
        }
    }
    uint32_t used = heap_merge_first(into, from);
    if (used == 0) {
        heap_let_go(into);
    }
    return used;
}
