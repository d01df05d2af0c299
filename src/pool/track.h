/* SPDX-License-Identifier: MIT
 *
 * track.h - tracked pools: the mode for debugging.
 *
 * Each object has memory of its own from malloc() and a record in the pool.
 * Options say what stands around it and what becomes of it once it is freed.
 * All else is as in other pools: limits to the byte, marks, children, handles,
 * statistics, and an answer for any address.
 *
 * What it cannot do: take objects from the pool's backing.  That gives the
 * memory of the pool itself and is asked for no more.  A buffer still counts:
 * its pool holds as much as without tracking.
 */
#ifndef MP_TRACK_H
#define MP_TRACK_H

#include "pool/pool.h"
#include "pool/record.h"

struct track;

/* The mode of all tracked pools. */
MP_INNER const struct pool_mode track_mode;

/* What a pool with these options, which are complete, needs to be tracked;
 * NULL: no memory.  It is the pool's from then on.  room: bytes that the pool
 * can hold; SIZE_MAX. */
MP_INNER struct track *track_make(const mp_options_t *options);
MP_INNER void track_limit(struct track *track, size_t room);
MP_INNER void track_free(struct track *track);

/* The pool looks at objects itself, or at what is around them. */
MP_INNER bool track_looks(const struct track *track);

/* There are tracked pools, or were a moment ago.  No lock: a thread that knows
 * of a pool finds it counted. */
MP_INNER bool track_has_pools(void);

/* As the functions of object.h of these names.  No lock held. */
MP_INNER enum result track_resize(struct memory_pool *mp,
                                  const struct user *user, void *ptr,
                                  size_t size, void **object);
MP_INNER enum result track_align(struct memory_pool *mp,
                                 const struct user *user, size_t alignment,
                                 size_t size, void **object);
MP_INNER enum result track_expand(struct memory_pool *mp, void *ptr,
                                  size_t size);
MP_INNER size_t track_size(struct memory_pool *mp, const void *ptr);

/* Marks; no lock held. */
MP_INNER enum result track_open_mark(struct memory_pool *mp, uint64_t owner,
                                     uint64_t number);
MP_INNER bool track_has_mark(struct memory_pool *mp, uint64_t owner,
                             uint64_t number);
MP_INNER enum result track_rewind(struct memory_pool *mp, uint64_t owner,
                                  uint64_t number);
MP_INNER enum result track_commit(struct memory_pool *mp, uint64_t owner,
                                  uint64_t number);

/* track_drop_all() takes all objects out of the pool, with its marks, and
 * uncharges nothing; the lock is held.  Then track_finish() checks them,
 * reports what is wrong, and gives their memory back, or keeps it; no lock is
 * held. */
struct track_gone {
    struct record *records;
    struct track_mark *marks;
};
MP_INNER struct track_gone track_drop_all(struct memory_pool *mp);
MP_INNER void track_finish(struct memory_pool *mp, struct track_gone gone);

/* All of that, as the pool ends, and the end of what is kept; false: there was
 * nothing.  A report may have the program allocate meanwhile, so it is called
 * again.  No lock held. */
MP_INNER bool track_end_some(struct memory_pool *mp);

/* Leaves at most so many bytes in the quarantine; returns the bytes given
 * back.  No lock held. */
MP_INNER size_t track_trim(struct memory_pool *mp, size_t keep);

/* Copies the callers that allocated a live object; false: they were not noted.
 * No lock held. */
MP_INNER bool track_callers(struct memory_pool *mp, const void *ptr,
                            struct record_callers *callers);

/* The lock is held in what follows. */

/* Live objects. */
MP_INNER size_t track_count(const struct memory_pool *mp);

/* Bytes of memory of freed objects that is kept. */
MP_INNER size_t track_held(const struct memory_pool *mp);

/* What an address is; MP_FOREIGN: not in what is tracked. */
MP_INNER mp_where_t track_locate(const struct memory_pool *mp,
                                 const void *ptr);

/* The record of the object, live or freed, that an address lies in; NULL. */
MP_INNER const struct record *track_search(const struct memory_pool *mp,
                                           const void *ptr);

/* The live object behind that of an address, in an order that stays the same;
 * 0: the first one.  NULL: none. */
MP_INNER const struct record *track_next(const struct memory_pool *mp,
                                         uintptr_t address);

/* The records agree. */
MP_INNER bool track_is_sound(const struct memory_pool *mp);

/* Checks the memory around all objects, and reports the first fault; false:
 * there is one.  No lock held. */
MP_INNER bool track_report_damage(struct memory_pool *mp);

/* The mode is one of a tracked pool. */
static inline bool pool_is_tracked(const struct memory_pool *mp)
{
    return mp->track != NULL;
}

#endif /* MP_TRACK_H */
