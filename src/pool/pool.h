/* SPDX-License-Identifier: MIT
 *
 * pool.h - what a pool is made of, its lock, and its short way without caches.
 *
 * A pool is one piece of memory: this structure and its first block.  More
 * blocks come as they are needed and go when they are empty.
 *
 * The structure is made of parts.  Each part is written by the functions of
 * its own file alone, under the pool's lock but where the part says else.
 * What a pool does is told by one value, its mode, which is chosen as the pool
 * is made: a const table with the slow paths and a few facts.  A mode that
 * checks more is one more such table, whose functions call those of another.
 *
 * What it cannot do: check arguments.  api/ does, so pools here are never NULL.
 */
#ifndef MP_POOL_H
#define MP_POOL_H

#include "base/result.h"
#include "cache/attach.h"
#include "memory_pool.h"
#include "pool/kind.h"
#include "store/heap_seal.h"
#include "store/quota.h"

struct mark;
struct track;
struct tree;
struct memory_pool;

/* Bytes of a name, with its end; what is longer is cut off. */
#define POOL_NAME 64

/* Who keeps the pool where it is; the pool's lock. */
struct pool_pins {
    unsigned count; /* threads that go up from this pool, or add a child */
    bool moving;    /* it is moved, or one above is: no thread begins that, nor
                     * changes the list of its children */
    struct memory_pool *next; /* move.c: of the pools that are moved together;
                               * the lock of moves */
};

/* How calls are served.  The tables are in mode.c and in track.c. */
struct pool_mode {
    bool caches; /* users have caches, while the set of caches says so */
    bool counts; /* objects are counted to the byte, and the map has slack */
    size_t stock_limit; /* bytes of empty blocks that are kept */

    /* An object, or its end, where the short way does not serve.  size is one
     * that the pool may take.  No lock held.  RESULT_OK sets *object. */
    enum result (*allocate)(struct memory_pool *mp, const struct user *user,
                            size_t size, void **object);
    enum result (*free)(struct memory_pool *mp, const struct user *user,
                        const void *ptr);
};

/* Fixed, but for recycle.c, which makes a kept pool again, and for what is
 * said of a member. */
struct pool_settings {
    size_t max_object;    /* atomic; bytes; relaxed: nothing is read by it */
    bool max_is_capacity; /* max_object goes with the capacity */
    unsigned flags;       /* MP_* */
    enum kind_why why;    /* atomic; of what kind it is; move.c writes it, too;
                           * relaxed: nothing is read by it */
    mp_report_fn *report; /* NULL: silent */
    void *report_context;
    const char *name;     /* NULL: none */
    size_t bytes;         /* of the pool itself */
};

/* Why a request was refused. */
enum pool_refusal {
    POOL_REFUSED_SIZE,
    POOL_REFUSED_FULL,
    POOL_REFUSED_MEMORY,
    POOL_REFUSALS
};

/* The pool's lock; what mp_stats() says.  Frees done in caches are counted by
 * the set of caches, and bytes held by the quota. */
struct pool_counters {
    uint64_t resets;
    uint64_t freed;
    uint64_t refused[POOL_REFUSALS];
    size_t peak;          /* granules out of the heaps at once, where objects
                           * are not counted to the byte */
    size_t peak_objects;
};

/* The failure function; the pool's lock. */
struct pool_failure {
    mp_failure_fn *fn; /* NULL: nobody */
    void *context;
};

/* The function that reports go to with all that is known; the pool's lock. */
struct pool_reporter {
    mp_reporter_fn *fn; /* NULL: none */
    void *context;
};

/* The near-limit function; the pool's lock. */
struct pool_near {
    mp_near_limit_fn *fn; /* NULL: nobody */
    void *context;
};

/* mark.c; the pool's lock. */
struct pool_marks {
    struct list open;          /* struct mark: every user's, the newest first */
    struct treap_node *users;  /* the same, by user and number */
    struct treap_node *blocks; /* those of all open marks, by address */
    struct mark *spare;        /* kept for use */
    unsigned spares;
};

/* A program that writes past the last object of a pool may reach the structure
 * of another one behind it, and with it function pointers.  On its way it
 * writes over the seal.  So what follows a pointer in the structure, or takes
 * its lock, looks at the seal first.  The short ways of a cache follow none.
 * That of pool_bump() does, and serves only pools with this word. */
#define POOL_BUMPS 0x2b5eed1fu

struct memory_pool {
    uintptr_t seal; /* fixed; of the address, see pool_has_short_ways() */
    unsigned bumps; /* fixed; POOL_BUMPS; 0: pool_bump() never serves */

