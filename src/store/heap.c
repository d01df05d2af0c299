/* SPDX-License-Identifier: MIT
 *
 * heap.c - blocks of one pool and the free chunks in them.
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
#include "store/heap.h"

#include <errno.h>
#include <stdlib.h>

/* Chunks of one bin that are tried for a fit before a longer bin is, which
 * fits for certain: bounds the time where a bin holds many short ones. */
#define HEAP_TRIES 8

/* Objects that a run should have room for: fewer, and caches come again too
 * soon; more, and no chunk is left for long objects. */
#define HEAP_RUN 32

/* Granules whose map bytes are one line of a processor's cache. */
#define HEAP_LINE 64u

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
    uint64_t bit = (uint64_t)1 << bin;

    link->previous = NULL;
    link->next = (heap->bits & bit) != 0 ? heap->bins[bin] : NULL;
    if (link->next != NULL) {
        link->next->previous = link;
    }
    heap->bins[bin] = link;
    heap->bits |= bit;
    block_mark_free(block, i, length);
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
    block->heap = heap;
    heap->current = block;
    heap->base = block->base;
    heap->map = block->map;
    heap->slack = block->slack;
    heap->granules = block->granules;
    heap->top = 0;
    /* Another block than the first may go when its granule 0 is free; and
     * memory that is to be zero is not just left behind the top. */
    heap->least =
        heap->zero || heap->slow ? SIZE_MAX : block != heap->first;
}

void heap_start(struct heap *heap, struct block *first, bool zero, bool slow)
{
    heap->zero = zero;
    heap->slow = slow;
    heap->size = first->granules;
    heap->taken = 0;
    heap->held = 0;
    heap->bits = 0; /* and with it every bin is empty */
    heap->first = first;
    heap->index = heap->few;
    heap->blocks = 0;
    heap->room = HEAP_FEW;
    heap_open(heap, first);
}

void heap_finish(struct heap *heap)
{
    if (heap->index != heap->few) {
        free(heap->index);
    }
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
    const struct heap_link *link =
        (heap->bits >> bin & 1) != 0 ? heap->bins[bin] : NULL;

    for (; link != NULL && tries > 0; link = link->next, tries--) {
        struct heap_chunk chunk = heap_find(heap, link);
        if (block_length(chunk.block, chunk.granule) >= granules) {
            return chunk;
        }
    }
    return none;
}

/* Takes granules of a free chunk, unmarked, behind those skipped; the rest
 * stays free. */
static void heap_cut(struct heap *heap, struct heap_chunk chunk,
                     uint32_t skipped, uint32_t granules)
{
    struct block *block = chunk.block;
    uint32_t length = block_length(block, chunk.granule);
    uint32_t end = chunk.granule + skipped + granules;

    heap->taken += granules;
    heap_unlink(heap, block, chunk.granule, length);
    if (skipped > 0) {
        heap_link(heap, block, chunk.granule, skipped);
    }
    if (chunk.granule + length > end) {
        heap_link(heap, block, end, chunk.granule + length - end);
    }
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
        heap_cut(heap, chunk, 0, granules);
        block_mark_live(chunk.block, chunk.granule, granules);
    }
    return chunk;
}

/* The first chunk of that many granules in the bins from one on. */
static struct heap_chunk heap_search_from(const struct heap *heap,
                                          unsigned bin, uint32_t granules)
{
    struct heap_chunk chunk = {NULL, 0};

    for (; bin < HEAP_BINS && chunk.block == NULL; bin++) {
        uint64_t longer = heap->bits >> bin;
        if (longer == 0) {
            break;
        }
        bin += (unsigned)__builtin_ctzll(longer);
        chunk = heap_search(heap, bin, granules, HEAP_TRIES);
    }
    return chunk;
}

/* A chunk for a run of objects of that length: the shortest there is room in
 * for some, so that it is worth its while and long chunks stay whole for what
 * needs them; or any that one fits. */
static struct heap_chunk heap_search_run(const struct heap *heap,
                                         uint32_t least)
{
    unsigned bin = heap_bin(least * HEAP_RUN);

    return heap_search_from(
        heap, heap->bits >> bin != 0 ? bin : heap_bin(least), least);
}

/* Granules from one to the next whose map byte begins a line. */
static uint32_t heap_to_line(const struct block *block, size_t granule)
{
    uintptr_t place =
        (uintptr_t)block_address(block, (uint32_t)granule) / BLOCK_GRANULE;

    return (uint32_t)(-place % HEAP_LINE);
}

/* A run in lines of its own, of the map and so of the memory, too; NULL: no
 * free chunk and no top is long enough. */
