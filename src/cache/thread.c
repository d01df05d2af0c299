/* SPDX-License-Identifier: MIT
 *
 * thread.c - what the library knows of a thread, and all pools by thread.
 *
 * A key's destructor tells that a thread ends; its caches are then emptied
 * into their pools, and the pools that it made go to a list of orphans.  Key
 * destructors that run later may still use pools: the thread is then one
 * without a cache, for good, so that nothing is made that nobody would undo.
 *
 * What it cannot do: notice the end of a thread where no key is to be had,
 * since the process has used them all.  Such threads go without a cache.
 */
#include "cache/thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "pool/recycle.h"

__thread struct mp_inline_thread thread_state = {
    .cache = (struct mp_inline_cache *)&cache_none};
/* The exported name is another one for it, so that a second copy of the
 * library in the process keeps to its own, whatever the linker binds. */
#ifdef __ELF__
extern __thread struct mp_inline_thread mp_inline_thread_1
    __attribute__((__alias__("mempool_private_thread_state")));
#else
__thread struct mp_inline_thread mp_inline_thread_1; /* nobody looks into it */
#endif
struct lock thread_attachments;

static struct lock thread_lock; /* owns the list and the key */
static struct thread thread_orphans; /* pools whose makers have ended */
static struct thread *thread_list = &thread_orphans;
static struct thread thread_ended; /* self of a thread after its destructor */
static pthread_key_t thread_key;
static bool thread_key_made;

/* Puts a pool at the front of a thread's list; its lock is held. */
static void thread_push(struct thread *thread, struct memory_pool *mp)
{
    mp->made_previous = NULL;
    mp->made_next = thread->made;
    if (mp->made_next != NULL) {
        mp->made_next->made_previous = mp;
    }
    thread->made = mp;
}

/* The pools that the thread made are nobody's from now on; the thread's and
 * the orphans' locks are held. */
static void thread_orphan(struct thread *thread)
{
    struct memory_pool *mp = thread->made;

    thread->made = NULL;
    while (mp != NULL) {
        struct memory_pool *next = mp->made_next;
        if (sync_get(&mp->recycled)) {
            /* Of a thread that fork() left behind: for who comes next. */
            thread_push(thread, mp);
            mp = next;
            continue;
        }
        thread_push(&thread_orphans, mp);
        /* Release: who sees the new home finds the pool on its list. */
        sync_put_release(&mp->home, &thread_orphans);
        mp = next;
    }
}

/* The key's destructor. */
static void thread_end(void *argument)
{
    struct thread *thread = argument;

    recycle_drop(thread);
    cache_thread_ends(thread, false);
    thread_state.own = &thread_ended;
    cache_use(NULL);
    bool taken = lock_enter(&thread->lock);
    bool orphans_taken = lock_enter(&thread_orphans.lock);
    thread_orphan(thread);
    lock_leave(&thread_orphans.lock, orphans_taken);
    lock_leave(&thread->lock, taken);
    taken = lock_enter(&thread_lock);
    thread->state = NULL;
    lock_leave(&thread_lock, taken);
}

uint64_t thread_new_number(void)
{
    static unsigned long numbers; /* atomic */

    return sync_add(&numbers, 1) + 1;
}

/* A struct thread for the caller; the list's lock is held. */
static struct thread *thread_take(void)
{
    struct thread *thread = thread_list;

    if (!thread_key_made) {
        if (pthread_key_create(&thread_key, thread_end) != 0) {
            return NULL;
        }
        thread_key_made = true;
    }
    while (thread != NULL &&
           (thread == &thread_orphans || thread->state != NULL)) {
        thread = thread->next;
    }
    if (thread == NULL) {
        thread = calloc(1, sizeof *thread);
        if (thread == NULL) {
            return NULL;
        }
        thread->next = thread_list;
        thread_list = thread;
    }
    if (pthread_setspecific(thread_key, thread) != 0) {
        return NULL;
    }
    thread->state = &thread_state;
    thread->number = thread_new_number();
    memset(thread->found, 0, sizeof thread->found);
    return thread;
}

struct thread *thread_self(void)
{
    struct thread *thread = thread_state.own;

    if (thread == NULL) {
        int error = errno; /* the caller does without, and may succeed */
        bool taken = lock_enter(&thread_lock);
        thread = thread_take();
        lock_leave(&thread_lock, taken);
        thread_state.own = thread;
        errno = error;
    }
    return thread == &thread_ended ? NULL : thread;
}

void thread_enlist(struct thread *thread, struct memory_pool *mp)
{
    if (thread == NULL) {
        thread = &thread_orphans;
    }
    bool taken = lock_enter(&thread->lock);
    thread_push(thread, mp);
    sync_put_release(&mp->home, thread);
    lock_leave(&thread->lock, taken);
}

void thread_delist(struct memory_pool *mp)
{
    for (;;) {
        struct thread *thread = sync_get_acquire(&mp->home);
        bool taken = lock_enter(&thread->lock);
        /* It may have been orphaned just before. */
        if (sync_get(&mp->home) == thread) {
            if (mp->made_next != NULL) {
                mp->made_next->made_previous = mp->made_previous;
            }
            if (mp->made_previous != NULL) {
                mp->made_previous->made_next = mp->made_next;
            } else {
                thread->made = mp->made_next;
            }
            sync_put(&mp->home, (struct thread *)NULL);
            lock_leave(&thread->lock, taken);
            return;
        }
        lock_leave(&thread->lock, taken);
    }
}

void thread_hold(void)
{
    lock_take(&thread_lock);
    lock_take(&thread_attachments);
    for (struct thread *t = thread_list; t != NULL; t = t->next) {
        if (t != &thread_orphans) {
            lock_take(&t->lock);
        }
    }
    lock_take(&thread_orphans.lock);
}

void thread_drop(void)
{
    for (struct thread *t = thread_list; t != NULL; t = t->next) {
        lock_drop(&t->lock);
    }
    lock_drop(&thread_attachments);
    lock_drop(&thread_lock);
}

void thread_each_pool(void (*visit)(struct memory_pool *mp, void *argument),
                      void *argument)
{
    for (struct thread *t = thread_list; t != NULL; t = t->next) {
        for (struct memory_pool *mp = t->made; mp != NULL;
             mp = mp->made_next) {
            visit(mp, argument);
        }
    }
}

void thread_forked(void)
{
    for (struct thread *t = thread_list; t != NULL; t = t->next) {
        if (t != &thread_orphans && t->state != &thread_state) {
            cache_thread_ends(t, true);
            thread_orphan(t);
            t->state = NULL;
        }
    }
}

__attribute__((__constructor__)) static void thread_start(void)
{
    fork_start();
}
