/* SPDX-License-Identifier: MIT
 *
 * each.c - every pool of the process in turn, each kept from its end meanwhile.
 *
 * A visitor notes all pools at one moment, and each pool notes its number in
 * that list.  Then it visits one after the other, with no lock held.  A thread
 * that ends a pool strikes it off the list, so a visitor meets no pool that is
 * gone.  Only the end of the very pool that is being visited waits, until the
 * visit is over.
 *
 * One thread at a time visits; others wait.  The visiting thread itself never
 * waits here: a pool that it ends, in a visit, is struck off at once, the
 * visited one too.  So two threads never wait for each other.
 *
 *     place->listed == i + 1  <=>  each_list.pools[i] is the place's pool
 *     each_list.visited       is one of each_list.pools, or NULL
 *
 * The attachments' lock owns the list, since thread_hold() takes it, too.
 *
 * What it cannot do: notice at once that visit does not return, but leaves by
 * longjmp() or is cancelled.  The list then stays that thread's to its end.
 */
#include "pool/each.h"

#include <stdlib.h>

#include "cache/pause.h"

static struct {
    const struct mp_inline_thread *visitor; /* NULL: nobody visits */
    struct memory_pool **pools; /* NULL where one was struck off; freed by the
                                 * visitor, or by the next one after a fork */
    size_t room;
    size_t count;
    struct memory_pool *visited;
} each_list;

/* For thread_each_pool(), too. */
static void each_count(struct thread_place *place, void *argument)
{
    size_t *count = argument;

    (void)place;
    ++*count;
}

static void each_note(struct thread_place *place, void *argument)
{
    ASSERT(lock_is_held(&thread_attachments));
    ASSERT(sync_get(&place->listed) == 0);
    (void)argument;
    if (each_list.count < each_list.room) {
        each_list.pools[each_list.count++] = pool_at(place);
        unsigned number = (unsigned)each_list.count;
        if (MP_INLINE_LIGHT) {
            sync_put(&place->listed, number);
        } else {
            sync_put_seq(&place->listed, number);
        }
    }
}

/* Strikes a pool off the list.  Release pairs with the acquire in
 * each_close(). */
static void each_strike(struct memory_pool *mp)
{
    ASSERT(lock_is_held(&thread_attachments));
    unsigned number = sync_get(&mp->place.listed);

    if (number != 0) {
        ASSERT(number <= each_list.count);
        ASSERT(each_list.pools[number - 1] == mp);
        each_list.pools[number - 1] = NULL;
        sync_put_release(&mp->place.listed, 0u);
    }
    if (each_list.visited == mp) {
        each_list.visited = NULL;
    }
}

/* Notes all pools that are open.  False: there are more than there is room for.
 * The fence pairs with the light one in each_close(): a thread that closes a
 * pool from now on finds it listed.  One that has closed a pool before is found
 * out here, while thread_hold() keeps the pool's memory. */
static bool each_collect(void)
{
    size_t count = 0;

    thread_hold();
    thread_each_pool(each_count, &count);
    bool fits = count <= each_list.room;
    if (fits) {
        thread_each_pool(each_note, NULL);
        if (MP_INLINE_LIGHT) {
            (void)sync_fence_works();
            sync_fence_heavy();
        }
        for (size_t i = 0; i < each_list.count; i++) {
            struct memory_pool *mp = each_list.pools[i];
            bool open = MP_INLINE_LIGHT ? sync_get_acquire(&mp->place.open)
                                        : sync_get_seq(&mp->place.open);
            if (!open) {
                each_strike(mp);
            }
        }
    }
    thread_drop();
    return fits;
}

/* Makes room for all pools, and some that may come meanwhile, and notes
 * them. */
static enum result each_fill(void)
{
    do {
        size_t count = 0;
        thread_hold();
        thread_each_pool(each_count, &count);
        thread_drop();
        /* No lock is held over malloc(), which may be the program's own.  A
         * fork finds no pointer in the list to what is being freed. */
        struct memory_pool **old = each_list.pools;
        each_list.pools = NULL;
        free(old);
        count += count / 8 + 16;
        each_list.pools =
            count > UINT32_MAX ? NULL : malloc(count * sizeof(void *));
        if (each_list.pools == NULL) {
            return RESULT_NO_MEMORY;
        }
        each_list.room = count;
    } while (!each_collect());
    return RESULT_OK;
}

