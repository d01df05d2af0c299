/* SPDX-License-Identifier: MIT
 *
 * alloc.h - the slow path of allocating and freeing.
 *
 * One order for all: charge the quota, take from list or run or heap, gather
 * what lies in depot and cache, get a block.  Getting a block leaves the lock,
 * and then all of it is done again from the start: so a charge is never held
 * while the program's own functions run, and nothing has to be remembered.
 *
 * What it cannot do: tell an object that was freed and handed out again from
 * its first life; the address is the same.
 */
#ifndef MP_ALLOC_H
#define MP_ALLOC_H

#include "pool/pool.h"

/* Charges the quota; false: it is full, and no cache of any pool that it
 * limits has credit.  The lock, held on entry and on return, may be left
 * meanwhile: then *taken changes. */
MP_INNER bool alloc_charge(struct memory_pool *mp, size_t bytes, bool *taken);

/* An object of any size; no lock held.  All but RESULT_OK leave the pool as it
 * was.  Does not report or count what it refuses. */
MP_INNER enum result alloc_object(struct memory_pool *mp,
                                  const struct user *user, size_t size,
                                  void **object);

/* All bytes of an object of more than BLOCKS_WHOLE granules, which the caller
 * got from alloc_object() and nobody has written to, are 0 now: its memory came
 * from the system for it, or came once more.  False: the caller has to write
 * them.  No lock held. */
MP_INNER bool alloc_zero(struct memory_pool *mp, void *object, size_t bytes);

/* Frees an object; RESULT_NOT_LIVE: ptr is no live object's start. */
MP_INNER enum result alloc_free(struct memory_pool *mp,
                                const struct user *user, const void *ptr);

/* A live chunk of that many granules, of the heap that the user allocates
 * from, with charge bytes charged; 0 in a pool that does not count.  The
 * charge is the quota's last one, so that quota_undo() can take it back.  The
 * lock, held on entry and on return, may be left meanwhile: then *taken
 * changes.  Notes no size in the block. */
MP_INNER enum result alloc_chunk(struct memory_pool *mp,
                                 const struct user *user, size_t charge,
                                 size_t granules, bool *taken,
                                 struct heap_chunk *chunk);

/* An object from the heap.  The lock is held, and left here. */
MP_INNER enum result alloc_from_heap(struct memory_pool *mp,
                                     const struct user *user, size_t size,
                                     bool taken, void **object);

/* Frees an object into its heap.  The lock is held, and left here. */
MP_INNER enum result alloc_into_heap(struct memory_pool *mp, const void *ptr,
                                     bool taken);

/* Gets the user's heap a block in which a chunk of that length fits.  The lock
 * may be left meanwhile. */
MP_INNER enum result alloc_grow(struct memory_pool *mp,
                                const struct user *user, size_t granules,
                                bool *taken);

/* Before the first run of a pool whose heap is empty, with the lock: if the
 * pool keeps a block in the range, a run of that many granules is to come from
 * it. */
MP_INNER void alloc_begin(struct memory_pool *mp, size_t granules);

/* Before more of the pool's heap is taken for a cache: puts what caches and
 * depot hold back into it, if that is a good part of what is taken.  Else a
 * program whose sizes shift would touch all that the heap has free, while what
 * it freed lies in lists of other lengths.  True: it did.  It is looked for each
 * time that a part more is taken.  The lock is held, and may be left
 * meanwhile. */
MP_INNER bool alloc_gather_early(struct memory_pool *mp, bool *taken);

/* Before the user's heap grows: puts what caches and depot hold back into it,
 * if that is a good part of it, or if it is a mark's.  True: it did.  To look
 * costs a pass over the pool's map; so where it was in vain, the heap has to
 * change by such a part first.  The lock is held, and may be left meanwhile. */
MP_INNER bool alloc_gather(struct memory_pool *mp, const struct user *user,
                           bool *taken);

/* Notes size bytes, charged before, for a chunk of a pool that counts, which
 * had was bytes noted; 0: it is new.  The lock is held. */
MP_INNER void alloc_note_size(struct heap_chunk chunk, size_t was,
                              size_t size);

/* Gives a live chunk of size bytes back without what was charged for it, where
 * the charge goes on for the chunk that its object moved to.  The lock is
 * held. */
MP_INNER void alloc_drop_moved(struct memory_pool *mp, struct heap_chunk chunk,
                               size_t size);

/* What pool_bump() and pool_unbump() are for the top of the heap, these are for
 * all of it, in a pool that they serve: a free chunk for a short object, and
 * any object back.  NULL, and false: there is more to do.  To be left by
 * pool_leave().  The lock is held. */
MP_INNER void *alloc_take_short(struct memory_pool *mp, size_t size);
MP_INNER bool alloc_give(struct memory_pool *mp, const void *ptr);

/* Notes how much is out of the heaps, at its highest, in a pool that does not
 * count: after whatever takes more out of them.  The lock is held. */
MP_INNER void alloc_note_peak(struct memory_pool *mp);

#endif /* MP_ALLOC_H */
