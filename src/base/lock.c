/* SPDX-License-Identifier: MIT
 *
 * lock.c - where threads sleep that wait for a lock.
 *
 * A few mutexes, each with its condition, serve all locks; a lock's address
 * says which.  Sleepers of several locks may share one, so a lock that is
 * left wakes all of them, and each reads its own word again.
 *
 * A sleeper marks the word as awaited before it sleeps, with the mutex held.
 * The thread that leaves a lock marked so takes the same mutex before it
 * wakes, so no wake-up falls between the mark and the sleep.  The thread that
 * gets the lock after sleeping keeps the mark, since others may still sleep.
 *
 * The word of a lock goes through these states:
 *
 *     LEFT --take--> TAKEN --drop--> LEFT
 *     TAKEN or AWAITED --a thread goes to sleep--> AWAITED
 *     AWAITED --drop--> TAKEN --its holder, at once--> LEFT, all sleepers wake
 *     TOLD --drop--> one less --its holder, at once--> TOLD
 *
 * Told locks share one mutex, which a thread has as long as it holds any of
 * them.  The checker sees one lock, which the thread that took it always leaves,
 * also in the child of a fork.  That costs a checker a lot, so life.c makes the
 * locks of many calls untold ones where it can.
 *
 * With MP_CHECKS a thread counts the locks that it holds, by rank.  A count
 * is enough for the order, since a lock itself knows its holder, and fork()
 * holds more locks at once than an array would take.
 *
 * What it cannot do: serve the threads in the order of their arrival.
 */
#include "base/lock.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* Reads of the word before a thread sleeps: the pool's critical sections are
 * shorter than going to sleep is.  Few, since each read makes the holder fetch
 * the word anew, and a holder that is left alone serves itself many times while
 * a sleeper wakes.  With two processors a hundred reads took two to four times
 * as long where threads do nothing but take a lock, and none at all took a
 * tenth longer where they seldom meet, as at the lock of a pool with caches.
 * Each pause is twice the one before, so that together they last as long as to
 * sleep and to wake: some microseconds. */
#ifndef LOCK_LOOKS /* a model has its own */
#define LOCK_LOOKS 8
#endif

/* Nanoseconds that others have to take a lock that is left for a moment. */
#define LOCK_TURN 100000

#define LOCK_BERTHS 16

/* Where threads wait.  Sixteen are enough for few to meet by chance. */
static struct lock_berth {
    pthread_mutex_t mutex;
    pthread_cond_t left;
} lock_berths[LOCK_BERTHS] = {
#define LOCK_BERTH {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER}
    LOCK_BERTH, LOCK_BERTH, LOCK_BERTH, LOCK_BERTH, LOCK_BERTH, LOCK_BERTH,
    LOCK_BERTH, LOCK_BERTH, LOCK_BERTH, LOCK_BERTH, LOCK_BERTH, LOCK_BERTH,
    LOCK_BERTH, LOCK_BERTH, LOCK_BERTH, LOCK_BERTH,
};

MP_INNER_OBJECT unsigned lock_first_word = LOCK_LEFT;

/* Of the counters of lock_next_number(), where a processor has 32 bits. */
static pthread_mutex_t lock_number_mutex = PTHREAD_MUTEX_INITIALIZER;

/* Of all told locks; and how many of them the thread holds. */
static pthread_mutex_t lock_told_mutex = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local unsigned lock_told_held;

void lock_tell_all(void)
{
    ASSERT(lock_first_word == LOCK_LEFT);
    lock_first_word = LOCK_TOLD;
}

void lock_tell(struct lock *lock)
{
    ASSERT(sync_get(&lock->word) == LOCK_LEFT);
    ASSERT(lock_first_word == LOCK_TOLD);
    lock->word = LOCK_TOLD;
}

/* Neighbouring locks, and the same lock of neighbouring pools, get different
 * berths. */
static struct lock_berth *lock_berth_of(const struct lock *lock)
{
    uintptr_t address = (uintptr_t)lock;

