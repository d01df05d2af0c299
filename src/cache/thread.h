/* SPDX-License-Identifier: MIT
 *
 * thread.h - what the library knows of a thread, and all pools by thread.
 *
 * A thread that makes a pool or gets a cache is registered: it has a struct
 * thread, which lists the pools that it made and the caches that it has, and
 * a key destructor which tells its end.  What has to be done then is known
 * higher up, so thread.c calls a hook that it was handed.  A struct thread is
 * never freed, only used again, so a pool may look at its maker's without
 * knowing whether that thread still runs.
 *
 * A thread's state is its thread-local variable of that name, or where that
 * would be freed too early a part of its struct thread.
 *
 * Static thread-local storage is scarce for libraries that dlopen() loads:
 * one cache line, thread_state, and one pointer in pool/end.c are all that is
 * used.
 *
 * What it cannot do: notice the end of a thread where the process has no key
 * left.  Such threads go without a cache.  Nor where a thread first comes here
 * from a key destructor in the last of the rounds that POSIX has for those,
 * and that key has a higher number than the library's; see thread.c.
 */
#ifndef MP_THREAD_H
#define MP_THREAD_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/lock.h"
#include "cache/user.h"

#define MP_INLINE_LIBRARY
#include "memory_pool_inline.h"

struct memory_pool;

#define THREAD_CACHES 8 /* found without a search */

/* Compilers that emulate thread-local variables, and macOS, keep these in
 * memory which the destructor of a key frees.  That may be run before ours, and
 * other threads still read the state of a thread then.  There a registered
 * thread's state is in its struct thread. */
#if defined(__ELF__) && !defined(MP_EMULATED_TLS)
#define THREAD_KEEPS_STATE 0
#else
#define THREAD_KEEPS_STATE 1
#endif

/* The calling thread's own.  Compiled-in code finds it by another name, which
 * is exported.  The library keeps to this one, so that two copies of it in one
 * process do not share it, whatever the linker binds. */
#if THREAD_KEEPS_STATE
MP_INNER struct mp_inline_thread *thread_find_state(void);
#define thread_state (*thread_find_state())
#elif defined(MP_ONE_UNIT)
static __thread struct mp_inline_thread thread_state MP_INLINE_TLS;
#else
extern __thread struct mp_inline_thread thread_state
    __attribute__((__visibility__("hidden"))) MP_INLINE_TLS;
#endif

/* What a thread that has used no pool yet finds: a cache enabled for none. */
MP_INNER const struct mp_inline_cache thread_no_cache;

struct thread {
    struct lock lock;        /* owns made */
    struct list made;        /* struct thread_place: pools that it made */
    struct mp_inline_thread *state; /* the list's lock; NULL: it has ended */
#if THREAD_KEEPS_STATE
    struct mp_inline_thread home; /* what state leads to; only its thread, but
                                   * for inside, see memory_pool_inline.h */
    pthread_t id;            /* the list's lock; of the thread */
#endif
    struct thread *next;     /* the list's lock */
    struct user user;        /* only its thread */
    struct list attached;    /* attachments' lock; caches that serve a pool */
    struct list spare;       /* attachments' lock; caches that serve none */
    unsigned spares;         /* attachments' lock */
    struct cache *found[THREAD_CACHES]; /* only its thread; attach.c writes
                                         * it, but for the registration, which
                                         * sets all of it to NULL */
    struct memory_pool *kept[2]; /* only its thread; pool/recycle.c: pools that
                                  * are to be made again: plain ones, and those
                                  * that count */
    unsigned kept_count;      /* only its thread; pool/recycle.c */
};

/* A pool's place among those of its maker. */
struct thread_place {
    struct list_link link; /* that thread's lock */
    struct thread *maker;  /* atomic; written under that thread's lock; the
                            * orphans' once the maker has ended; NULL: none,
                            * no pool lives here */
    bool kept;             /* atomic; the pool was destroyed, and waits to be
                            * made again; only its maker's thread writes it */
    bool open;             /* atomic; pool/each.h: the pool may be visited;
                            * the thread that makes or ends it writes it */
    unsigned listed;       /* atomic; pool/each.c: its number among those to be
                            * visited; 0: none; the attachments' lock */
    const struct mp_inline_thread *builder; /* atomic; the thread that makes
                            * or ends the pool, or was the last to do so; it
                            * writes it before it closes the pool */
};

/* The hook that is called as a thread ends, with no lock held.  It destroys the
 * pools that the thread keeps and ends the thread's caches.  thread.c does all
 * else: from then on the thread is known to have ended, the pools that it made
 * are the orphans', and its struct thread may be used again.  The caller is
 * that thread, or one that got the memory, or the pthread_t, of a thread which
 * is gone.
 *
 * Set before the first thread is registered, by what knows pools; any number
 * of times, but always the same function. */
MP_INNER void thread_set_end(void (*ends)(struct thread *thread));

/* Tells the locks of this file, see lock_tell_all(). */
MP_INNER void thread_tell_locks(void);

/* thread_self() for a thread that is not registered yet. */
MP_INNER struct thread *thread_self_slow(void);

/* The calling thread's; NULL: no memory, or the thread is ending.  Keeps
 * errno.  No lock held. */
static inline struct thread *thread_self(void)
{
    struct thread *thread = (struct thread *)thread_state.own;

    if (thread == NULL) {
        thread = thread_self_slow();
    }
    /* One that has ended has the number 0. */
    return thread == NULL || thread->user.number == 0 ? NULL : thread;
}

/* The calling thread's, without registering it; NULL: it was never registered,
 * or has ended. */
MP_INNER struct thread *thread_known(void);

/* The state is the calling thread's own, or was so before it was registered.
 * No other thread that runs has the same. */
#if THREAD_KEEPS_STATE
MP_INNER bool thread_is_own(const struct mp_inline_thread *state);
#else
static inline bool thread_is_own(const struct mp_inline_thread *state)
{
    return state == &thread_state;
}
#endif

/* The calling thread as a user of pools; one that was never registered, or has
 * ended, has the number 0, which owns no mark. */
MP_INNER const struct user *thread_user(void);

/* A number that no other thread or handle has or will have. */
MP_INNER uint64_t thread_new_number(void);

/* Puts a pool, whose place is all zero, on its maker's list, NULL: the
 * orphans', or takes it off.  No lock of a rank above LOCK_THREADS held. */
MP_INNER void thread_enlist(struct thread *thread, struct thread_place *place);
MP_INNER void thread_delist(struct thread_place *place);

/* The first takes the locks of the list, of the attachments and of every
 * thread: no pool and no thread comes or goes meanwhile.  The second leaves
 * them. */
MP_INNER void thread_hold(void);
MP_INNER void thread_drop(void);

/* Held: calls visit for every pool there is. */
MP_INNER void thread_each_pool(void (*visit)(struct thread_place *place,
                                             void *argument),
                               void *argument);

/* Held, in the child of fork(): the other threads are no more.  Calls gone for
 * each of them, which ends its caches; then its pools are the orphans', but for
 * those that it kept: they stay with its struct thread for the next thread that
 * is registered in its place. */
MP_INNER void thread_forked(void (*gone)(struct thread *thread));

/* The list of threads agrees with what it lists; held. */
MP_INNER bool thread_list_is_sound(void);

/* The attachments' lock; see attach.c. */
MP_INNER struct lock thread_attachments;

#endif /* MP_THREAD_H */
