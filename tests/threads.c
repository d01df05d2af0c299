/* SPDX-License-Identifier: MIT
 *
 * threads.c - threads that do the same, each with its part of the work.
 *
 * Check writes a line for each assertion, so it is called only for what is
 * wrong: some tests start many thousands.
 */
#include "threads.h"

#include <check.h>
#include <stdint.h>

void threads_start(struct threads *threads, size_t n, void *(*run)(void *),
                   void *work, size_t size)
{
    if (n > THREADS_MOST) {
        ck_abort_msg("%zu threads are too many", n);
    }
    threads->count = n;
    for (size_t i = 0; i < n; i++) {
        void *part = (void *)((uintptr_t)work + i * size);
        if (pthread_create(&threads->ids[i], NULL, run, part) != 0) {
            ck_abort_msg("thread %zu of %zu cannot be made", i, n);
        }
    }
}

size_t threads_join(struct threads *threads)
{
    size_t sum = 0;

    for (size_t i = 0; i < threads->count; i++) {
        void *result;
        if (pthread_join(threads->ids[i], &result) != 0) {
            ck_abort_msg("thread %zu cannot be joined", i);
        }
        sum += (uintptr_t)result;
    }
    return sum;
}

size_t threads_run(size_t n, void *(*run)(void *), void *work, size_t size)
{
    struct threads threads;

    threads_start(&threads, n, run, work, size);
    return threads_join(&threads);
}

pthread_t threads_start_one(void *(*run)(void *), void *work)
{
    struct threads threads;

    threads_start(&threads, 1, run, work, 0);
    return threads.ids[0];
}

void threads_join_one(pthread_t thread)
{
    struct threads threads = {.count = 1, .ids = {thread}};

    threads_join(&threads);
}

void threads_barrier_start(struct threads_barrier *barrier, unsigned n)
{
    barrier->n = n;
    barrier->here = 0;
    barrier->round = 0;
    if (pthread_mutex_init(&barrier->mutex, NULL) != 0 ||
        pthread_cond_init(&barrier->turn, NULL) != 0) {
        ck_abort_msg("a barrier for %u cannot be made", n);
    }
}

/* A thread that left may come again before others woke: they look at the
 * round, which does not come back. */
void threads_barrier_wait(struct threads_barrier *barrier)
{
    pthread_mutex_lock(&barrier->mutex);
    unsigned round = barrier->round;
    if (++barrier->here == barrier->n) {
        barrier->here = 0;
        barrier->round++;
        pthread_cond_broadcast(&barrier->turn);
    }
    while (round == barrier->round) {
        pthread_cond_wait(&barrier->turn, &barrier->mutex);
    }
    pthread_mutex_unlock(&barrier->mutex);
}

void threads_barrier_end(struct threads_barrier *barrier)
{
    pthread_mutex_destroy(&barrier->mutex);
    pthread_cond_destroy(&barrier->turn);
}
