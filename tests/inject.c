/* SPDX-License-Identifier: MIT
 *
 * inject.c - what the library asks of the system, counted, failed, replaced.
 *
 * It also makes malloc() one that the child of a process with threads can use,
 * under sanitizers too.  glibc holds malloc's locks across fork(); the
 * sanitizers of older compilers do not, and a child made while a thread is
 * inside malloc() would hang in its first own call.  In such a build a fork
 * waits for the calls that are under way, and the calls wait for the fork.  A
 * lock would do, but ThreadSanitizer wants a lock's owner to live on in the
 * child.
 *
 * That is not enough: the C library's own calls take such locks as well, and
 * with ThreadSanitizer atomic accesses may.  A child would hang there so deep
 * that no alarm ends it.  So with a sanitizer the library gets memory of the
 * test's own in such a child, and frees none.
 *
 * What it cannot do: hold back the C library's own calls.
 */
#include "inject.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define INJECT_SYSTEM
#include "redirect.h"
#include "sanitizer.h"

struct inject_state inject;
inject_hook_t *_Atomic inject_hook;

static _Thread_local unsigned inject_refusals[INJECT_FREE];
static _Thread_local bool inject_nested; /* the thread is in a call's hook */

#if SANITIZER_ON
/* Not to be seen by the sanitizer: it would take one call to come before the
 * next, and find fewer races. */
#define INJECT_UNSEEN __attribute__((__no_sanitize_thread__))

static atomic_uint inject_calls; /* under way */
static atomic_bool inject_forks;

/* The system's part of a call begins.  A hook is not part of it: one may hold
 * its thread back until a fork is done. */
INJECT_UNSEEN static void inject_enter(struct inject_call *call)
{
    atomic_fetch_add(&inject_calls, 1);
    while (atomic_load(&inject_forks)) {
        atomic_fetch_sub(&inject_calls, 1);
        sched_yield();
        atomic_fetch_add(&inject_calls, 1);
    }
    call->entered = true;
}

INJECT_UNSEEN static void inject_leave(const struct inject_call *call)
{
    if (call->entered) {
        atomic_fetch_sub(&inject_calls, 1);
    }
}

INJECT_UNSEEN static void inject_prepare(void)
{
    atomic_store(&inject_forks, true);
    while (atomic_load(&inject_calls) > 0) {
        sched_yield();
    }
}

INJECT_UNSEEN static void inject_parent(void)
{
    atomic_store(&inject_forks, false);
}

/* A call that was just trying to begin is of no thread here. */
INJECT_UNSEEN static void inject_child(void)
{
    atomic_store(&inject_calls, 0);
    atomic_store(&inject_forks, false);
}

/* Before the library's own handlers are registered, so that the calls are
 * waited for after its locks are taken, as some calls are made with one. */
__attribute__((__constructor__(101))) static void inject_load(void)
{
    if (pthread_atfork(inject_prepare, inject_parent, inject_child) != 0) {
        abort();
    }
}
#else
static void inject_enter(struct inject_call *call)
{
    (void)call;
}

static void inject_leave(const struct inject_call *call)
{
    (void)call;
}
#endif

static bool inject_is_child; /* written while it has one thread */

void inject_forked(void)
{
    inject_is_child = SANITIZER_ON;
}

/* Memory in a child, all zero; NULL: no more is left. */
static void *inject_take(size_t alignment, size_t size)
{
    static _Alignas(4096) unsigned char
        memory[SANITIZER_ON ? 64 << 20 : 4096];
    static atomic_size_t taken;

    if (size > sizeof memory / 2 || alignment > 4096) {
        return NULL;
    }
    size_t room = (size + alignment - 1 + 63) / 64 * 64;
    size_t at = atomic_fetch_add(&taken, room);

    at = (at + alignment - 1) / alignment * alignment;
    return at + size > sizeof memory ? NULL : memory + at;
}

void inject_start(unsigned long at, bool all)
{
    memset(inject.calls, 0, sizeof inject.calls);
    inject.until = at;
    inject.all = all;
    inject.failed = false;
    inject.on = true;
}

void inject_stop(void)
{
    inject.on = false;
}

void inject_refuse(enum inject_function function, unsigned n)
{
    inject_refusals[function] = n;
}

unsigned inject_refusals_left(enum inject_function function)
{
    return inject_refusals[function];
}

static bool inject_fails(enum inject_function function)
{
    if (function >= INJECT_FREE) {
        return false;
    }
    if (inject_refusals[function] > 0) {
        inject_refusals[function]--;
        return true;
    }
    if (!inject.on || inject.until == 0 || --inject.until > 0) {
        return false;
    }
    inject.failed = true;
    inject.until = inject.all;
    return true;
}

