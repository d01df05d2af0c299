/* SPDX-License-Identifier: MIT
 *
 * tool.c - what the library tells the tools that watch a program.
 *
 * LeakSanitizer reads the memory that malloc() gave and that of global
 * variables for pointers.  The range is neither, so an object that only a
 * pool's object leads to would be reported as leaked.
 *
 * A checker knows what malloc() gave.  How pools make use of that is written
 * in pool/track.c; here is only how to ask for the tool and how to speak to
 * it.  Valgrind's tools are told apart by requests that one of them alone
 * answers.
 *
 * What it cannot do: make AddressSanitizer report the free of an address that
 * malloc() gave and that is in use, such as another pool's object.  To hand
 * that on would free it.
 */
#include "base/tool.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/lock.h"

#ifdef __has_include
#if __has_include(<valgrind/memcheck.h>) && \
    __has_include(<valgrind/helgrind.h>) && __has_include(<valgrind/drd.h>)
#define TOOL_VALGRIND
#endif
#endif

#ifdef TOOL_VALGRIND
#include <valgrind/drd.h> /* first: both define some macros anew */
#include <valgrind/helgrind.h>
#include <valgrind/memcheck.h>
#endif

/* Weak, so that they are NULL in a program that runs without the tool. */
#if defined(__linux__) && (defined(__GNUC__) || defined(__clang__))
#define TOOL_WEAK __attribute__((__weak__))
void __lsan_register_root_region(const void *start, size_t bytes) TOOL_WEAK;
void __lsan_unregister_root_region(const void *start, size_t bytes) TOOL_WEAK;
void *__asan_region_is_poisoned(void *start, size_t bytes) TOOL_WEAK;
int __sanitizer_get_ownership(const volatile void *ptr) TOOL_WEAK;
void __msan_unpoison(const volatile void *start, size_t bytes) TOOL_WEAK;
void __tsan_acquire(void *place) TOOL_WEAK;
void __tsan_release(void *place) TOOL_WEAK;
void __tsan_ignore_thread_begin(void) TOOL_WEAK;
void __tsan_ignore_thread_end(void) TOOL_WEAK;

#define TOOL_CALL(name, ...) ((name) != NULL ? (void)(name)(__VA_ARGS__) \
                                             : (void)0)
#define TOOL_HAS(name) ((name) != NULL)
#else
#define TOOL_CALL(name, ...) ((void)0)
#define TOOL_HAS(name) false
#endif

bool tool_follows(void)
{
    return TOOL_HAS(__lsan_register_root_region);
}

/* The tool takes a lock for each call, which not every version of it holds
 * across fork().  So no call is under way there. */
static struct lock tool_lock = LOCK_INIT(LOCK_TOOL);

void tool_fork_prepare(void)
{
    lock_take(&tool_lock);
}

void tool_fork_done(void)
{
    lock_drop(&tool_lock);
}

void tool_show(const void *start, size_t bytes)
{
    ASSERT(start != NULL && bytes > 0);
    ASSERT(bytes <= UINTPTR_MAX - (uintptr_t)start);
    (void)start;
    (void)bytes;
    if (tool_follows()) {
        bool taken = lock_enter(&tool_lock);
        TOOL_CALL(__lsan_register_root_region, start, bytes);
        lock_leave(&tool_lock, taken);
    }
}

/* The tool wants the very bytes that were shown, and ends the program for any
 * others. */
void tool_hide(const void *start, size_t bytes)
{
    ASSERT(start != NULL && bytes > 0);
    ASSERT(bytes <= UINTPTR_MAX - (uintptr_t)start);
    (void)start;
    (void)bytes;
    if (tool_follows()) {
        bool taken = lock_enter(&tool_lock);
        TOOL_CALL(__lsan_unregister_root_region, start, bytes);
        lock_leave(&tool_lock, taken);
    }
}

/* Each of valgrind's tools that check answers a request of its own with what no
 * other tool, and no processor, gives. */
static bool tool_is_memcheck(void)
{
#ifdef TOOL_VALGRIND
    unsigned char byte = 0;
    unsigned char bits = 0;

    (void)byte; /* of a processor that valgrind does not know it asks nothing */
    (void)bits;
    return VALGRIND_GET_VBITS(&byte, &bits, 1) == 1;
#else
    return false;
#endif
}

