/* SPDX-License-Identifier: MIT
 *
 * depot.c - batches of free chunks that the caches of a pool exchange.
 *
 * The lists take memory of their own, 512 bytes, and most pools never need
 * them.  So they are made when the first chunk comes that is to be kept.
 * malloc() may be the program's own, and must not run under the pool's lock.
 * So that first chunk is not kept: the depot only notes that lists are wanted.
 *
 * Batches of one length are a stack.  So the batch that came last goes out
 * first, and its chunks are more likely to be in some processor's cache.
 *
 * A program may have written over a link.  What it led to then stays free in
 * the map, where a sweep finds it.
 *
 * What it cannot do: count its chunks without following them.  A batch is what
 * a list had too much, which may be some more than sizes_batch() says, or less.
 *
 * Invariant: lists == NULL, or lists[n - 1] leads to batches whose chunks are
 * all n granules long, in the map of their blocks as chunks in a cache.
 */
#include "cache/depot.h"

#include "store/range.h"

#include <errno.h>
#include <stdlib.h>

_Static_assert(SIZES_GRANULE >= 2 * sizeof(void *),
               "no room for the links of a batch in the smallest chunk");

bool depot_is_open(struct depot *depot)
{
    if (depot->lists == NULL) {
        /* Relaxed: a thread that reads it late makes the lists later. */
        sync_put(&depot->wanted, true);
    }
    return depot->lists != NULL;
}

void **depot_get_lists(const struct depot *depot)
{
    void **lists = NULL;

    ASSERT(lock_none_is_held());
    if (sync_get(&depot->wanted)) {
        /* Volatile: clang believes that calloc() leaves errno alone, and would
         * drop what puts it back. */
        volatile int error = errno;
        lists = calloc(SIZES_SHORT, sizeof *lists);
        errno = error; /* without it chunks go to the heap at once */
    }
    return lists;
}

void **depot_open(struct depot *depot, void **lists)
{
    ASSERT(lists != NULL);
    sync_put(&depot->wanted, false);
    if (depot->lists != NULL) {
        return lists;
    }
    depot->lists = lists;
    return NULL;
}

/* What starts there, as the map says. */
static unsigned char depot_code(const struct depot *depot, const void *chunk)
{
    return depot->outside == NULL ? range_code(chunk)
                                  : heap_code(depot->outside, chunk);
}

/* A free chunk of that length starts there, in a cache or in the depot. */
static bool depot_takes(const struct depot *depot, const void *chunk,
                        size_t granules)
{
    return depot_code(depot, chunk) == (BLOCK_CACHED | (granules - 1));
}

/* Within a batch first words are the links, so that the second word of its
 * first chunk is free to link batches. */
void depot_push(struct depot *depot, size_t granules, void *chain)
{
    ASSERT(depot->lists != NULL);
    ASSERT(granules > 0 && granules <= SIZES_SHORT);
    if (chain != NULL && depot_takes(depot, chain, granules)) {
        void **batch = chain;
        batch[1] = depot->lists[granules - 1];
        depot->lists[granules - 1] = batch;
    }
}

void *depot_pop(struct depot *depot, size_t granules)
{
    ASSERT(granules > 0 && granules <= SIZES_SHORT);
    if (depot->lists == NULL || depot->lists[granules - 1] == NULL) {
        return NULL;
    }
    void **batch = depot->lists[granules - 1];
    if (!depot_takes(depot, batch, granules)) {
        depot->lists[granules - 1] = NULL;
        depot->damaged = true;
        return NULL;
    }
    /* The second word stays what it was: the chunk is free, so nobody reads
     * it but as part of a new object. */
    depot->lists[granules - 1] = batch[1];
    return batch;
}

/* Chunk by chunk, so that the heap joins each with its free neighbours.  Links
 * are read first: the heap writes its own there. */
void depot_give_chain(struct heap *heap, void *chain)
{
    while (chain != NULL) {
        if (!block_is_cached(heap_code(heap, chain))) {
            return; /* a program wrote over the link */
        }
        void *next = *(void **)chain;
        struct heap_chunk chunk = heap_find(heap, chain);
        if (chunk.block == NULL) {
            return; /* it leads to another heap's */
        }
        heap_give(heap, chunk);
        chain = next;
    }
}

void depot_drain(struct depot *depot, struct heap *heap)
{
    if (depot->lists == NULL) {
        return;
    }
    for (size_t granules = 1; granules <= SIZES_SHORT; granules++) {
        void *batch;
        while ((batch = depot_pop(depot, granules)) != NULL) {
            depot_give_chain(heap, batch);
        }
    }
}

void depot_forget(struct depot *depot)
{
    /* The lists stay: a pool that needed them once will need them again. */
    if (depot->lists != NULL) {
        memset(depot->lists, 0, SIZES_SHORT * sizeof *depot->lists);
    }
}

void depot_finish(struct depot *depot)
{
    ASSERT(lock_none_is_held());
    void **lists = depot->lists;

    /* First, so that the child of a fork beside this finds no lists that are
     * freed. */
    depot->lists = NULL;
    depot->wanted = false;
    free(lists);
}

bool depot_each(const struct depot *depot, size_t granules,
                bool (*visit)(const void *batch, void *arg), void *arg)
{
    ASSERT(granules > 0 && granules <= SIZES_SHORT);
    void *const *batch =
        depot->lists == NULL ? NULL : depot->lists[granules - 1];

    for (; batch != NULL; batch = batch[1]) {
        if (!visit(batch, arg)) {
            return false;
        }
    }
    return true;
}
