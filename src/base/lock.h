/* SPDX-License-Identifier: MIT
 *
 * lock.h - a lock of one word, with POSIX mutexes to wait behind it.
 *
 * An uncontended pthread mutex costs two calls and some eighty instructions
 * around its two atomic operations.  That is more than all else that a locked
 * pool does.  Here a lock is a word: one atomic operation takes it, and a store
 * leaves it, inline, while no thread waits.  A thread that has to wait sleeps
 * on a condition variable under a POSIX mutex.  Those stand in lock.c and
 * serve all locks, so a lock needs no memory and no destruction.
 *
 * The thread that leaves stores the word and then looks whether somebody may
 * sleep.  The thread that goes to sleep says so and then looks at the word.  One
 * of the two must see the other.  For that the sleeper pays, by a heavy fence;
 * where the system has none, both do, by accesses that all threads see in one
 * order.
 *
 * While the process has one thread, no lock is taken at all.  glibc says so
 * in __libc_single_threaded, and the only thread that could start a second
 * one is the one inside the library.  Elsewhere the lock is always taken.
 * lock_enter() says whether it took the lock, and its caller hands that to
 * lock_leave(): a lock must be left as it was entered.
 *
 * A checker of threads knows what a mutex is, and does not know that this word
 * is a lock.  So where one runs, locks may be told.  The word of a told lock
 * never changes.  So every thread that takes or leaves it comes to lock.c, which
 * takes one mutex for all told locks.
 *
 * A lock has a rank, and a thread takes locks in the order of their ranks.
 * With MP_CHECKS a lock knows its rank and its holder, and each thread knows
 * what it holds: order and ownership are asserted, also where the process has
 * one thread and no lock is really taken.  lock_try() never waits, so it may be
 * called with any other lock held.
 *
 * What it cannot do: serve in signal handlers, be taken twice by one thread,
 * or hand itself over in order of arrival.
 */
#ifndef MP_LOCK_H
#define MP_LOCK_H

#include <stdbool.h>
#include <stdint.h>

/* glibc 2.32 tells whether the process has one thread.  The question is asked
 * here and not by configure, so that every build system gets the answer. */
#ifdef __has_include
#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#define LOCK_HAS_SINGLE_THREADED
#endif
#endif

#include "base/assert.h"
#include "base/sync.h"

/* A thread takes a lock of a higher rank than all that it holds.  Two locks
 * of one rank are held only by a thread that holds LOCK_MOVES or LOCK_THREADS.
 * With the former alone it takes several of recall locks, pools' and quotas'
 * locks, and with the latter several of LOCK_THREAD. */
enum lock_rank {
    LOCK_MOVES = 1,   /* which pool is whose parent */
    LOCK_THREADS,     /* the list of threads */
    LOCK_ATTACHMENTS, /* which cache belongs to which pool and thread */
    LOCK_THREAD,      /* one thread's pools */
    LOCK_ORPHANS,     /* pools whose makers have ended */
    LOCK_RECALL,      /* one for a tree of pools with a capacity */
    LOCK_POOL,
    LOCK_QUOTA,       /* one for a tree of pools with a capacity */
    LOCK_OUTSIDE,     /* what lies outside of the range, by address */
    LOCK_RANGE,
    LOCK_TOOL /* the calls of a tool that has a lock of its own */
};

enum { LOCK_LEFT, LOCK_TAKEN, LOCK_TOLD };

struct lock {
    unsigned word; /* atomic: LOCK_LEFT or LOCK_TAKEN; or always LOCK_TOLD */
    bool entered;  /* atomic; true from each lock_enter() on, until somebody
                    * says false; see lock_forget() */
#ifdef MP_CHECKS
    enum lock_rank rank; /* fixed */
    const void *holder;  /* atomic; written by the holder alone */
#endif
};

#ifdef MP_CHECKS
#define LOCK_INIT(lock_rank) {LOCK_LEFT, false, lock_rank, (const void *)0}
#else
#define LOCK_INIT(lock_rank) {LOCK_LEFT, false}
#endif

/* The word that a lock starts with: LOCK_LEFT, or LOCK_TOLD once
 * lock_tell_all() was called. */
MP_INNER unsigned lock_first_word;

/* A lock in memory that may hold anything. */
static inline void lock_start(struct lock *lock, enum lock_rank rank)
{
    lock->word = lock_first_word;
    lock->entered = false;
#ifdef MP_CHECKS
    lock->rank = rank;
    lock->holder = (const void *)0;
#else
    (void)rank;
#endif
}

/* A lock that just started is not told.  Nobody knows it yet. */
static inline void lock_start_untold(struct lock *lock)
{
    lock->word = LOCK_LEFT;
}

/* From now on each lock that starts is told.  Called before the first pool is
 * made, with lock_tell() for each lock that started before: those are left, and
 * no other thread takes one meanwhile. */
MP_INNER void lock_tell_all(void);
MP_INNER void lock_tell(struct lock *lock);

/* Places where threads sleep.  Sixteen are enough for few to meet by chance. */
#define LOCK_BERTHS 16

/* Who may sleep at each: nobody; threads that will be woken; threads that may
 * not be, and look by themselves.  Written under the berth's mutex. */
enum { LOCK_NOBODY, LOCK_SLEEPERS, LOCK_NAPPERS };
MP_INNER unsigned char lock_awaited[LOCK_BERTHS]; /* atomic */

/* Where threads sleep that wait for a lock.  Neighbouring locks, and the same
 * lock of neighbouring pools, get different berths. */