static unsigned char *heap_take_lines(struct heap *heap, size_t least,
                                      size_t most, size_t *got)
{
    uint32_t need = (uint32_t)(least + HEAP_LINE - 1) / HEAP_LINE * HEAP_LINE;
    struct heap_chunk chunk = {NULL, 0};
    size_t length;

    if (heap->bits != 0) {
        /* With so many more, there is such a place in it. */
        chunk = heap_search_from(heap, heap_bin(need + HEAP_LINE - 1),
                                 need + HEAP_LINE - 1);
    }
    if (chunk.block != NULL) {
        uint32_t skipped = heap_to_line(chunk.block, chunk.granule);
        length = block_length(chunk.block, chunk.granule) - skipped;
        *got = (length < most ? length : most) / HEAP_LINE * HEAP_LINE;
        heap_cut(heap, chunk, skipped, (uint32_t)*got);
        return block_address(chunk.block, chunk.granule + skipped);
    }
    uint32_t skipped = heap_to_line(heap->current, heap->top);
    length = heap->granules - heap->top;
    if (length < skipped + need) {
        return NULL;
    }
    length -= skipped;
    *got = (length < most ? length : most) / HEAP_LINE * HEAP_LINE;
    heap->taken += *got;
    heap->top += skipped + *got;
    if (skipped > 0) {
        heap_link(heap, heap->current, (uint32_t)(heap->top - *got) - skipped,
                  skipped);
    }
    return heap->base + (heap->top - *got) * BLOCK_GRANULE;
}

unsigned char *heap_take_run(struct heap *heap, size_t least, size_t most,
                             bool apart, size_t *got)
{
    struct heap_chunk chunk = {NULL, 0};

    if (apart && most >= HEAP_LINE) {
        unsigned char *run = heap_take_lines(heap, least, most, got);
        if (run != NULL) {
            return run;
        }
    }
    if (heap->bits != 0) {
        chunk = heap_search_run(heap, (uint32_t)least);
    }
    if (chunk.block != NULL) {
        size_t length = block_length(chunk.block, chunk.granule);
        *got = length < most ? length : most;
        heap_cut(heap, chunk, 0, (uint32_t)*got);
        return block_address(chunk.block, chunk.granule);
    }
    size_t length = heap->granules - heap->top;
    if (length < least) {
        return NULL;
    }
    *got = length < most ? length : most;
    heap->top += *got;
    heap->taken += *got;
    return heap->base + (heap->top - *got) * BLOCK_GRANULE;
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
        heap->taken += granules;
        block_mark_live(chunk.block, chunk.granule, granules);
        return chunk;
    }
    /* Growth costs more than a long search does. */
    chunk = heap_search(heap, heap_bin(granules), granules, UINT32_MAX);
    if (chunk.block != NULL) {
        heap_cut(heap, chunk, 0, granules);
        block_mark_live(chunk.block, chunk.granule, granules);
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
    heap->size -= block->granules;
    memmove(heap->index + i, heap->index + i + 1,
            (heap->blocks - i) * sizeof *heap->index);
}

/* Notes a block in the index; false: no memory. */
static bool heap_note(struct heap *heap, struct block *block)
{
    if (heap->blocks == heap->room) {
        uint32_t room = heap->room * 2;
        struct block **index = malloc(room * sizeof *index);
        if (index == NULL) {
            return false;
        }
        memcpy(index, heap->index, heap->blocks * sizeof *index);
        heap_finish(heap);
        heap->index = index;
        heap->room = room;
    }
    uint32_t i = heap_index_of(heap, block);
    memmove(heap->index + i + 1, heap->index + i,
            (heap->blocks - i) * sizeof *heap->index);
    heap->index[i] = block;
    heap->blocks++;
    heap->size += block->granules;
    return true;
}

bool heap_add(struct heap *heap, struct block *block)
{
    if (!heap_note(heap, block)) {
        return false;
    }
    if (heap->top < heap->granules) {
        heap_link(heap, heap->current, (uint32_t)heap->top,
                  (uint32_t)(heap->granules - heap->top));
    }
    heap_open(heap, block);
    return true;
}

bool heap_add_whole(struct heap *heap, struct block *block)
{
    if (!heap_note(heap, block)) {
        return false;
    }
    block->heap = heap;
    block_mark_live(block, 0, block->granules);
    heap->taken += block->granules;
    return true;
}

/* The current block is empty.  If the first block is empty too, it becomes
 * the current one and the other goes. */
static struct block *heap_fall_back(struct heap *heap)
{
    struct block *current = heap->current;
    struct block *first = heap->first;