    /* Written by every call of a pool without caches. */
    struct quota quota;
    struct lock lock;
    size_t bump_most; /* granules, SIZES_SHORT at most, of objects that
                       * pool_bump() may cut; 0: neither it nor pool_unbump()
                       * may serve.  Follows from the rest, see
                       * pool_set_bump() */
    const struct pool_mode *mode; /* fixed, but for a pool that is made again:
                                   * atomic, since another thread's fork
                                   * may read it */
    struct heap heap;             /* its first members are in every call */

    /* Read by many calls, and hardly ever written. */
    struct pool_settings settings;
    struct tree *tree; /* atomic; fixed once set, by tree.c: the parent,
                        * children and cleanups; NULL: it has none of them */
    struct cache_set caches;

    /* Written by slow paths. */
    struct blocks blocks;
    union {
        size_t gather_size; /* granules of the heap when what caches hold was
                             * last looked for in vain; 0: that was not in vain;
                             * alloc.c */
        size_t scarce_held; /* bytes that objects held as the caches became
                             * scarce, and have nothing; recall.c */
    };                      /* the pool's lock */
    unsigned sweepers; /* threads that go on with a sweep; sweep.c */
    unsigned recalls;  /* atomic, relaxed; those that recall the credit of its
                        * tree's pools and go on with the sweeps of these; the
                        * recall lock; recall.c */
    struct pool_marks marks;
    struct pool_counters counters;
    struct pool_failure failure;
    struct pool_reporter reporter;
    struct pool_near near;
    struct pool_pins pins;
    struct thread_place place;
    struct track *track; /* fixed; what track.c knows of the objects; NULL:
                          * the pool is not tracked */
    unsigned char *quiet_run; /* quiet.c; the pool's lock; where the first run
                               * of its only cache began; NULL: the pool is not
                               * quiet */
    unsigned look_taken; /* the pool's lock; alloc.c; pages of granules taken of
                          * the heap from which on what caches hold is looked
                          * for */
    unsigned char gather_vain; /* the pool's lock; alloc.c; how often in a row
                                * that was, up to a bound */
    bool quiet_new; /* quiet.c; the pool's lock; while the pool is quiet: all of
                     * it is as in a new one, but what that cache did, and what
                     * a reset counted */
    struct tree *spare_tree; /* tree.c; the pool's lock; of its life before, for
                              * the next tree; NULL: there is none */
    struct memory_pool *kept_next; /* recycle.c; only the maker's thread; or
                                    * fork.c: the next that was left */
    struct block first;
};

/* The pool of a place among those of a thread. */
static inline struct memory_pool *pool_at(struct thread_place *place)
{
    return LIST_ENTRY(place, struct memory_pool, place);
}

/* The seal that a structure has, once the key was asked for. */
static inline uintptr_t pool_seal_of(const struct memory_pool *mp)
{
    return (uintptr_t)mp ^ sync_get(&heap_seal_secret);
}

/* True: the structure has not been written over from its start on, and the pool
 * is not tracked.  A tracked pool has no short ways, and its seal is the
 * inverse: so one test keeps both from them. */
static inline bool pool_has_short_ways(const struct memory_pool *mp)
{
    return MP_LIKELY(mp->seal == pool_seal_of(mp));
}

/* True: the structure has not been written over from its start on. */
static inline bool pool_is_whole(const struct memory_pool *mp)
{
    return pool_has_short_ways(mp) || mp->seal == ~pool_seal_of(mp);
}

/* All memory of the pool is a buffer.  Relaxed: nothing is read by it. */
static inline bool pool_is_in_buffer(const struct memory_pool *mp)
{
    return sync_get(&mp->settings.why) == KIND_BUFFER;
}

/* Takes the pool's lock if that is needed; hand what it returns to
 * pool_leave(), or to lock_leave() where no block can have become empty. */
static inline bool pool_enter(struct memory_pool *mp)
{
    return lock_enter(&mp->lock);
}

/* In leave.c: leaves the lock, gives back what the stock has too much, and
 * reports damage that the heaps found; and the last of it alone, for a caller
 * that has left the lock, and took the note of damage under it. */
MP_INNER void pool_leave(struct memory_pool *mp, bool taken);
MP_INNER void pool_report_damage(struct memory_pool *mp, bool damaged);

/* The lock is held, and the pool is not paused: takes empty blocks beyond keep
 * bytes off the stock, for blocks_release() once the lock is left. */
MP_INNER struct block *pool_take_excess(struct memory_pool *mp, size_t keep);

/* For assertions: the caller entered. */
static inline bool pool_is_entered(const struct memory_pool *mp)
{
    return lock_is_held(&mp->lock);
}

/* Held by a thread that gives pools other parents, and across a fork.  That
 * thread leaves it while it waits, since it may be told, and so keep all others
 * out; but nobody else moves or forks then. */
