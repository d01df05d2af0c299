/* SPDX-License-Identifier: MIT
 *
 * fork_malloc.c - malloc() that the child of a process with threads can use,
 * under sanitizers too.
 *
 * glibc holds malloc's locks across fork(); the sanitizers of older compilers
 * do not, so a child made while a thread is inside malloc() hangs in its
 * first own call.  The linker's --wrap leads the calls of the program, and of
 * the library linked statically, through here, where in such a build a fork
 * waits for the calls and the calls wait for it.  A lock would do, but that
 * ThreadSanitizer wants a lock's owner to live on in the child.  In other
 * builds each call goes straight on.
 *
 * What it cannot do: hold back the C library's own calls.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include "sanitizer.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void __real_free(void *at);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void __wrap_free(void *at);

#if SANITIZER_ON
/* Not to be seen by the sanitizer: it would take one call to come before the
 * next, and find fewer races. */
#define FORK_MALLOC_UNSEEN __attribute__((__no_sanitize_thread__))

static atomic_uint fork_malloc_calls; /* under way */
static atomic_bool fork_malloc_forks;

FORK_MALLOC_UNSEEN static void fork_malloc_leave(void)
{
    atomic_fetch_sub(&fork_malloc_calls, 1);
}

FORK_MALLOC_UNSEEN static void fork_malloc_enter(void)
{
    atomic_fetch_add(&fork_malloc_calls, 1);
    while (atomic_load(&fork_malloc_forks)) {
        fork_malloc_leave();
        sched_yield();
        atomic_fetch_add(&fork_malloc_calls, 1);
    }
}

FORK_MALLOC_UNSEEN static void fork_malloc_prepare(void)
{
    atomic_store(&fork_malloc_forks, true);
    while (atomic_load(&fork_malloc_calls) > 0) {
        sched_yield();
    }
}

FORK_MALLOC_UNSEEN static void fork_malloc_parent(void)
{
    atomic_store(&fork_malloc_forks, false);
}

/* A call that was just trying to begin is of no thread here. */
FORK_MALLOC_UNSEEN static void fork_malloc_child(void)
{
    atomic_store(&fork_malloc_calls, 0);
    atomic_store(&fork_malloc_forks, false);
}

/* Before the library's own handlers are registered, so that the calls are
 * waited for after its locks are taken, as some calls are made with one. */
__attribute__((__constructor__(101))) static void fork_malloc_start(void)
{
    if (pthread_atfork(fork_malloc_prepare, fork_malloc_parent,
                       fork_malloc_child) != 0) {
        abort();
    }
}
#else
static void fork_malloc_enter(void)
{
}

static void fork_malloc_leave(void)
{
}
#endif

void *__wrap_malloc(size_t size)
{
    fork_malloc_enter();
    void *at = __real_malloc(size);
    fork_malloc_leave();
    return at;
}

void *__wrap_calloc(size_t count, size_t size)
{
    fork_malloc_enter();
    void *at = __real_calloc(count, size);
    fork_malloc_leave();
    return at;
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    fork_malloc_enter();
    void *at = __real_aligned_alloc(alignment, size);
    fork_malloc_leave();
    return at;
}

void __wrap_free(void *at)
{
    fork_malloc_enter();
    __real_free(at);
    fork_malloc_leave();
}
