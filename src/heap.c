/* SPDX-License-Identifier: MIT
 *
 * heap.c - the blocks of one pool and the free chunks in them.
 *
 * heap.h says how it works.  Two choices are worth their reasons:
 *
 * Free chunks are used before the top moves, the best fitting bin first:
 * that keeps the live objects close together, and in the case that must be
 * fast, frees in reverse order, every bin is empty and one compare says so.
 *
 * Blocks other than the current one have no top: what was left of them when
 * the next block came is an ordinary free chunk.  So there is one way to
 * join chunks, and an empty block is a free chunk as long as the block.
 */
#include "heap.h"

#include <errno.h>
#include <stdlib.h>

/* Chunks of one bin that are tried for a fit before a longer bin is, which
 * fits for certain: bounds the time where a bin holds many short ones. */
#define HEAP_TRIES 8

static unsigned heap_bin(uint32_t granules)
{
    if (granules <= 16) {
        return granules - 1;
    }
    unsigned doubling = 31u - (unsigned)__builtin_clz(granules - 1);
    if (granules <= 1024) {
        return 16 + (doubling - 4) * 4 +
               (((granules - 1) >> (doubling - 2)) & 3u);
    }
    return 40 + (doubling - 10);
}

static void heap_link(struct heap *heap, struct block *block, uint32_t i,
                      uint32_t length)
{
    unsigned bin = heap_bin(length);
    struct heap_link *link = block_address(block, i);

    block_mark_free(block, i, length);
    link->previous = NULL;
    link->next = heap->bins[bin];
    if (link->next != NULL) {
        link->next->previous = link;
    }
    heap->bins[bin] = link;
    heap->bits |= (uint64_t)1 << bin;
}

static void heap_unlink(struct heap *heap, struct block *block, uint32_t i,
                        uint32_t length)
{
    unsigned bin = heap_bin(length);
    struct heap_link *link = block_address(block, i);

    if (link->next != NULL) {
        link->next->previous = link->previous;
    }
    if (link->previous != NULL) {
        link->previous->next = link->next;
    } else {
        heap->bins[bin] = link->next;
        if (link->next == NULL) {
            heap->bits &= ~((uint64_t)1 << bin);
        }
    }
    block_clear_free(block, i, length);
}

/* Makes an empty block the current one. */
static void heap_open(struct heap *heap, struct block *block)
{
    heap->current = block;
    heap->base = block->base;
    heap->map = block->map;
    heap->slack = block->slack;
    heap->granules = block->granules;
    heap->top = 0;
    heap->least = block != heap->first; /* then an empty block may go */
}

void heap_start(struct heap *heap, struct block *first)
{
    memset(heap, 0, sizeof *heap);
    heap->first = first;
    heap_open(heap, first);
}

void heap_finish(struct heap *heap)
{
    free(heap->index);
}

struct heap_chunk heap_find(const struct heap *heap, const void *ptr)
{
    struct heap_chunk chunk = {heap->current, 0};

    if (block_find(chunk.block, ptr, &chunk.granule)) {
        return chunk;
    }
    chunk.block = heap->first;
    if (block_find(chunk.block, ptr, &chunk.granule)) {
        return chunk;
    }
    uint32_t low = 0;
    uint32_t high = heap->blocks;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if ((uintptr_t)heap->index[middle]->base <= (uintptr_t)ptr) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low > 0) {
        chunk.block = heap->index[low - 1];
        if (block_find(chunk.block, ptr, &chunk.granule)) {
            return chunk;
        }
    }
    chunk.block = NULL;
    return chunk;
}

/* Looks through at most tries chunks of a bin for one of that length. */
static struct heap_chunk heap_search(const struct heap *heap, unsigned bin,
                                     uint32_t granules, unsigned tries)
{
    struct heap_chunk none = {NULL, 0};
    const struct heap_link *link = heap->bins[bin];

    for (; link != NULL && tries > 0; link = link->next, tries--) {
        struct heap_chunk chunk = heap_find(heap, link);
        if (block_length(chunk.block, chunk.granule) >= granules) {
            return chunk;
        }
    }
    return none;
}

/* Takes the front of a free chunk; the rest stays free. */
static void heap_cut(struct heap *heap, struct heap_chunk chunk,
                     uint32_t granules)
{
    struct block *block = chunk.block;
    uint32_t length = block_length(block, chunk.granule);

    heap_unlink(heap, block, chunk.granule, length);
    if (length > granules) {
        heap_link(heap, block, chunk.granule + granules, length - granules);
    }
    block_mark_live(block, chunk.granule, granules);
}

static struct heap_chunk heap_take_free(struct heap *heap, uint32_t granules)
{
    unsigned bin = heap_bin(granules);
    struct heap_chunk chunk = heap_search(heap, bin, granules, HEAP_TRIES);

