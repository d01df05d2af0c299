/* SPDX-License-Identifier: MIT
 *
 * lock.h - a lock of one word, with POSIX mutexes to wait behind it.
 *
 * An uncontended pthread mutex costs two calls and some eighty instructions
 * around its two atomic operations, which is more than all else that a
 * locked pool does.  So the lock is a word: taken and left by one atomic
 * operation each, in line, while nobody waits.  Who has to wait sleeps on a
 * condition variable under a POSIX mutex; those stand in lock.c and serve
 * all locks, so that a lock needs no set-up, no memory and no destruction.
 *
 * And while the process has one thread, no lock is taken at all: glibc tells
 * so in __libc_single_threaded, and the only thread that could start a
 * second one is the one that is inside the library.  Elsewhere the lock is
 * always taken.  lock_enter() says whether it was, and the caller hands that
 * to lock_leave(): a lock must be left as it was entered.
 *
 * What it cannot do: serve in signal handlers, be taken twice by one thread,
 * or hand itself over in order of arrival.
 */
#ifndef MP_LOCK_H
#define MP_LOCK_H

#include <stdbool.h>

#ifdef HAVE_SYS_SINGLE_THREADED_H
#include <sys/single_threaded.h>
#endif

#include "base/private.h"
#include "base/sync.h"

enum { LOCK_LEFT, LOCK_TAKEN, LOCK_AWAITED };

/* All zero: left. */
struct lock {
    unsigned word; /* atomic: LOCK_LEFT, LOCK_TAKEN, or LOCK_AWAITED: taken,
                    * and somebody may sleep until it is left */
};

/* Where lock_take() and lock_drop() end when they are not alone. */
void lock_wait(struct lock *lock);
void lock_wake(struct lock *lock);

/* For the fork handlers: nobody goes to sleep or is woken between prepare
 * and done.  Taken after every lock that is to be held across the fork. */
void lock_fork_prepare(void);
void lock_fork_parent(void);
void lock_fork_child(void);

/* Acquire pairs with the release in lock_drop(): what the last holder wrote
 * is seen.  A failed exchange reads nothing that is used. */
static inline void lock_take(struct lock *lock)
{
    unsigned left = LOCK_LEFT;

    if (!sync_claim(&lock->word, &left, LOCK_TAKEN)) {
        lock_wait(lock);
    }
}

static inline void lock_drop(struct lock *lock)
{
    if (sync_swap_release(&lock->word, LOCK_LEFT) == LOCK_AWAITED) {
        lock_wake(lock);
    }
}

/* True while no lock is needed. */
static inline bool lock_needless(void)
{
#ifdef HAVE_SYS_SINGLE_THREADED_H
    return __libc_single_threaded != 0;
#else
    return false;
#endif
}

static inline bool lock_enter(struct lock *lock)
{
    if (lock_needless()) {
        return false;
    }
    lock_take(lock);
    return true;
}

static inline void lock_leave(struct lock *lock, bool taken)
{
    if (taken) {
        lock_drop(lock);
    }
}

#endif /* MP_LOCK_H */
