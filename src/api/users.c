/* SPDX-License-Identifier: MIT
 *
 * users.c - exported functions for marks, handles and cleanups.
 *
 * A mark belongs to a user of a pool: the calling thread, or a handle.  So the
 * two families of functions differ in the user alone, and in the name under
 * which they report.
 *
 * A handle is its own door: its functions get no pool, but the handle's.  They
 * report to that pool, and print nothing where there is no handle, as the
 * functions of objects.c do where there is no pool.
 *
 * What it cannot do: see that two threads use one handle at once.
 */
#include <errno.h>
#include <stdlib.h>

#include "api/fast.h"
#include "api/misuse.h"
#include "api/slow.h"
#include "base/tool.h"
#include "pool/end.h"
#include "pool/mark.h"
#include "pool/tree.h"

/* The function is asked in api/, where nothing is held: so it may do and leave
 * as it likes. */
int mp_set_failure(memory_pool_t *mp, mp_failure_fn *fn, void *context)
{
    if (!misuse_may_use(mp)) {
        return -1;
    }
    pool_set_failure(mp, (struct pool_failure){fn, context});
    return 0;
}

/* Opens a mark for a user; number 0: reported, and errno set.  error is what
 * errno was at the door. */
static mp_mark_t users_mark(memory_pool_t *mp, const struct user *user,
                            const char *step, int error)
{
    ASSERT(mp != NULL && user != NULL && step != NULL);
    ASSERT(lock_none_is_held());
    mp_mark_t mark = {0};
    enum result result = mark_open(mp, user, &mark.number);

    if (result != RESULT_OK) {
        ASSERT(result == RESULT_NO_MEMORY);
        /* A program may rewind to what it got without testing it.  The number
         * 0 is no mark's, so that is refused, too. */
        mark.number = 0;
        misuse_answer(mp, result, step, NULL);
        return mark;
    }
    ASSERT(mark.number != 0);
    errno = error;
    return mark;
}

/* Calls the cleanups of a user's mark, and of its later ones, the newest first,
 * with every object still live.  One that does not return costs itself alone:
 * it is off the list by then.  A cleanup may add others to the mark.  Beyond a
 * number of those the rest is left out: else a cleanup that adds itself would
 * never let the rewind end. */
static void users_call_marked(memory_pool_t *mp, const struct user *user,
                              mp_mark_t mark)
{
    uint64_t before = tree_count_added(mp);
    struct cleanup *cleanup;
    size_t late = 0;

    while ((cleanup = tree_take_marked(mp, user->number, mark.number)) !=
           NULL) {
        void (*fn)(void *arg) = cleanup->fn;
        void *arg = cleanup->arg;
        late += cleanup->number > before;
        bool called = cleanup->number <= before || late <= TREE_LATE_MOST;
        free(cleanup);
        if (called) {
            fn(arg);
        }
        ASSERT(lock_none_is_held());
    }
    if (late > TREE_LATE_MOST) {
        end_report_dropped(mp);
    }
}

/* 0; -1: the user has no such mark open.  A mark that has ended already, or is
 * another user's, is refused alike: to tell them apart, old numbers would have
 * to be remembered. */
static int users_end_mark(memory_pool_t *mp, enum result result, int error)
{
    if (result != RESULT_OK) {
        ASSERT(result == RESULT_NO_MARK);
        misuse_answer(mp, result, NULL, NULL);
        return -1;
    }
    /* The backing may have been called to take blocks back. */
    errno = error;
    return 0;
}

static int users_rewind(memory_pool_t *mp, const struct user *user,
                        mp_mark_t mark, int error)
{
    MP_FRAME();
    ASSERT(mp != NULL && user != NULL && lock_none_is_held());
    /* A user with an open mark has a number, and a pool may have cleanups only
     * once it has a tree. */
    if (sync_get_acquire(&mp->tree) != NULL &&
        mark_is_open(mp, user, mark.number)) {
        users_call_marked(mp, user, mark);
    }
    return users_end_mark(mp, mark_rewind(mp, user, mark.number), error);
}

