/* SPDX-License-Identifier: MIT
 *
 * whole.h - the whole library under Relacy: what its sources call, and a model.
 *
 * A unit that includes the library compiles this first, instead of orders.h.
 * The unit is compiled with -fsanitize=thread, and linked without that
 * library: whole.cc has the functions that the compiler calls at each plain
 * access.  So Relacy sees each access, and finds a race between two plain ones.
 *
 * Nothing is named here.  A run notes each address that it comes to, and the
 * next run has it as an atomic or as a variable of Relacy's.  So the first runs
 * see little, and the later ones all.
 *
 * A thread of the model has its own thread-local variables: they stand in a
 * section that is copied as another thread goes on.
 *
 * What it cannot do: see a race between a plain and an atomic access.  The
 * latter then finds what the plain one wrote, as if that were relaxed.
 */
#ifndef MODELS_WHOLE_H
#define MODELS_WHOLE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Another thread may run.  A full fence in each thread.  Which thread runs. */
void whole_yield(void);
void whole_fence(void);
unsigned whole_thread(void);

/* Memory comes from the same places in each run.  It is given back when the run
 * has ended.  So none of it comes again in
 * that run, and who reads it beside a free() races with that. */
void *whole_malloc(size_t bytes);
void *whole_calloc(size_t count, size_t bytes);
void *whole_aligned_alloc(size_t alignment, size_t bytes);
void whole_free(void *memory);

/* A piece of memory goes: no thread comes to what is atomic there until one
 * has written to it plainly. */
void whole_forbid(void *memory, size_t bytes);

/* From now on this process has one thread, as a child of fork(). */
void whole_leave(void);

/* Plain accesses to many bytes, which have happened or are about to. */
void whole_plain(const volatile void *start, size_t bytes, int writes);

#ifdef __cplusplus
}
#endif

#ifndef __cplusplus
#include "orders.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WHOLE_THREADS 4

#define __thread __attribute__((__used__, __section__("whole_local")))
#define _Thread_local __attribute__((__used__, __section__("whole_local")))
#define __tls_model__(model) __used__

static inline void *whole_set(void *place, int value, size_t bytes)
{
    whole_plain(place, bytes, 1);
    return memset(place, value, bytes);
}

static inline void *whole_copy(void *to, const void *from, size_t bytes)
{
    whole_plain(from, bytes, 0);
    whole_plain(to, bytes, 1);
    return memmove(to, from, bytes);
}

#define malloc whole_malloc
#define calloc whole_calloc
#define aligned_alloc whole_aligned_alloc
#define free whole_free
#define memset(place, value, bytes) whole_set(place, value, bytes)
#define memcpy(to, from, bytes) whole_copy(to, from, bytes)
#define memmove(to, from, bytes) whole_copy(to, from, bytes)

/* A thread that would sleep lets others run, and looks again. */
static inline int whole_wait(void)
{
    whole_yield();
    return 0;
}

#define pthread_mutex_lock(mutex) ((void)(mutex), 0)
#define pthread_mutex_unlock(mutex) ((void)(mutex), 0)
#define pthread_cond_wait(condition, mutex) \
    ((void)(condition), (void)(mutex), whole_wait())
#define pthread_cond_timedwait(condition, mutex, until) \
    ((void)(until), pthread_cond_wait(condition, mutex))
#define pthread_cond_broadcast(condition) ((void)(condition), 0)
#define pthread_setcancelstate(state, was) ((void)(was), 0)
#define pthread_self() ((pthread_t)whole_thread() + 1)
#define sched_yield() whole_wait()
#define nanosleep(time, left) ((void)(time), whole_wait())
#define syscall(...) whole_system()

static inline long whole_system(void)
{
    whole_fence();
    return 0;
}

static void *whole_specific[WHOLE_THREADS];

#define pthread_getspecific(key) whole_specific[whole_thread()]
#define pthread_setspecific(key, value) \
    (whole_specific[whole_thread()] = (void *)(value), 0)

#endif /* __cplusplus */
#endif /* MODELS_WHOLE_H */