    /* Not through the lock: lock_wake() has no right to read it. */
    ASSERT(lock != NULL && address % _Alignof(struct lock) == 0);
    return &lock_berths[(address >> 6 ^ address >> 12) % LOCK_BERTHS];
}

static inline void lock_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    /* Its yield does nothing where a core has one thread. */
    __asm__ volatile("isb" ::: "memory");
#endif
}

/* Takes the lock if it is left while this reads it; false: it is not. */
static bool lock_spin(struct lock *lock)
{
    for (int look = 0; look < LOCK_LOOKS; look++) {
        unsigned left = LOCK_LEFT;

        /* Relaxed: only the exchange, with acquire, makes it ours. */
        if (sync_get(&lock->word) == LOCK_LEFT &&
            sync_claim(&lock->word, &left, LOCK_TAKEN)) {
            /* Another thread may have marked it as awaited since. */
            ASSERT(sync_get(&lock->word) != LOCK_LEFT);
            return true;
        }
        for (int pause = 0; pause < 1 << look; pause++) {
            lock_pause();
        }
    }
    return false;
}

MP_SLOW void lock_wait(struct lock *lock)
{
    struct lock_berth *berth = lock_berth_of(lock);
    int cancel;

    ASSERT(!lock_is_held(lock)); /* else it waits for itself for ever */
    if (sync_get(&lock->word) > LOCK_AWAITED) {
        if (lock_told_held++ == 0) {
            pthread_mutex_lock(&lock_told_mutex);
        }
        return;
    }
    if (lock_spin(lock)) {
        return;
    }
    /* Sleeping is a cancellation point, and a thread that vanished here would
     * leave the mutex locked. */
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    pthread_mutex_lock(&berth->mutex);
    /* Acquire, for the case that this takes the lock: pairs with the release
     * in lock_drop(). */
    while (sync_swap_acquire(&lock->word, LOCK_AWAITED) != LOCK_LEFT) {
        pthread_cond_wait(&berth->left, &berth->mutex);
    }
    /* Ours, and nobody takes the mark off but the thread that leaves. */
    ASSERT(sync_get(&lock->word) == LOCK_AWAITED);
    pthread_mutex_unlock(&berth->mutex);
    pthread_setcancelstate(cancel, NULL);
}

/* Once the lock is left nothing of it is read but its address: another thread
 * may have taken it by then, and have freed the memory that it stands in. */
MP_SLOW void lock_wake(struct lock *lock)
{
    struct lock_berth *berth = lock_berth_of(lock);

    if (sync_get(&lock->word) > LOCK_AWAITED) {
        sync_add(&lock->word, 1u);
        if (--lock_told_held == 0) {
            pthread_mutex_unlock(&lock_told_mutex);
        }
        return;
    }
    /* Release pairs with the acquire of the thread that takes it next. */
    sync_put_release(&lock->word, (unsigned)LOCK_LEFT);
    int failed = pthread_mutex_lock(&berth->mutex);

    ASSERT(failed == 0);
    pthread_cond_broadcast(&berth->left);
    pthread_mutex_unlock(&berth->mutex);
}

/* A sleeper needs some 50 microseconds to wake up, in which a thread that does
 * not sleep has long taken the lock again.  The sleep must not end the caller,
 * which is in the middle of its work. */
void lock_leave_turn(struct lock *lock, bool taken)
{
    const struct timespec turn = {0, LOCK_TURN};
    bool awaited = taken && sync_get(&lock->word) == LOCK_AWAITED;
    int cancel;

    lock_leave(lock, taken);
    if (awaited) {
        int error = errno;
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
        (void)nanosleep(&turn, NULL);
        pthread_setcancelstate(cancel, NULL);
        errno = error;
    }
}

/* Not every processor of 32 bits adds to 64 bits that threads share, and a
 * library of the compiler's that does is not everywhere. */