    if (chunk.block == NULL) {
        uint64_t longer = heap->bits >> bin >> 1;
        if (longer != 0) {
            bin += 1u + (unsigned)__builtin_ctzll(longer);
            chunk = heap_search(heap, bin, granules, 1);
        }
    }
    if (chunk.block != NULL) {
        heap_cut(heap, chunk, granules);
    }
    return chunk;
}

struct heap_chunk heap_take(struct heap *heap, uint32_t granules)
{
    struct heap_chunk chunk = {NULL, 0};

    if (heap->bits != 0) {
        chunk = heap_take_free(heap, granules);
        if (chunk.block != NULL) {
            return chunk;
        }
    }
    if (heap->granules - heap->top >= granules) {
        chunk.block = heap->current;
        chunk.granule = (uint32_t)heap->top;
        heap->top += granules;
        block_mark_live(chunk.block, chunk.granule, granules);
        return chunk;
    }
    /* Growth costs more than a long search does. */
    chunk = heap_search(heap, heap_bin(granules), granules, UINT32_MAX);
    if (chunk.block != NULL) {
        heap_cut(heap, chunk, granules);
    }
    return chunk;
}

/* Place of a block, or of where it would go, in the index. */
static uint32_t heap_index_of(const struct heap *heap,
                              const struct block *block)
{
    uint32_t i = heap->blocks;

    while (i > 0 &&
           (uintptr_t)heap->index[i - 1]->base >= (uintptr_t)block->base) {
        i--;
    }
    return i;
}

static void heap_remove(struct heap *heap, const struct block *block)
{
    uint32_t i = heap_index_of(heap, block);

    heap->blocks--;
    memmove(heap->index + i, heap->index + i + 1,
            (heap->blocks - i) * sizeof *heap->index);
}

bool heap_add(struct heap *heap, struct block *block)
{
    if (heap->blocks == heap->room) {
        uint32_t room = heap->room == 0 ? 8 : heap->room * 2;
        struct block **index =
            realloc(heap->index, room * sizeof *heap->index);
        if (index == NULL) {
            return false;
        }
        heap->index = index;
        heap->room = room;
    }
    uint32_t i = heap_index_of(heap, block);
    memmove(heap->index + i + 1, heap->index + i,
            (heap->blocks - i) * sizeof *heap->index);
    heap->index[i] = block;
    heap->blocks++;
    if (heap->top < heap->granules) {
        heap_link(heap, heap->current, (uint32_t)heap->top,
                  (uint32_t)(heap->granules - heap->top));
    }
    heap_open(heap, block);
    return true;
}

/* The current block is empty.  If the first block is empty too, it becomes
 * the current one and the other goes. */
static struct block *heap_fall_back(struct heap *heap)
{
    struct block *current = heap->current;
    struct block *first = heap->first;

    if (current == first || !block_is_free(first->map[0]) ||
        block_length(first, 0) != first->granules) {
        return NULL;
    }
    heap_unlink(heap, first, 0, first->granules);
    heap_open(heap, first);
    heap_remove(heap, current);
    return current;
}

struct block *heap_give(struct heap *heap, struct heap_chunk chunk)
{
    struct block *block = chunk.block;
    uint32_t i = chunk.granule;
    uint32_t length = block_length(block, i);
    uint32_t before = block_free_before(block, i);
    uint32_t end = i + length;

    block_clear_live(block, i, length);
    if (before != 0) {
        i -= before;
        heap_unlink(heap, block, i, before);
    }
    /* Behind the last granule, and behind the top, the map has 0. */
    if (block_is_free(block->map[end])) {
        uint32_t behind = block_length(block, end);
        heap_unlink(heap, block, end, behind);
        end += behind;
    }
    if (block == heap->current) {
        if (end == heap->top) {
            heap->top = i;
            return i == 0 ? heap_fall_back(heap) : NULL;
        }
    } else if (i == 0 && end == block->granules) {
        if (block != heap->first) {
            heap_remove(heap, block);
            return block;
        }
        heap_link(heap, block, 0, end);
        return heap->top == 0 ? heap_fall_back(heap) : NULL;
    }
    heap_link(heap, block, i, end - i);
    return NULL;
}

struct block *heap_reset(struct heap *heap)
{
    struct block *dropped = NULL;

    for (uint32_t i = 0; i < heap->blocks; i++) {
        heap->index[i]->next = dropped;
        dropped = heap->index[i];
    }
    memset(heap->first->map, 0,
           heap->current == heap->first ? heap->top : heap->first->granules);
    heap_open(heap, heap->first);
    heap->blocks = 0;
    heap->bits = 0;
    memset(heap->bins, 0, sizeof heap->bins);
    return dropped;
}
