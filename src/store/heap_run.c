/* SPDX-License-Identifier: MIT
 *
 * heap_run.c - runs: granules that a cache cuts its new objects from.
 *
 * A run is no chunk.  Its map stays 0, and the cache writes a byte as it cuts
 * an object off.  The heap counts the run as taken, and never reads the map
 * there before the cache has given the run back.
 *
 * Two threads whose objects lie in one line of a processor's cache slow each
 * other down, and so they do by the line of map bytes: 64 bytes of the map
 * stand for 64 granules, or 16 lines of memory.  A run apart therefore begins
 * and ends where a line of the map does.
 *
 *     granules  |  skipped  | line | line | ... | line |  rest  |
 *                 stays free  the run                    stays free
 *
 * Where nothing is long enough for a run, a program has freed objects here and
 * there.  A run of one short chunk after the other would bring its cache to the
 * lock for each.  So several are cut into pieces at once.
 *
 * What it cannot do: find the shortest chunk that holds a run apart.  It takes
 * one that is long enough wherever the run would begin in it.
 */
#include "store/heap.h"

#include "store/heap_links.h"
#include "store/heap_parts.h"

/* Objects that a run should have room for.  With fewer, caches come again too
 * soon; with more, no chunk is left for long objects. */
#define HEAP_RUN_OBJECTS 32

/* Granules whose map bytes are one line of a processor's cache. */
#define HEAP_RUN_LINE ((uint32_t)SIZES_LINE)

/* A chunk for a run of objects of that length: the shortest that has room for
 * HEAP_RUN_OBJECTS of them, so that long chunks stay whole for what needs
 * them; or, where none is so long, any that one object fits. */
static struct heap_chunk heap_run_search(struct heap *heap, uint32_t least,
                                         uint32_t *length)
{
    uint32_t many = least * HEAP_RUN_OBJECTS;
    ASSERT(least > 0 && least <= SIZES_SHORT);
    struct heap_chunk chunk = heap_best(heap, false, many, length);

    if (chunk.block == NULL) {
        chunk = heap_best(heap, false, least, length);
    }
    if (chunk.block == NULL && heap_shares(heap)) {
        chunk = heap_best(heap, true, many, length);
    }
    return chunk;
}

/* The whole lines of so many granules. */
static size_t heap_run_lines(size_t granules)
{
    return granules / HEAP_RUN_LINE * HEAP_RUN_LINE;
}

/* Granules from one to the next whose map byte begins a line.  The map is
 * aligned as the memory is only in the range; elsewhere this is no worse than
 * any other place. */
static uint32_t heap_run_to_line(const struct block *block, size_t granule)
{
    uintptr_t place =
        (uintptr_t)block_address(block, (uint32_t)granule) / SIZES_GRANULE;
    ASSERT(granule <= block->granules);

    return (uint32_t)(-place % HEAP_RUN_LINE);
}

/* Moves the top over a run of up to most granules, behind those skipped. */
static unsigned char *heap_run_of_top(struct heap *heap, uint32_t skipped,
                                      size_t length)
{
    uint32_t start = (uint32_t)heap->top;

    ASSERT(skipped + length <= heap->granules - heap->top);
    ASSERT(length > 0 && sync_get(&heap->map[start]) == BLOCK_NONE);
    heap_count(heap, length);
    heap->top += skipped + length;
    /* The part is linked after the top has moved: below it each granule has to
     * be in some chunk, and above it in none. */
    if (skipped > 0) {
        heap_link(heap, heap->current, start, skipped);
    }
    return heap->base + (start + skipped) * SIZES_GRANULE;
}

/* A run in lines of its own, of the map and so of the memory, too; NULL: no
 * free chunk and no top is long enough. */
