/* SPDX-License-Identifier: MIT
 *
 * lock.c - where threads sleep that wait for a lock.
 *
 * A few mutexes, each with its condition, serve all locks; a lock's address
 * says which.  Sleepers of several locks may share one, so a lock that is
 * left wakes all of them, and each looks at its own word again.
 *
 * A sleeper marks the word as awaited before it sleeps, with the mutex held;
 * whoever leaves a lock marked so takes the same mutex before it wakes, so
 * no wake-up falls between the mark and the sleep.  Who gets the lock after
 * sleeping keeps the mark, since others may still sleep.
 */
#include "base/lock.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

/* Looks at the word before a thread sleeps: the pool's critical sections are
 * shorter than going to sleep is.  Bounded, so that a holder that does not
 * run is waited for asleep. */
#define LOCK_LOOKS 100

#define LOCK_BERTHS 16

static struct lock_berth {
    pthread_mutex_t mutex;
    pthread_cond_t left;
} lock_berths[LOCK_BERTHS] = {
#define LOCK_BERTH {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER}
    LOCK_BERTH, LOCK_BERTH, LOCK_BERTH, LOCK_BERTH, LOCK_BERTH, LOCK_BERTH,
    LOCK_BERTH, LOCK_BERTH, LOCK_BERTH, LOCK_BERTH, LOCK_BERTH, LOCK_BERTH,
    LOCK_BERTH, LOCK_BERTH, LOCK_BERTH, LOCK_BERTH,
};

static struct lock_berth *lock_berth_of(const struct lock *lock)
{
    uintptr_t address = (uintptr_t)lock;

    return &lock_berths[(address >> 6 ^ address >> 12) % LOCK_BERTHS];
}

static inline void lock_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

void lock_wait(struct lock *lock)
{
    struct lock_berth *berth = lock_berth_of(lock);
    int cancel;

    for (int look = 0; look < LOCK_LOOKS; look++) {
        unsigned left = LOCK_LEFT;

        /* Relaxed: only the exchange, with acquire, makes it ours. */
        if (sync_get(&lock->word) == LOCK_LEFT &&
            sync_claim(&lock->word, &left, LOCK_TAKEN)) {
            return;
        }
        lock_pause();
    }
    /* Sleeping is a cancellation point, and this is no place to vanish. */
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    pthread_mutex_lock(&berth->mutex);
    /* Acquire, for the case that this takes the lock. */
    while (sync_swap_acquire(&lock->word, LOCK_AWAITED) != LOCK_LEFT) {
        pthread_cond_wait(&berth->left, &berth->mutex);
    }
    pthread_mutex_unlock(&berth->mutex);
    pthread_setcancelstate(cancel, NULL);
}

void lock_wake(struct lock *lock)
{
    struct lock_berth *berth = lock_berth_of(lock);

    pthread_mutex_lock(&berth->mutex);
    pthread_cond_broadcast(&berth->left);
    pthread_mutex_unlock(&berth->mutex);
}

void lock_fork_prepare(void)
{
    for (size_t i = 0; i < LOCK_BERTHS; i++) {
        pthread_mutex_lock(&lock_berths[i].mutex);
    }
}

void lock_fork_parent(void)
{
    for (size_t i = 0; i < LOCK_BERTHS; i++) {
        pthread_mutex_unlock(&lock_berths[i].mutex);
    }
}

/* The sleepers are not in the child, so its conditions start anew. */
void lock_fork_child(void)
{
    for (size_t i = 0; i < LOCK_BERTHS; i++) {
        pthread_cond_init(&lock_berths[i].left, NULL);
        pthread_mutex_unlock(&lock_berths[i].mutex);
    }
}
