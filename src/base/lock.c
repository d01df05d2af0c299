/* SPDX-License-Identifier: MIT
 *
 * lock.c - where threads sleep that wait for a lock.
 *
 * A few mutexes, each with its condition, serve all locks; a lock's address
 * says which.  Sleepers of several locks may share one, so a lock that is
 * left wakes all of them, and each reads its own word again.
 *
 * A thread that is about to sleep marks its berth as awaited, with the mutex
 * held, and looks at the word once more.  The thread that leaves a lock and
 * finds its berth marked takes the same mutex, takes the mark off and wakes all.
 * So no wake-up falls between the mark and the sleep, and a sleeper that has to
 * sleep again marks again.
 *
 * The leaving thread's store of the word and its look at the mark must not
 * change places, nor the sleeper's mark and look at the word:
 *
 *     leaves                         goes to sleep
 *         word = LOCK_LEFT               awaited = LOCK_SLEEPERS
 *         light fence                    heavy fence
 *         awaited?                       word?
 *
 * While the heavy fence is off, all four are in the one order of the accesses
 * by _seq.  A sleeper that had no heavy fence may meet a thread that leaves and
 * counts on one, as the fence goes on or off, and not be woken: so it naps, for
 * LOCK_NAP at a time.
 *
 * A mark that was there before is as good as a new one: who made it had its
 * fence, with the mutex held.
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
#include <sched.h>
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

/* Then it lets others run so many times before it sleeps, and looks each time:
 * the holder may have no processor.  That costs less than a sleep, with its
 * heavy fence and its wake-up, of which each stops a thread that works.  Where
 * no other thread is ready it takes some microseconds in all. */
#ifndef LOCK_TURNS
#define LOCK_TURNS 16
#endif

/* Nanoseconds that others have to take a lock that is left for a moment. */
#define LOCK_REST 100000

/* Nanoseconds after which a sleeper looks by itself, where it may not be woken:
 * 10 ms. */
#define LOCK_NAP 10000000

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
MP_INNER_OBJECT unsigned char lock_awaited[LOCK_BERTHS];

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

static inline void lock_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    /* Its yield does nothing where a core has one thread. */
    __asm__ volatile("isb" ::: "memory");
#endif
}

/* Takes the lock if it is left. */
static bool lock_try_word(struct lock *lock)
{
    unsigned left = LOCK_LEFT;

    /* Relaxed: only the exchange, with acquire, makes it ours. */
    return sync_get(&lock->word) == LOCK_LEFT &&
           sync_claim(&lock->word, &left, LOCK_TAKEN);
}

/* Takes the lock if it is left before this gives up; false: it is not. */
static bool lock_spin(struct lock *lock)
{
    int error = errno;
    bool taken = false;

    for (int look = 0; look < LOCK_LOOKS && !taken; look++) {
        taken = lock_try_word(lock);
        for (int pause = 0; pause < 1 << look && !taken; pause++) {
            lock_pause();
        }
    }
    for (int turn = 0; turn < LOCK_TURNS && !taken; turn++) {
        sched_yield();
        taken = lock_try_word(lock);
    }
    errno = error;
    return taken;
}

/* The berth's mutex is held.  Seq: pairs with lock_drop_slow(). */
static void lock_mark(unsigned berth)
{
    unsigned char *awaited = &lock_awaited[berth];

    if (sync_get(awaited) != LOCK_NOBODY) {
        return;
    }
    sync_put_seq(awaited, (unsigned char)LOCK_NAPPERS);
    if (sync_fence_is_on()) {
        sync_fence_heavy();
        if (sync_fence_is_on()) {
            sync_put(awaited, (unsigned char)LOCK_SLEEPERS);
        }
    }
}