static bool tool_is_helgrind_or_drd(void)
{
#ifdef TOOL_VALGRIND
    unsigned char byte = 0;
    unsigned char bits = 0;

    (void)byte; /* as above */
    (void)bits;
    return VALGRIND_DO_CLIENT_REQUEST_EXPR(0, _VG_USERREQ__HG_GET_ABITS, &byte,
                                           &bits, 1, 0, 0) == 1 ||
           DRD_GET_DRD_THREADID != 0;
#else
    return false;
#endif
}

bool tool_orders(void)
{
    return TOOL_HAS(__tsan_acquire) || tool_is_helgrind_or_drd();
}

bool tool_checks(void)
{
    return TOOL_HAS(__asan_region_is_poisoned) || TOOL_HAS(__msan_unpoison) ||
           tool_orders() || tool_is_memcheck();
}

/* Only MemorySanitizer needs it: valgrind sees every instruction. */
void tool_define(const void *start, size_t bytes)
{
    ASSERT(start != NULL);
    (void)start;
    (void)bytes;
    TOOL_CALL(__msan_unpoison, start, bytes);
}

bool tool_allow_races(const void *start, size_t bytes)
{
    ASSERT(start != NULL);
    if (!tool_is_helgrind_or_drd()) {
        return false;
    }
    (void)start;
    (void)bytes;
#ifdef TOOL_VALGRIND
    VALGRIND_HG_DISABLE_CHECKING(start, bytes);
    VALGRIND_DO_CLIENT_REQUEST_STMT(VG_USERREQ__DRD_START_SUPPRESSION, start,
                                    bytes, 0, 0, 0);
#endif
    return true;
}

void tool_forbid_races(const void *start, size_t bytes)
{
    ASSERT(start != NULL);
    (void)start;
    (void)bytes;
#ifdef TOOL_VALGRIND
    VALGRIND_HG_ENABLE_CHECKING(start, bytes);
    VALGRIND_DO_CLIENT_REQUEST_STMT(VG_USERREQ__DRD_FINISH_SUPPRESSION, start,
                                    bytes, 0, 0, 0);
#endif
}

void tool_precede(const void *place)
{
    ASSERT(place != NULL);
    (void)place;
    TOOL_CALL(__tsan_release, (void *)(uintptr_t)place);
#ifdef TOOL_VALGRIND
    VALGRIND_DO_CLIENT_REQUEST_STMT(_VG_USERREQ__HG_USERSO_SEND_PRE, place, 0,
                                    0, 0, 0);
    VALGRIND_DO_CLIENT_REQUEST_STMT(VG_USERREQ__DRD_ANNOTATE_HAPPENS_BEFORE,
                                    place, 0, 0, 0, 0);
#endif
}

void tool_follow(const void *place)
{
    ASSERT(place != NULL);
    (void)place;
    TOOL_CALL(__tsan_acquire, (void *)(uintptr_t)place);
#ifdef TOOL_VALGRIND
    VALGRIND_DO_CLIENT_REQUEST_STMT(_VG_USERREQ__HG_USERSO_RECV_POST, place, 0,
                                    0, 0, 0);
    VALGRIND_DO_CLIENT_REQUEST_STMT(VG_USERREQ__DRD_ANNOTATE_HAPPENS_AFTER,
                                    place, 0, 0, 0, 0);
#endif
}

void tool_begin_alloc(void)
{
    TOOL_CALL(__tsan_ignore_thread_begin);
}

void tool_end_alloc(void)
{
    TOOL_CALL(__tsan_ignore_thread_end);
}

/* To valgrind the address is freed into a pool of its own idea in which there
 * is nothing.  That is a wrong free for it, which it reports with all that it
 * knows of the address, and changes nothing. */
void tool_blame_free(const void *ptr)
{
    ASSERT(ptr != NULL);
#ifdef TOOL_VALGRIND
    static const char anchor;

    (void)anchor; /* as above */
    if (RUNNING_ON_VALGRIND) {
        VALGRIND_CREATE_MEMPOOL(&anchor, 0, 0);
        VALGRIND_MEMPOOL_FREE(&anchor, ptr);
        VALGRIND_DESTROY_MEMPOOL(&anchor);
    }
#endif
#if defined(__linux__) && (defined(__GNUC__) || defined(__clang__))
    if (__asan_region_is_poisoned != NULL &&
        __sanitizer_get_ownership != NULL &&
        __sanitizer_get_ownership(ptr) == 0) {
        free((void *)(uintptr_t)ptr);
    }
#else
    (void)ptr;
#endif
}
