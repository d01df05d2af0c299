/* SPDX-License-Identifier: MIT
 *
 * threads.h - threads that do the same, each with its part of the work; and a
 * barrier where they meet.
 *
 * Threads never assert: each returns a number, as a rule of what went wrong,
 * and the test asserts on the sum.
 */
#ifndef THREADS_H
#define THREADS_H

#include <pthread.h>
#include <stddef.h>

#define THREADS_MOST 64

struct threads {
    size_t count;
    pthread_t ids[THREADS_MOST];
};

/* Starts n threads.  The work of thread i lies size bytes behind that of the
 * one before: an element of an array, or with 0 the same for all, or with 1
 * a number of its own. */
void threads_start(struct threads *threads, size_t n, void *(*run)(void *),
                   void *work, size_t size);

/* Waits for all; the sum of what they returned. */
size_t threads_join(struct threads *threads);

/* Starts them and waits. */
size_t threads_run(size_t n, void *(*run)(void *), void *work, size_t size);

/* The same for one thread, whose result is of no interest. */
pthread_t threads_start_one(void *(*run)(void *), void *work);
void threads_join_one(pthread_t thread);

/* n threads wait until all of them are there, any number of times.  POSIX has
 * this as an option, which macOS and OpenBSD's older releases lack. */
struct threads_barrier {
    pthread_mutex_t mutex; /* owns the rest */
    pthread_cond_t turn;
    unsigned n;
    unsigned here;  /* that wait now */
    unsigned round; /* times that all were there */
};

void threads_barrier_start(struct threads_barrier *barrier, unsigned n);
void threads_barrier_wait(struct threads_barrier *barrier);
/* All threads that waited but the caller have been joined. */
void threads_barrier_end(struct threads_barrier *barrier);

#endif /* THREADS_H */