    if (current == first || !block_is_free(sync_get(&first->map[0])) ||
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
    uint32_t length = block_length(chunk.block, chunk.granule);

    block_clear_live(chunk.block, chunk.granule, length);
    return heap_give_run(heap, chunk, length);
}

struct block *heap_give_run(struct heap *heap, struct heap_chunk start,
                            uint32_t granules)
{
    struct block *block = start.block;
    uint32_t i = start.granule;
    uint32_t before = block_free_before(block, i);
    uint32_t end = i + granules;

    heap->taken -= granules;
    if (before != 0) {
        i -= before;
        heap_unlink(heap, block, i, before);
    }
    /* Behind the last granule, and behind the top, the map has 0. */
    if (block_is_free(sync_get(&block->map[end]))) {
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

bool heap_extend(struct heap *heap, struct heap_chunk chunk,
                 uint32_t granules)
{
    struct block *block = chunk.block;
    uint32_t length = block_length(block, chunk.granule);
    uint32_t end = chunk.granule + length;
    uint32_t more = granules - length;

    if (block == heap->current && end == heap->top) {
        if (heap->granules - heap->top < more) {
            return false;
        }
        heap->top += more;
        heap->taken += more;
    } else {
        struct heap_chunk behind = {block, end};
        if (!block_is_free(sync_get(&block->map[end])) ||
            block_length(block, end) < more) {
            return false;
        }
        heap_cut(heap, behind, 0, more);
    }
    block_clear_live(block, chunk.granule, length);
    block_mark_live(block, chunk.granule, granules);
    return true;
}

struct block *heap_shrink(struct heap *heap, struct heap_chunk chunk,
                          uint32_t granules)
{
    uint32_t length = block_length(chunk.block, chunk.granule);
    struct heap_chunk rest = {chunk.block, chunk.granule + granules};

    block_clear_live(chunk.block, chunk.granule, length);
    block_mark_live(chunk.block, chunk.granule, granules);
    return heap_give_run(heap, rest, length - granules);
}

/* Clears the map of a block.  All of that of a single long object would be a
 * sixteenth of the object's memory, which may never have been touched. */
static void heap_clear(const struct heap *heap, struct block *block)
{
    size_t used = heap_used(heap, block);

    if (used > BLOCK_SHORT && block->map[0] == BLOCK_LONG_LIVE &&
        block_length(block, 0) == used) {
        block_clear_live(block, 0, (uint32_t)used);
    } else {
        memset(block->map, 0, used);
    }
    if (heap->zero) {
        memset(block->base, 0, used * BLOCK_GRANULE);
    }
}

struct block *heap_reset(struct heap *heap)
{
    struct block *dropped = NULL;

    for (uint32_t i = 0; i < heap->blocks; i++) {
        struct block *block = heap->index[i];
        heap_clear(heap, block);
        block->next = dropped;
        dropped = block;
    }
    heap_clear(heap, heap->first);
    heap_open(heap, heap->first);
    heap->blocks = 0;
    heap->bits = 0;
    heap->size = heap->first->granules;
    heap->taken = 0;
    heap->held = 0;
    return dropped;
}

/* A free chunk, by its length's nibbles a start and not the end of a long one,
 * and of that bin. */
static bool heap_is_in_bin(struct heap_chunk chunk, unsigned bin)
{
    const unsigned char *at = chunk.block->map + chunk.granule;

    return block_is_free(at[0]) &&
           (at[0] != BLOCK_LONG_FREE || (at[1] & 0xf0) == BLOCK_NIBBLE) &&
           heap_bin(block_length(chunk.block, chunk.granule)) == bin;
}

bool heap_has_free(const struct heap *heap, size_t chunks)
{
    for (unsigned bin = 0; bin < HEAP_BINS; bin++) {
        const struct heap_link *previous = NULL;
        const struct heap_link *link =
            (heap->bits >> bin & 1) != 0 ? heap->bins[bin] : NULL;
        for (; link != NULL; previous = link, link = link->next) {
            struct heap_chunk chunk = heap_find(heap, link);
            if (chunk.block == NULL || chunks == 0 ||
                !heap_is_in_bin(chunk, bin) || link->previous != previous) {
                return false;
            }
            chunks--;
        }
    }
    return chunks == 0;
}

size_t heap_count_live(const struct heap *heap)
{
    size_t live = block_count_live(heap->first, heap_used(heap, heap->first));

    for (uint32_t i = 0; i < heap->blocks; i++) {
        const struct block *block = heap->index[i];
        live += block_count_live(block, heap_used(heap, block));
    }
    return live;
}
