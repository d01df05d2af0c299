/* SPDX-License-Identifier: MIT
 *
 * depot.h - batches of free chunks that the caches of a pool exchange.
 *
 * A batch is some chunks of one length, linked by their first word; the second
 * word of its first chunk links the batches of that length.  What one thread
 * frees for another so comes back for one lock a batch and not one a chunk.
 *
 *     lists[n - 1] -> chunk -> chunk -> ... -> NULL    a batch of n granules
 *                       |
 *                       v (second word)
 *                     chunk -> chunk -> ... -> NULL    the next batch
 *
 * What it cannot do: hold chunks of one granule in a pool whose granule has
 * less than two words; SIZES_GRANULE has.
 *
 * The pool's lock is held in every function here but depot_get_lists() and
 * depot_finish().
 */
#ifndef MP_DEPOT_H
#define MP_DEPOT_H

#include "base/lock.h"
#include "store/heap.h"

/* The pool's lock owns it.  All zero: empty. */
struct depot {
    void **lists; /* by granules less one; NULL: no memory was got yet */
    bool wanted;  /* batches were to be kept, and there were no lists; read
                   * without the lock, too */
    bool damaged; /* a list was found written over since this was cleared */
    const struct heap *outside; /* fixed; the heap whose chunks these are, where
                                 * that lies outside of the range; or NULL */
};

/* False: there are no lists, so batches cannot be kept.  Lists are wanted from
 * now on. */
MP_INNER bool depot_is_open(struct depot *depot);

/* depot_get_lists() returns memory for lists, if they are wanted; NULL: they
 * are not, or there is no memory.  No lock is held; errno is kept.
 * depot_open() makes that memory the depot's lists.  If the depot has lists
 * already, it returns the memory, which is to be freed. */
MP_INNER void **depot_get_lists(const struct depot *depot);
MP_INNER void **depot_open(struct depot *depot, void **lists);

/* An open depot takes a chain of chunks of that length as one batch, and no
 * chain that leads to something else. */
MP_INNER void depot_push(struct depot *depot, size_t granules, void *chain);

/* A batch; NULL: there is none, or its list was damaged and is dropped. */
MP_INNER void *depot_pop(struct depot *depot, size_t granules);

/* The first gives every chunk of a chain back to that heap, the second every
 * chunk of the depot. */
MP_INNER void depot_give_chain(struct heap *heap, void *chain);
MP_INNER void depot_drain(struct depot *depot, struct heap *heap);

/* Forgets every chunk, for a reset or a sweep; frees what the depot itself has,
 * when the pool goes. */
MP_INNER void depot_forget(struct depot *depot);
MP_INNER void depot_finish(struct depot *depot);

/* Calls visit for each batch of that length until it returns false; false: it
 * did.  A batch is followed only where visit was content with it. */
MP_INNER bool depot_each(const struct depot *depot, size_t granules,
                         bool (*visit)(const void *batch, void *arg),
                         void *arg);

#endif /* MP_DEPOT_H */
