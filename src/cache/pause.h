/* SPDX-License-Identifier: MIT
 *
 * pause.h - pauses the caches of a set, and enables them again.
 *
 * During a reset, mp_check() or a fork no thread may change a cache of the
 * pool.  A thread that is about to use its cache writes the pool into the
 * member inside of its own state.  Then it reads whether the cache is still
 * enabled for that pool.  When it is done, it clears inside.  pause_begin()
 * revokes the caches.  A heavy fence then makes sure that every thread either
 * finds its cache revoked or is seen to be inside.  At last pause_begin() waits
 * until no thread is inside, which takes a few instructions.
 *
 *     user                          pauser
 *     inside = pool                 enabled_for = none, of each cache
 *     sync_fence_light()            sync_fence_heavy()
 *     enabled_for == pool?          inside == pool?  then wait
 *
 * Where the system has no heavy fence, the set is fenced: its caches are
 * enabled in another member, and all four accesses are sequentially consistent.
 * If the system begins to refuse the heavy fence later, the next pause takes
 * long, and pause_end() makes the set a fenced one.  So only one pause of each
 * pool is slow.
 *
 * What it cannot do: bound how long it waits, should the system not let that
 * thread run.
 *
 * The pool's lock is held in every function here.
 */
#ifndef MP_PAUSE_H
#define MP_PAUSE_H

#include "cache/cache.h"

/* No other user is inside, or gets inside before pause_end().  The calling
 * thread's own caches stay enabled: it is here, so not inside; one that it uses
 * through a handle is another user's.  Keeps errno. */
MP_INNER void pause_begin(struct cache_set *set);
MP_INNER void pause_end(struct cache_set *set);

/* pause_begin() in two steps, so that one heavy fence may serve many pools:
 * true when that is needed in between.  Keeps errno. */
MP_INNER bool pause_revoke(struct cache_set *set);
MP_INNER void pause_await(struct cache_set *set);

/* Not paused: no cache shows a block of that list any more, of which the memory
 * may then go, or which comes to that heap; NULL: to none.  A cache whose user
 * allocates from that heap may go on showing it.  Where another user's cache
 * has to be changed, the set is paused for that. */
MP_INNER void pause_close(struct cache_set *set, const struct block *blocks,
                          const struct heap *heap);

/* In place of pause_end(): the caches of the set are empty, and enabled for no
 * pool any more, for good.  A sweep of what they had may be under way. */
MP_INNER void pause_retire(struct cache_set *set);

/* For a loop that waits for another thread: lets other threads run, and sleeps
 * after some times, which it counts; *times is 0 before the first.  Keeps
 * errno.  Not a cancellation point. */
MP_INNER void pause_yield(unsigned *times);

/* In place of pause_end(): no cache of the set is enabled until pause_resume().
 * Their credit is owed.  What they had is in the heap, or a sweep of it is
 * under way. */
MP_INNER void pause_suspend(struct cache_set *set);
MP_INNER void pause_resume(struct cache_set *set);

/* In the child of fork(), while paused: a thread that was about to use a
 * handle, and found it revoked, will not clear its note any more. */
MP_INNER void pause_forked(struct cache_set *set);

#endif /* MP_PAUSE_H */