/* The same for a commit, which calls no cleanup. */
static int users_commit(memory_pool_t *mp, const struct user *user,
                        mp_mark_t mark, int error)
{
    MP_FRAME();
    ASSERT(mp != NULL && user != NULL && lock_none_is_held());
    return users_end_mark(mp, mark_commit(mp, user, mark.number), error);
}

mp_mark_t mp_mark(memory_pool_t *mp)
{
    int error = errno;

    if (!misuse_may_use(mp)) {
        return (mp_mark_t){0};
    }
    return users_mark(mp, thread_user(), "mp_mark: acquire", error);
}

/* A thread that was never registered has the number 0, which owns no mark: so
 * it need not be registered to be refused. */
int mp_rewind(memory_pool_t *mp, mp_mark_t mark)
{
    int error = errno;

    return misuse_may_use(mp) ? users_rewind(mp, thread_user(), mark, error)
                               : -1;
}

int mp_commit(memory_pool_t *mp, mp_mark_t mark)
{
    int error = errno;

    return misuse_may_use(mp) ? users_commit(mp, thread_user(), mark, error)
                               : -1;
}

/* The handle is on the pool's set of caches from now on, so that a pause finds
 * it, and the end of the pool frees it. */
mp_handle_t *mp_attach(memory_pool_t *mp)
{
    ASSERT(lock_none_is_held());
    int error = errno;

    if (!misuse_may_use(mp)) {
        return NULL;
    }
    /* In a pool without caches there is a handle, too, so that a program need
     * not know which kind of pool it has. */
    mp_handle_t *handle = handle_attach(&mp->caches);
    if (handle == NULL) {
        misuse_answer(mp, RESULT_NO_MEMORY, "mp_attach: malloc", NULL);
        return NULL;
    }
    tool_define(handle, sizeof *handle);
    ASSERT(handle->pool == mp && handle->user.cache == &handle->cache);
    ASSERT(handle->user.number != 0);
    errno = error;
    return handle;
}

/* In three steps: the handle must be off the set before its memory goes, and
 * that may only go once the pool's lock is left. */
void mp_detach(mp_handle_t *handle)
{
    ASSERT(lock_none_is_held());
    int error = errno;

    if (!misuse_has_handle(handle)) {
        return;
    }
    /* The handle's memory goes below, and with it the way to its pool. */
    memory_pool_t *mp = handle->pool;
    bool taken = pool_enter(mp);
    handle_detach(handle);
    /* What the handle had may have made blocks empty. */
    pool_leave(mp, taken);
    ASSERT(lock_none_is_held());
    handle_free(handle);
    errno = error;
}

/* What a handle has at hand does not serve, or there is no handle. */
static MP_SLOW void *users_allocate_slow(mp_handle_t *handle, size_t size)
{
    MP_FRAME();
    return misuse_has_handle(handle)
               ? slow_allocate(handle->pool, &handle->user, size,
                               "mp_handle_allocate: malloc")
               : NULL;
}

static bool users_give_counted(mp_handle_t *handle, const void *ptr)
{
    bool given = false;

    if (handle != NULL && fast_enter_counted(handle)) {
        given = credit_give(&handle->state, &handle->cache, handle->pool, ptr);
        mp_inline_leave(&handle->state);
    }
    return given;
}

/* The fast path is that of memory_pool_inline.h. */
MP_FAST void *mp_handle_allocate(mp_handle_t *handle, size_t size)
{
    void *object = fast_take_handle(handle, size);

    return MP_LIKELY(object != NULL) ? object
                                     : users_allocate_slow(handle, size);
}

/* Any object of the pool may be freed through any of its handles. */
static MP_SLOW void users_free_slow(mp_handle_t *handle, const void *ptr)
{
    MP_FRAME();
    if (misuse_has_handle(handle)) {
        /* The user only says which cache is to have the chunk. */
        slow_free(handle->pool, &handle->user, ptr);
    }
}