uint64_t lock_next_number(uint64_t *counter)
{
#if SIZE_MAX > UINT32_MAX
    return sync_add(counter, 1u) + 1;
#else
    pthread_mutex_lock(&lock_number_mutex);
    uint64_t number = ++*counter;
    pthread_mutex_unlock(&lock_number_mutex);
    return number;
#endif
}

void lock_fork_prepare(void)
{
    for (size_t i = 0; i < LOCK_BERTHS; i++) {
        int failed = pthread_mutex_lock(&lock_berths[i].mutex);
        ASSERT(failed == 0);
    }
    pthread_mutex_lock(&lock_number_mutex);
}

void lock_fork_parent(void)
{
    pthread_mutex_unlock(&lock_number_mutex);
    for (size_t i = 0; i < LOCK_BERTHS; i++) {
        int failed = pthread_mutex_unlock(&lock_berths[i].mutex);
        ASSERT(failed == 0);
    }
}

/* The sleepers are not in the child, so its conditions start anew.  A holder
 * is known by the address of its counts, which the child's thread keeps. */
void lock_fork_child(void)
{
    pthread_mutex_unlock(&lock_number_mutex);
    for (size_t i = 0; i < LOCK_BERTHS; i++) {
        int failed = pthread_cond_init(&lock_berths[i].left, NULL);
        ASSERT(failed == 0);
        failed = pthread_mutex_unlock(&lock_berths[i].mutex);
        ASSERT(failed == 0);
    }
}

#ifdef MP_CHECKS
/* Locks that the thread holds, by rank; its address is the thread's name. */
static _Thread_local unsigned lock_held[LOCK_TOOL + 1];

bool lock_is_held(const struct lock *lock)
{
    ASSERT(lock != NULL);
    /* Relaxed: only what the thread itself wrote is ever its own name. */
    return sync_get(&lock->holder) == lock_held;
}

bool lock_none_is_held(void)
{
    for (unsigned rank = 0; rank <= LOCK_TOOL; rank++) {
        if (lock_held[rank] != 0) {
            return false;
        }
    }
    return true;
}

/* The thread may take a lock of that rank: it holds none of the same rank, or
 * LOCK_MOVES or LOCK_THREADS too, and none of a higher one. */
static bool lock_is_in_order(enum lock_rank rank)
{
    ASSERT(rank >= LOCK_MOVES && rank <= LOCK_TOOL);
    for (unsigned higher = rank + 1u; higher <= LOCK_TOOL; higher++) {
        if (lock_held[higher] != 0) {
            return false;
        }
    }
    return lock_held[rank] == 0 ||
           (rank > LOCK_MOVES && lock_held[LOCK_MOVES] != 0) ||
           (rank > LOCK_THREADS && lock_held[LOCK_THREADS] != 0);
}

void lock_note_enter(struct lock *lock)
{
    ASSERT(lock->rank >= LOCK_MOVES && lock->rank <= LOCK_TOOL);
    ASSERT(!lock_is_held(lock));
    ASSERT(lock_is_in_order(lock->rank));
    /* A lock that was really taken has no holder any more. */
    ASSERT(sync_get(&lock->word) == LOCK_LEFT ||
           sync_get(&lock->holder) == NULL);
    ASSERT(sync_get(&lock->word) <= LOCK_AWAITED ||
           sync_get(&lock->word) == LOCK_TOLD);
    lock_held[lock->rank]++;
    sync_put(&lock->holder, (const void *)lock_held);
}

void lock_note_leave(struct lock *lock)
{
    ASSERT(lock_is_held(lock));
    ASSERT(lock->rank >= LOCK_MOVES && lock->rank <= LOCK_TOOL);
    ASSERT(sync_get(&lock->word) <= LOCK_AWAITED ||
           sync_get(&lock->word) == LOCK_TOLD);
    ASSERT(lock_held[lock->rank] > 0);
    lock_held[lock->rank]--;
    sync_put(&lock->holder, (const void *)NULL);
}
#endif