/* True: the system is to do the call; false: it is answered. */
static bool inject_begin(struct inject_call *call)
{
    if (inject_nested) {
        inject_enter(call);
        return true;
    }
    if (inject.on) {
        inject.calls[call->function]++;
    }
    if (inject_fails(call->function)) {
        call->error = errno = ENOMEM;
        return false;
    }
    inject_hook_t *hook = atomic_load(&inject_hook);
    if (hook != NULL) {
        inject_nested = true;
        bool answered = hook(call);
        inject_nested = false;
        if (answered) {
            return false;
        }
    }
    inject_enter(call);
    return true;
}

static void inject_end(const struct inject_call *call)
{
    inject_leave(call);
    if (inject_nested) {
        return;
    }
    bool gives = call->function == INJECT_REALLOC
                     ? call->given != NULL && call->got != NULL
                     : call->given != NULL;
    if (inject.on) {
        inject.held += (call->got != NULL) - gives;
    }
}

void *inject_malloc(size_t size)
{
    struct inject_call call = {.function = INJECT_MALLOC, .size = size};

    if (inject_begin(&call)) {
        call.got = inject_is_child ? inject_take(64, size) : malloc(size);
    }
    inject_end(&call);
    return call.got;
}

void *inject_calloc(size_t count, size_t size)
{
    struct inject_call call = {.function = INJECT_CALLOC,
                               .size = count * size};

    if (inject_begin(&call)) {
        call.got = inject_is_child ? inject_take(64, call.size)
                                   : calloc(count, size);
    }
    inject_end(&call);
    return call.got;
}

void *inject_realloc(void *at, size_t size)
{
    struct inject_call call = {
        .function = INJECT_REALLOC, .given = at, .size = size};

    if (inject_begin(&call)) {
        call.got = realloc(at, size);
    }
    inject_end(&call);
    return call.got;
}

void *inject_aligned_alloc(size_t alignment, size_t size)
{
    struct inject_call call = {.function = INJECT_ALIGNED_ALLOC,
                               .size = size};

    if (inject_begin(&call)) {
        call.got = inject_is_child ? inject_take(alignment, size)
                                   : aligned_alloc(alignment, size);
    }
    inject_end(&call);
    return call.got;
}

int inject_posix_memalign(void **at, size_t alignment, size_t size)
{
    struct inject_call call = {.function = INJECT_POSIX_MEMALIGN,
                               .size = size};

    if (inject_begin(&call)) {
        if (inject_is_child) {
            call.got = inject_take(alignment, size);
            call.error = call.got == NULL ? ENOMEM : 0;
        } else {
            call.error = posix_memalign(&call.got, alignment, size);
        }
    }
    inject_end(&call);
    if (call.error == 0) {
        *at = call.got;
    }
    return call.error;
}

void *inject_mmap(void *at, size_t size, int protection, int flags, int file,
                  off_t offset)
{
    struct inject_call call = {.function = INJECT_MMAP, .size = size};

    if (inject_begin(&call)) {
        void *pages = mmap(at, size, protection, flags, file, offset);
        call.got = pages == MAP_FAILED ? NULL : pages;
    }
    inject_end(&call);
    return call.got == NULL ? MAP_FAILED : call.got;
}

void inject_free(void *at)
{
    struct inject_call call = {.function = INJECT_FREE, .given = at};

    if (inject_begin(&call) && !inject_is_child) {
        free(at);
    }
    inject_end(&call);
}

void *inject_own_take(size_t alignment, size_t size)
{
    struct inject_call call = {.function = INJECT_FREE};

    inject_enter(&call);
    call.got = inject_is_child ? inject_take(alignment, size)
                               : aligned_alloc(alignment, size);
    inject_leave(&call);
    return call.got;
}

void inject_own_give(void *at)
{
    struct inject_call call = {.function = INJECT_FREE};

    inject_enter(&call);
    if (!inject_is_child) {
        free(at);
    }
    inject_leave(&call);
}

int inject_munmap(void *at, size_t size)
{
    struct inject_call call = {
        .function = INJECT_MUNMAP, .given = at, .size = size};

    if (inject_begin(&call)) {
        call.error = munmap(at, size);
    }
    inject_end(&call);
    return call.error;
}

int inject_pthread_mutex_init(pthread_mutex_t *mutex,
                              const pthread_mutexattr_t *attributes)
{
    struct inject_call call = {.function = INJECT_MUTEX_INIT};

    if (inject_begin(&call)) {
        call.error = pthread_mutex_init(mutex, attributes);
    }
    inject_end(&call);
    return call.error;
}