/* Sleeps at a berth that is marked, and whose mutex is held. */
static void lock_sleep(unsigned number)
{
    struct lock_berth *berth = &lock_berths[number];
    struct timespec until;

    ASSERT(sync_get(&lock_awaited[number]) != LOCK_NOBODY);
    if (sync_get(&lock_awaited[number]) == LOCK_SLEEPERS) {
        pthread_cond_wait(&berth->left, &berth->mutex);
        return;
    }
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += LOCK_NAP;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&berth->left, &berth->mutex, &until);
}

MP_SLOW void lock_wait(struct lock *lock)
{
    unsigned number = lock_berth_of(lock);
    struct lock_berth *berth = &lock_berths[number];
    unsigned left = LOCK_LEFT;
    int cancel;

    ASSERT(!lock_is_held(lock)); /* else it waits for itself for ever */
    if (sync_get(&lock->word) == LOCK_TOLD) {
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
    lock_mark(number);
    while (sync_get_seq(&lock->word) != LOCK_LEFT ||
           !sync_claim(&lock->word, &left, LOCK_TAKEN)) {
        left = LOCK_LEFT;
        lock_sleep(number);
        lock_mark(number);
    }
    /* The mark stays, since others may sleep here. */
    pthread_mutex_unlock(&berth->mutex);
    pthread_setcancelstate(cancel, NULL);
}

/* Nothing of the lock is read but its address. */
MP_SLOW void lock_wake(const struct lock *lock)
{
    unsigned number = lock_berth_of(lock);
    struct lock_berth *berth = &lock_berths[number];
    int failed = pthread_mutex_lock(&berth->mutex);

    ASSERT(failed == 0);
    sync_put(&lock_awaited[number], (unsigned char)LOCK_NOBODY);
    pthread_cond_broadcast(&berth->left);
    pthread_mutex_unlock(&berth->mutex);
}

MP_SLOW void lock_drop_slow(struct lock *lock)
{
    if (sync_get(&lock->word) == LOCK_TOLD) {
        ASSERT(lock_told_held > 0);
        if (--lock_told_held == 0) {
            pthread_mutex_unlock(&lock_told_mutex);
        }
        return;
    }
    sync_put_seq(&lock->word, (unsigned)LOCK_LEFT);
    if (sync_get_seq(&lock_awaited[lock_berth_of(lock)]) != LOCK_NOBODY) {
        lock_wake(lock);
    }
}

/* A sleeper needs some 50 microseconds to wake up, in which a thread that does
 * not sleep has long taken the lock again.  The sleep must not end the caller,
 * which is in the middle of its work. */
void lock_leave_turn(struct lock *lock, bool taken)
{
    const struct timespec rest = {0, LOCK_REST};
    bool awaited =
        taken && sync_get(&lock_awaited[lock_berth_of(lock)]) != LOCK_NOBODY;
    int cancel;

    lock_leave(lock, taken);
    if (awaited) {
        int error = errno;
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
        (void)nanosleep(&rest, NULL);
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
        sync_put(&lock_awaited[i], (unsigned char)LOCK_NOBODY);
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
    ASSERT(lock_is_in_order(lock->rank));
    lock_note_try(lock);
}

void lock_note_try(struct lock *lock)
{
    ASSERT(lock->rank >= LOCK_MOVES && lock->rank <= LOCK_TOOL);
    ASSERT(!lock_is_held(lock));
    /* A lock that was really taken has no holder any more. */
    ASSERT(sync_get(&lock->word) == LOCK_LEFT ||
           sync_get(&lock->holder) == NULL);
    ASSERT(sync_get(&lock->word) <= LOCK_TOLD);
    lock_held[lock->rank]++;
    sync_put(&lock->holder, (const void *)lock_held);
}

void lock_note_leave(struct lock *lock)
{
    ASSERT(lock_is_held(lock));
    ASSERT(lock->rank >= LOCK_MOVES && lock->rank <= LOCK_TOOL);
    ASSERT(sync_get(&lock->word) <= LOCK_TOLD);
    ASSERT(lock_held[lock->rank] > 0);
    lock_held[lock->rank]--;
    sync_put(&lock->holder, (const void *)NULL);
}
#endif
