/* SPDX-License-Identifier: MIT
 *
 * thread.h - what the library knows of a thread, and all pools by thread.
 *
 * A thread that makes a pool or gets a cache is registered: it has a struct
 * thread, which lists the pools that it made and the caches that it has, and
 * a key destructor which undoes both when it ends.  A struct thread is never
 * freed, only used again, so that a pool may look at its maker's without
 * knowing whether that thread still runs.
 *
 * One line of thread-local storage, and a word in tree.c, no more, since a
 * library loaded late finds little room for it: the cache that the thread used
 * last, the pool whose fast path it is in, where the range's tables are, and
 * its struct thread.
 *
 * Locks, in the order in which they are taken: the list of threads; the
 * attachments (which cache belongs to which pool and thread); a thread's own;
 * a pool's own; the range's; and last those that sleepers use.
 */
#ifndef MP_THREAD_H
#define MP_THREAD_H

#include <stddef.h>
#include <stdint.h>

#include "base/lock.h"

#define MP_INLINE_LIBRARY
#include "memory_pool_inline.h"

struct cache;
struct thread;

#define THREAD_CACHES 8 /* found without a search */

/* The calling thread's own.  Compiled-in code finds it by another name, which
 * is exported; the library keeps to this one, so that two copies of it in one
 * process do not share it, whatever the linker binds. */
extern __thread struct mp_inline_thread thread_state
    __attribute__((__visibility__("hidden"))) MP_INLINE_TLS;

struct thread {
    struct lock lock;            /* owns made */
    struct memory_pool *made;    /* pools that it made, linked by made_next */
    struct mp_inline_thread *state;    /* the list's lock; NULL: it has ended */
    struct thread *next;         /* the list's lock */
    uint64_t number;             /* only its thread; never used again */
    struct cache *attached;      /* those with a pool; the attachments' lock */
    struct cache *spare;         /* those without, linked by older; so this */
    unsigned spares;             /* so this */
    unsigned recycled_count;     /* only its thread, as the next */
    struct memory_pool *recycled; /* pools to be made again; see recycle.h */
    struct cache *found[THREAD_CACHES]; /* only its thread */
};

/* The calling thread's; NULL: no memory, or the thread is ending. */
struct thread *thread_self(void);

/* A number that no other thread or handle has or will have; and the calling
 * thread's, 0 where thread_self() was not called before. */
uint64_t thread_new_number(void);

static inline uint64_t thread_number(void)
{
    const struct thread *self = thread_state.own;

    return self == NULL ? 0 : self->number;
}

/* Puts a pool on its maker's list, or takes it off. */
void thread_enlist(struct thread *thread, struct memory_pool *mp);
void thread_delist(struct memory_pool *mp);

/* Takes the locks of the list, of the attachments and of every thread: no
 * pool comes or goes, no thread either.  And leaves them. */
void thread_hold(void);
void thread_drop(void);

/* Held, in the child of fork(): the other threads are no more. */
void thread_forked(void);

/* Held: calls visit for every pool there is. */
void thread_each_pool(void (*visit)(struct memory_pool *mp, void *argument),
                      void *argument);

/* The attachments' lock; see cache.c. */
extern struct lock thread_attachments;

/* Registers the handlers of fork(), which are in fork.c. */
void fork_start(void);

#endif /* MP_THREAD_H */
