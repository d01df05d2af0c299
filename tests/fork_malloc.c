/* SPDX-License-Identifier: MIT
 *
 * fork_malloc.c - malloc() that the child of a process with threads can use,
 * under sanitizers too.
 *
 * glibc holds malloc's locks across fork(); the sanitizers of older compilers
 * do not, so a child made while a thread is inside malloc() hangs in its
 * first own call.  The linker's --wrap leads the calls of the program, and of
 * the library linked statically, through here, where in such a build a fork
 * waits for the calls and the calls wait for it.  Readers of one lock do not
 * order each other, so ThreadSanitizer sees no less.  In other builds each
 * call goes straight on.
 *
 * What it cannot do: hold back the C library's own calls.
 */
#include <pthread.h>
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
static pthread_rwlock_t fork_malloc_lock = PTHREAD_RWLOCK_INITIALIZER;

static void fork_malloc_enter(void)
{
    pthread_rwlock_rdlock(&fork_malloc_lock);
}

static void fork_malloc_leave(void)
{
    pthread_rwlock_unlock(&fork_malloc_lock);
}

static void fork_malloc_prepare(void)
{
    pthread_rwlock_wrlock(&fork_malloc_lock);
}

/* The child's thread has another number than the one that took the lock. */
static void fork_malloc_child(void)
{
    pthread_rwlock_init(&fork_malloc_lock, NULL);
}

/* Before the library's own handlers are registered, so that the lock is
 * taken after the library's locks, as malloc() is called with some held. */
__attribute__((__constructor__(101))) static void fork_malloc_start(void)
{
    if (pthread_atfork(fork_malloc_prepare, fork_malloc_leave,
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