MP_INNER struct lock pool_moves;
MP_INNER bool pool_move_waits; /* that lock */

/* Tells the lock, see lock_tell_all(). */
MP_INNER void pool_tell_lock(void);

/* Keeps the pool and those above where they are: their parents, the quotas that
 * they charge, and the trees' locks.  So a thread may go up with no lock held.
 * It calls no function of the program meanwhile, and waits for nothing that
 * another thread does only after a move.  The lock is held, and may be left for
 * a while by the first one.  The third waits only until no move is under
 * way. */
MP_INNER void pool_pin(struct memory_pool *mp, bool *taken);
MP_INNER void pool_unpin(struct memory_pool *mp);
MP_INNER void pool_await_move_slow(struct memory_pool *mp, bool *taken);

static inline void pool_await_move(struct memory_pool *mp, bool *taken)
{
    if (MP_UNLIKELY(mp->pins.moving)) {
        pool_await_move_slow(mp, taken);
    }
}

/* Says whether pool_bump() may serve: objects are counted, by this pool's lock
 * alone, no mark is open, no user has a cache, and nobody wants to be told of
 * use near the limit.  The lock is held. */
MP_INNER void pool_set_bump(struct memory_pool *mp);

/* The largest object of a new pool, by its options: nobody else knows it. */
MP_INNER void pool_set_most(struct memory_pool *mp,
                            const mp_options_t *options);

/* The granule of some heap of the pool, and the live chunk, at an address;
 * none, where there is none.  The lock is held. */
MP_INNER struct heap_chunk pool_find(const struct memory_pool *mp,
                                     const void *ptr);
MP_INNER struct heap_chunk pool_find_live(const struct memory_pool *mp,
                                          const void *ptr);

/* Bytes of a live chunk that its holder may use; as asked for, where the pool
 * counts them.  The lock is held. */
MP_INNER size_t pool_size_of(struct heap_chunk chunk);

/* The same where the chunk's length was read from the map. */
static inline size_t pool_size_within(struct heap_chunk chunk, uint32_t length)
{
    return length * SIZES_GRANULE -
           block_get_slack_at(chunk.block->map + chunk.granule, length);
}

/* Sets and returns the failure function.  No lock held. */
MP_INNER void pool_set_failure(struct memory_pool *mp,
                               struct pool_failure failure);
MP_INNER struct pool_failure pool_failure(struct memory_pool *mp);

/* The same for the reporter. */
MP_INNER void pool_set_reporter(struct memory_pool *mp,
                                struct pool_reporter reporter);
MP_INNER struct pool_reporter pool_reporter(struct memory_pool *mp);

/* Sets the near-limit function, and from how many bytes on it is called.  And
 * calls those that are due for this pool and for the ones above that count in
 * it.  No lock held. */
MP_INNER void pool_set_near(struct memory_pool *mp, size_t bytes,
                            struct pool_near near);
MP_INNER void pool_call_near(struct memory_pool *mp);

/* Counts a refusal.  No lock held: not every processor has an instruction to
 * add to 64 bits that threads share. */
MP_INNER void pool_count_refusal(struct memory_pool *mp,
                                 enum pool_refusal reason);

/* Cuts a short object from the top where that is all there is to do; NULL
 * says nothing about why, the mode's allocate will.  The lock is held or
 * needless. */
static inline void *pool_bump(struct memory_pool *mp, size_t size)
{
    size_t more = (size - 1) / SIZES_GRANULE;

    /* As unsigned numbers: a size of 0, too, has too many granules. */
    if (more >= mp->bump_most || !quota_can_bump(&mp->quota, size)) {
        return NULL;
    }
    void *object = heap_bump(&mp->heap, more, -size % SIZES_GRANULE);
    if (object != NULL) {
        quota_bump(&mp->quota, size);
    }
    return object;
}

/* The same where that raises the mark of the quota, too. */
static inline void *pool_climb(struct memory_pool *mp, size_t size)
{
    size_t more = (size - 1) / SIZES_GRANULE;

    if (more >= mp->bump_most || !quota_can_climb(&mp->quota, size)) {
        return NULL;
    }
    void *object = heap_bump(&mp->heap, more, -size % SIZES_GRANULE);
    if (object != NULL) {
        quota_climb(&mp->quota, size);
    }
    return object;
}

/* Takes the top down over a short object; false: there is more to do.  The
 * lock is held or needless. */
static inline bool pool_unbump(struct memory_pool *mp, const void *ptr)
{
    size_t size;

    if (mp->bump_most == 0 || (size = heap_unbump(&mp->heap, ptr)) == 0) {
        return false;
    }
    mp->counters.freed++;
    quota_unbump(&mp->quota, size);
    return true;
}

#endif /* MP_POOL_H */
