/* SPDX-License-Identifier: MIT
 *
 * inject.h - what the library asks of the system, counted, failed, replaced.
 *
 * By redirect.h each call of the functions below goes through inject.c: those
 * of the test program, and of the library, where that is one of the archives
 * of src/ that only tests link.  The n-th request can fail, or all from the
 * n-th on, or the next ones of one thread; what is still held is counted; and
 * a function of the test can answer a call itself.
 *
 * What it cannot do: see the calls of shared libraries, or those of Check.
 */
#ifndef INJECT_H
#define INJECT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* Those before INJECT_FREE are requests: only they fail. */
enum inject_function {
    INJECT_MALLOC,
    INJECT_CALLOC,
    INJECT_REALLOC,
    INJECT_ALIGNED_ALLOC,
    INJECT_POSIX_MEMALIGN,
    INJECT_MMAP,
    INJECT_FREE,
    INJECT_MUNMAP,
    INJECT_MUTEX_INIT,
    INJECT_FUNCTIONS
};

/* One call: what it was given, and what it answers. */
struct inject_call {
    enum inject_function function;
    void *given; /* to realloc(), free() or munmap(); else NULL */
    size_t size; /* in bytes, of a request or munmap() */
    void *got;   /* by a request; NULL: it failed */
    int error;   /* the answer of a function that returns an int */
    bool entered; /* the system is doing it; only inject.c uses this */
};

/* True: it has answered the call by .got and .error; false: the call goes to
 * the system.  What the function calls itself is not seen here again. */
typedef bool inject_hook_t(struct inject_call *call);
extern inject_hook_t *_Atomic inject_hook; /* or NULL */

/* What happened between inject_start() and inject_stop(), or since; for one
 * thread at a time. */
struct inject_state {
    bool on;
    bool all;            /* from the one that fails on */
    bool failed;         /* a request did */
    unsigned long until; /* requests until one fails; 0: none does */
    long held;           /* pieces got and not given back; never set to 0 */
    unsigned calls[INJECT_FUNCTIONS];
};
extern struct inject_state inject;

/* The at-th request from here fails, with all also those behind it; 0: none
 * does. */
void inject_start(unsigned long at, bool all);
void inject_stop(void);

/* In the child of a process with threads, before its first call of the
 * library. */
void inject_forked(void);

/* aligned_alloc() and free() for a test's own backing, which other threads may
 * be in beside a fork; they are not counted, and do not fail. */
void *inject_own_take(size_t alignment, size_t size);
void inject_own_give(void *at);

/* The next n calls of a request by this thread fail; how many of them did not
 * happen. */
void inject_refuse(enum inject_function function, unsigned n);
unsigned inject_refusals_left(enum inject_function function);

#endif /* INJECT_H */
