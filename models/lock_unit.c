/* SPDX-License-Identifier: MIT
 *
 * lock_unit.c - the shipped lock, over a mutex and a condition of the model.
 *
 * What it cannot do: have told locks, threads that are cancelled, or naps.  Who
 * naps here sleeps until somebody wakes it.
 */
#include <pthread.h>
#include <string.h>

#include "lock_unit.h"

static enum unit_seed unit_seed;

static int unit_mutex_lock(pthread_mutex_t *mutex)
{
    (void)mutex;
    model_sleep_lock();
    return 0;
}

static int unit_mutex_unlock(pthread_mutex_t *mutex)
{
    (void)mutex;
    model_sleep_unlock();
    return 0;
}

static int unit_cond_wait(pthread_cond_t *left, pthread_mutex_t *mutex)
{
    (void)left;
    (void)mutex;
    model_sleep();
    return 0;
}

static int unit_cond_timedwait(pthread_cond_t *left, pthread_mutex_t *mutex,
                               const struct timespec *until)
{
    (void)until;
    return unit_cond_wait(left, mutex);
}

static int unit_cond_broadcast(pthread_cond_t *left)
{
    (void)left;
    if (unit_seed != UNIT_NO_WAKE) {
        model_wake();
    }
    return 0;
}

#define pthread_mutex_lock unit_mutex_lock
#define pthread_mutex_unlock unit_mutex_unlock
#define pthread_cond_wait unit_cond_wait
#define pthread_cond_timedwait unit_cond_timedwait
#define pthread_cond_broadcast unit_cond_broadcast

/* Threads of a model look no longer than they must: the rest of lock.c is what
 * is to be seen. */
#define LOCK_LOOKS 1
#define LOCK_TURNS 0
#include "base/lock.c"

bool sync_fence_on;

void sync_fence_heavy(void)
{
    if (unit_seed != UNIT_NO_FENCE) {
        model_fence();
    }
}

/* In one line, so that both have the same berth. */
static struct {
    _Alignas(64) struct lock locks[UNIT_LOCKS];
} unit;

void unit_start(enum unit_seed seed, bool on)
{
    unit_seed = seed;
    sync_fence_on = on;
    memset(lock_awaited, LOCK_NOBODY, sizeof lock_awaited);
    model_name(&sync_fence_on, sizeof sync_fence_on);
    model_name(&lock_awaited[lock_berth_of(unit.locks)],
               sizeof *lock_awaited);
    for (unsigned i = 0; i < UNIT_LOCKS; i++) {
        lock_start(&unit.locks[i], LOCK_POOL);
        model_name(&unit.locks[i].word, sizeof unit.locks[i].word);
    }
}

void unit_take(unsigned lock)
{
    lock_take(&unit.locks[lock]);
}

void unit_drop(unsigned lock)
{
    unsigned char *awaited = &lock_awaited[lock_berth_of(unit.locks)];

    if (unit_seed == UNIT_NO_MUTEX) {
        sync_put_seq(&unit.locks[lock].word, (unsigned)LOCK_LEFT);
        if (sync_get_seq(awaited) != LOCK_NOBODY) {
            sync_put(awaited, (unsigned char)LOCK_NOBODY);
            model_wake();
        }
        return;
    }
    lock_drop(&unit.locks[lock]);
}