static inline unsigned lock_berth_of(const struct lock *lock)
{
    uintptr_t address = (uintptr_t)lock;

    return (unsigned)(address >> 6 ^ address >> 12) % LOCK_BERTHS;
}

/* Where lock_take() ends when another thread is in the way, or the lock is
 * told. */
MP_INNER void lock_wait(struct lock *lock);

/* Leaves a lock that is told, or where the system has no heavy fence. */
MP_INNER void lock_drop_slow(struct lock *lock);

/* Wakes all who sleep where that lock, which is left, has them sleep. */
MP_INNER void lock_wake(const struct lock *lock);

/* For the fork handlers: between prepare and the other two no thread goes to
 * sleep or is woken.  Called after every lock that is held across the fork
 * was taken.  In the child, each lock that is held belongs to the caller. */
MP_INNER void lock_fork_prepare(void);
MP_INNER void lock_fork_parent(void);
MP_INNER void lock_fork_child(void);

/* Adds one to a counter that threads share, and returns what it is then.  The
 * counter has 64 bits on every system, so no number comes a second time.  Any
 * lock may be held. */
MP_INNER uint64_t lock_next_number(uint64_t *counter);

#ifdef MP_CHECKS
/* For assertions.  The calling thread entered the lock and did not leave it;
 * and it holds no lock at all. */
MP_INNER bool lock_is_held(const struct lock *lock);
MP_INNER bool lock_none_is_held(void);

/* The calling thread enters or leaves, whether or not the word is taken. */
MP_INNER void lock_note_enter(struct lock *lock);
MP_INNER void lock_note_leave(struct lock *lock);

/* The same in any order. */
MP_INNER void lock_note_try(struct lock *lock);
#else
static inline bool lock_is_held(const struct lock *lock)
{
    (void)lock;
    return true;
}

static inline bool lock_none_is_held(void)
{
    return true;
}

static inline void lock_note_enter(struct lock *lock)
{
    (void)lock;
}

static inline void lock_note_leave(struct lock *lock)
{
    (void)lock;
}

static inline void lock_note_try(struct lock *lock)
{
    (void)lock;
}
#endif

/* Acquire pairs with the release of the thread that left it last: what it wrote
 * is seen.  A failed exchange reads nothing that is used. */
static inline void lock_take(struct lock *lock)
{
    unsigned left = LOCK_LEFT;

    if (!sync_claim(&lock->word, &left, LOCK_TAKEN)) {
        lock_wait(lock);
    }
    lock_note_enter(lock);
}

/* Once the lock is left nothing of it is read but its address: another thread
 * may have taken it by then, and have freed the memory that it stands in. */
static inline void lock_drop(struct lock *lock)
{
    lock_note_leave(lock);
    if (sync_get(&lock->word) != LOCK_TAKEN || !sync_fence_is_on()) {
        lock_drop_slow(lock);
        return;
    }
    /* Release pairs with the acquire of the thread that takes it next. */
    sync_put_release(&lock->word, (unsigned)LOCK_LEFT);
    /* Pairs with the heavy one in lock.c: either that thread sees the store
     * before, or this one sees that it awaits. */
    sync_fence_light();
    if (sync_get(&lock_awaited[lock_berth_of(lock)]) != LOCK_NOBODY) {
        lock_wake(lock);
    }
}

/* True while no lock is needed. */
static inline bool lock_needless(void)
{
#ifdef LOCK_HAS_SINGLE_THREADED
    return __libc_single_threaded != 0;
#else
    return false;
#endif
}

/* Both take the lock if that is needed; true: it was.  The first does not note
 * that the lock was entered. */
static inline bool lock_enter_unseen(struct lock *lock, bool needed)
{
    if (needed) {
        lock_take(lock);
    } else {
        lock_note_enter(lock);
    }
    return needed;
}

static inline bool lock_enter_if(struct lock *lock, bool needed)
{
    (void)lock_enter_unseen(lock, needed);
    sync_put(&lock->entered, true);
    return needed;
}

/* The second says whether the lock was entered since the first, so that what it
 * owns may have changed.  Relaxed: a caller without the lock knows by other
 * means that nobody enters it now, and that it sees what was written when
 * somebody did. */
static inline void lock_forget(struct lock *lock)
{
    sync_put(&lock->entered, false);
}

static inline bool lock_was_entered(const struct lock *lock)
{
    return sync_get(&lock->entered);
}

static inline bool lock_enter(struct lock *lock)
{
    return lock_enter_if(lock, !lock_needless());
}

/* Takes the lock if that is needed and no thread is in the way; false: it is not
 * entered.  A told lock is never had so. */
static inline bool lock_try(struct lock *lock, bool needed)
{
    unsigned left = LOCK_LEFT;

    /* Acquire as in lock_take(). */
    if (needed && !sync_claim(&lock->word, &left, LOCK_TAKEN)) {
        return false;
    }
    lock_note_try(lock);
    sync_put(&lock->entered, true);
    return true;
}

static inline void lock_leave(struct lock *lock, bool taken)
{
    if (taken) {
        lock_drop(lock);
    } else {
        lock_note_leave(lock);
    }
}

/* The same in the middle of long work, when the caller takes the lock again at
 * once: returns when threads that wait for it have had the time to take it.
 * Keeps errno. */
MP_INNER void lock_leave_turn(struct lock *lock, bool taken);

#endif /* MP_LOCK_H */