/* The next pool, from *i on, which is being visited from now on. */
static struct memory_pool *each_next(size_t *i)
{
    struct memory_pool *mp = NULL;
    bool taken = lock_enter(&thread_attachments);

    if (each_list.visited != NULL) {
        each_strike(each_list.visited);
    }
    while (mp == NULL && *i < each_list.count) {
        mp = each_list.pools[(*i)++];
    }
    each_list.visited = mp;
    lock_leave(&thread_attachments, taken);
    return mp;
}

/* The calling thread is the visitor; false: it is already. */
static bool each_begin(void)
{
    unsigned times = 0;

    for (;;) {
        bool taken = lock_enter(&thread_attachments);
        const struct mp_inline_thread *visitor = each_list.visitor;
        if (visitor == NULL) {
            each_list.visitor = &thread_state;
        }
        lock_leave(&thread_attachments, taken);
        if (visitor == NULL || thread_is_own(visitor)) {
            return visitor == NULL;
        }
        pause_yield(&times);
    }
}

/* The visitor is done, and another thread may be the next. */
static void each_end(void)
{
    bool taken = lock_enter(&thread_attachments);

    for (size_t i = 0; i < each_list.count; i++) {
        if (each_list.pools[i] != NULL) {
            each_strike(each_list.pools[i]);
        }
    }
    struct memory_pool **pools = each_list.pools;
    each_list.pools = NULL;
    each_list.room = 0;
    each_list.count = 0;
    ASSERT(each_list.visited == NULL);
    each_list.visitor = NULL;
    lock_leave(&thread_attachments, taken);
    free(pools);
}

/* A thread was cancelled in visit.  It may have been registered after it began
 * the visit; the caller may be another thread. */
void each_thread_ends(const struct thread *thread)
{
    ASSERT(lock_none_is_held() && thread->state != NULL);
    bool taken = lock_enter(&thread_attachments);
    bool visits =
        each_list.visitor == thread->state ||
        (thread == thread_known() && thread_is_own(each_list.visitor));

    lock_leave(&thread_attachments, taken);
    if (visits) {
        each_end();
    }
}

enum result each_pool(int (*visit)(memory_pool_t *mp, void *arg), void *arg,
                      int *answer)
{
    ASSERT(visit != NULL && lock_none_is_held());
    struct memory_pool *mp;
    size_t i = 0;

    /* The caller is registered, so that its end is told. */
    (void)thread_self();
    if (!each_begin()) {
        return RESULT_BUSY;
    }
    *answer = 0;
    enum result result = each_fill();
    while (*answer == 0 && (mp = each_next(&i)) != NULL) {
        *answer = visit(mp, arg);
        ASSERT(lock_none_is_held());
    }
    each_end();
    return result;
}

/* The memory of a thread that visits is no other's, so to compare it tells
 * whose visit it is.  A tracked pool comes here always, see each_close(). */
MP_SLOW void each_close_slow(struct memory_pool *mp)
{
    bool waits = true;

    ASSERT(lock_none_is_held());
    unsigned times = 0;

    while (waits) {
        bool taken = lock_enter(&thread_attachments);
        sync_put_release(&mp->place.open, false);
        waits = each_list.visited == mp && !thread_is_own(each_list.visitor);
        if (!waits) {
            each_strike(mp);
        }
        lock_leave(&thread_attachments, taken);
        if (waits) {
            pause_yield(&times);
        }
    }
}

static void each_forget(struct thread_place *place, void *argument)
{
    (void)argument;
    sync_put(&place->listed, 0u);
}

/* The list's memory is freed by the next visitor, since free() must not run
 * under a lock. */
void each_forked(void)
{
    ASSERT(lock_is_held(&thread_attachments));
    if (each_list.visitor != NULL && !thread_is_own(each_list.visitor)) {
        thread_each_pool(each_forget, NULL);
        each_list.count = 0;
        each_list.visited = NULL;
        each_list.visitor = NULL;
    }
}