static unsigned char *heap_run_apart(struct heap *heap, size_t least,
                                      size_t most, size_t *got)
{
    uint32_t need = (uint32_t)heap_run_lines(least + HEAP_RUN_LINE - 1);
    ASSERT(least <= need && most >= HEAP_RUN_LINE);
    /* A chunk of so many more has a line's start early enough. */
    uint32_t whole;
    struct heap_chunk chunk =
        heap_best(heap, false, need + HEAP_RUN_LINE - 1, &whole);

    if (chunk.block == NULL && heap_shares(heap)) {
        chunk = heap_best(heap, true, need + HEAP_RUN_LINE - 1, &whole);
    }
    if (chunk.block != NULL) {
        uint32_t skipped = heap_run_to_line(chunk.block, chunk.granule);
        size_t length = whole - skipped;
        *got = heap_run_lines(length < most ? length : most);
        ASSERT(*got >= least && *got <= most);
        heap_cut(heap, chunk, whole, skipped, (uint32_t)*got);
        return block_address(chunk.block, chunk.granule + skipped);
    }
    /* The top comes last, as for single objects: what is free below it should
     * be used before the heap grows. */
    uint32_t skipped = heap_run_to_line(heap->current, heap->top);
    size_t length = heap->granules - heap->top;
    if (length < skipped + need || !heap_serves(heap, false)) {
        return NULL;
    }
    length -= skipped;
    *got = heap_run_lines(length < most ? length : most);
    ASSERT(*got >= least && *got <= most);
    return heap_run_of_top(heap, skipped, *got);
}

/* The heap writes no byte of the map for a run.  The cache does so without the
 * lock, as it cuts objects, and gives back what it has not cut. */
unsigned char *heap_take_run(struct heap *heap, size_t least, size_t most,
                             bool apart, size_t *got)
{
    ASSERT(least > 0 && least <= SIZES_SHORT && most >= least);
    ASSERT(heap_is_sound(heap));
    /* A run shorter than a line shares one with others in any case. */
    if (apart && most >= HEAP_RUN_LINE) {
        unsigned char *run = heap_run_apart(heap, least, most, got);
        if (run != NULL) {
            return run;
        }
    }
    /* Free chunks come before the top, as for single objects. */
    uint32_t whole;
    struct heap_chunk chunk = heap_run_search(heap, (uint32_t)least, &whole);
    if (chunk.block != NULL) {
        *got = whole < most ? whole : most;
        ASSERT(*got >= least && *got <= most);
        heap_cut(heap, chunk, whole, 0, (uint32_t)*got);
        return block_address(chunk.block, chunk.granule);
    }
    size_t length = heap->granules - heap->top;
    if (length < least || !heap_serves(heap, false)) {
        return NULL;
    }
    *got = length < most ? length : most;
    ASSERT(*got >= least && *got <= most);
    return heap_run_of_top(heap, 0, *got);
}

void *heap_take_pieces(struct heap *heap, uint32_t granules, unsigned most)
{
    void *chain = NULL;
    uint32_t length;

    ASSERT(granules > 0 && granules <= SIZES_SHORT);
    if (heap_best(heap, false, granules * HEAP_RUN_OBJECTS, &length).block !=
        NULL) {
        return NULL;
    }
    while (most > 0 && heap->bits >> (granules - 1) != 0) {
        struct heap_chunk chunk = heap_best(heap, false, granules, &length);
        ASSERT(chunk.block != NULL);
        uint32_t pieces = length / granules < most ? length / granules : most;
        heap_cut(heap, chunk, length, 0, pieces * granules);
        most -= pieces;
        for (; pieces > 0; pieces--) {
            chain = heap_chain(chunk, granules, chain);
            chunk.granule += granules;
        }
    }
    return chain;
}

unsigned char *heap_first_run(struct heap *heap, size_t most, size_t *got)
{
    ASSERT(heap_is_sound(heap));
    ASSERT(heap->top == 0 && heap->taken == 0 && most > 0);
    *got = heap->granules < most ? heap->granules : most;
    return heap_run_of_top(heap, 0, *got);
}