MP_FAST void mp_handle_free(mp_handle_t *handle, const void *ptr)
{
    struct mp_inline_handle *own = handle_fast(handle);
    struct memory_pool *mp;

    if (MP_LIKELY(own != NULL) && (mp = mp_inline_enter_handle(own)) != NULL) {
        bool given = mp_inline_give(&own->thread, &own->cache, mp, ptr) ||
                     cache_give_refused(&own->thread, &own->cache, mp, ptr);
        mp_inline_leave(&own->thread);
        if (MP_LIKELY(given)) {
            return;
        }
    }
    if (!users_give_counted(handle, ptr)) {
        users_free_slow(handle, ptr);
    }
}

mp_mark_t mp_handle_mark(mp_handle_t *handle)
{
    int error = errno;

    if (!misuse_has_handle(handle)) {
        return (mp_mark_t){0};
    }
    return users_mark(handle->pool, &handle->user, "mp_handle_mark: acquire",
                      error);
}

int mp_handle_rewind(mp_handle_t *handle, mp_mark_t mark)
{
    int error = errno;

    return misuse_has_handle(handle)
               ? users_rewind(handle->pool, &handle->user, mark, error)
               : -1;
}

int mp_handle_commit(mp_handle_t *handle, mp_mark_t mark)
{
    int error = errno;

    return misuse_has_handle(handle)
               ? users_commit(handle->pool, &handle->user, mark, error)
               : -1;
}

/* The words for a cleanup that is NULL are its own, since "no such cleanup"
 * would be wrong. */
int mp_add_cleanup(memory_pool_t *mp, void (*fn)(void *arg), void *arg)
{
    ASSERT(lock_none_is_held());
    int error = errno;

    if (!misuse_may_use(mp)) {
        return -1;
    }
    if (fn == NULL) {
        misuse_words(mp, MP_EVENT_CLEANUP, "the cleanup is NULL", NULL);
        return -1;
    }
    /* The argument may be NULL: only the cleanup knows what it means. */
    enum result result = tree_add_cleanup(mp, 0, 0, fn, arg);
    if (result != RESULT_OK) {
        ASSERT(result == RESULT_NO_MEMORY);
        misuse_answer(mp, result, "mp_add_cleanup: malloc", NULL);
        return -1;
    }
    errno = error;
    return 0;
}

/* A cleanup for a user's mark, which goes on to the pool's reset or end where
 * these come first. */
static int users_add_marked(memory_pool_t *mp, const struct user *user,
                            mp_mark_t mark, void (*fn)(void *arg), void *arg)
{
    ASSERT(lock_none_is_held());
    int error = errno;

    if (fn == NULL) {
        misuse_words(mp, MP_EVENT_CLEANUP, "the cleanup is NULL", NULL);
        return -1;
    }
    enum result result =
        mark_is_open(mp, user, mark.number)
            ? tree_add_cleanup(mp, user->number, mark.number, fn, arg)
            : RESULT_NO_MARK;
    if (result != RESULT_OK) {
        misuse_answer(mp, result, "mp_add_cleanup: malloc", NULL);
        return -1;
    }
    errno = error;
    return 0;
}

int mp_add_mark_cleanup(memory_pool_t *mp, mp_mark_t mark,
                        void (*fn)(void *arg), void *arg)
{
    return misuse_may_use(mp)
               ? users_add_marked(mp, thread_user(), mark, fn, arg)
               : -1;
}

int mp_handle_add_mark_cleanup(mp_handle_t *handle, mp_mark_t mark,
                               void (*fn)(void *arg), void *arg)
{
    return misuse_has_handle(handle)
               ? users_add_marked(handle->pool, &handle->user, mark, fn, arg)
               : -1;
}

int mp_remove_cleanup(memory_pool_t *mp, void (*fn)(void *arg), void *arg)
{
    ASSERT(lock_none_is_held());
    int error = errno;

    if (!misuse_may_use(mp)) {
        return -1;
    }
    /* NULL is never added, and would be searched for in vain. */
    if (fn == NULL || !tree_remove_cleanup(mp, fn, arg)) {
        misuse_argument(mp, MP_EVENT_CLEANUP, NULL);
        return -1;
    }
    errno = error;
    return 0;
}
