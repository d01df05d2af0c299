/* SPDX-License-Identifier: MIT
 *
 * views.c - exported functions that look at a pool: statistics, pictures,
 * walks, checks; and trimming.
 *
 * They print nothing if the pool is NULL.
 *
 * What it cannot do: look at a pool that another thread is destroying.
 */
#define MP_DECLARATIONS_ONLY /* mp_stats() is defined here */
#include <errno.h>

#include "api/misuse.h"
#include "base/tool.h"
#include "pool/each.h"
#include "pool/tree.h"
#include "pool/trim.h"
#include "view/check.h"
#include "view/locate.h"
#include "view/objects.h"
#include "view/picture.h"
#include "view/stats.h"
#include "view/stats_print.h"

/* The name, the kind and the parent need no lock. */
const char *mp_name(memory_pool_t *mp)
{
    return misuse_may_use(mp) ? mp->settings.name : NULL;
}

memory_pool_t *mp_parent(memory_pool_t *mp)
{
    return misuse_may_use(mp) ? tree_parent(mp) : NULL;
}

mp_kind_t mp_kind(memory_pool_t *mp, const char **why)
{
    enum kind_why reason =
        misuse_may_use(mp) ? kind_why_of(mp) : KIND_NO_POOL;

    if (why != NULL) {
        *why = kind_text(reason);
        tool_define(why, sizeof *why);
    }
    return kind_of(reason);
}

/* 0 with errno as it was, or -1 with the error number. */
static int views_finish(int failed, int error)
{
    ASSERT(failed >= 0 && lock_none_is_held());
    /* The view may have changed errno, by stdio or by malloc(), and may have
     * succeeded all the same. */
    errno = failed != 0 ? failed : error;
    return failed != 0 ? -1 : 0;
}

mp_where_t mp_locate(memory_pool_t *mp, const void *ptr)
{
    ASSERT(lock_none_is_held());
    int error = errno;

    if (!misuse_may_use(mp)) {
        return MP_FOREIGN;
    }
    mp_where_t where = locate_address(mp, ptr);
    ASSERT(ptr != NULL || where == MP_FOREIGN);
    errno = error;
    return where;
}

memory_pool_t *mp_owner(const void *ptr)
{
    ASSERT(lock_none_is_held());
    int error = errno;
    /* NULL is an answer and no misuse: the program does not know the pool
     * yet. */
    memory_pool_t *mp = locate_owner(ptr);

    ASSERT(ptr != NULL || mp == NULL);
    errno = error;
    return mp;
}

int mp_check(memory_pool_t *mp)
{
    ASSERT(lock_none_is_held());
    int error = errno;

    if (!misuse_may_use(mp)) {
        return -1;
    }
    /* The error says that memory of the pool was written over.  No call can
     * mend that, and a report function would add nothing. */
    return views_finish(check_pool(mp) ? 0 : ENOTRECOVERABLE, error);
}

size_t mp_trim(memory_pool_t *mp, size_t keep_bytes)
{
    ASSERT(lock_none_is_held());
    int error = errno;

    if (!misuse_may_use(mp)) {
        return 0;
    }
    /* The program's release function is called on the way, and may set
     * errno. */
    size_t given = trim_pool(mp, keep_bytes);
    ASSERT(lock_none_is_held());
    errno = error;
    return given;
}

/* A program may have been built against a release with fewer members, or with
 * more: those are 0. */
static int views_stats(memory_pool_t *mp, mp_stats_t *stats, size_t size)
{
    int error = errno;
    mp_stats_t all;

    if (mp == NULL || stats == NULL) {
        return views_finish(EINVAL, error);
    }
    if (!misuse_is_whole(mp)) {
        return -1;
    }
    ASSERT(lock_none_is_held());
    stats_gather(mp, &all);
    ASSERT(all.allocations - all.frees == all.live_objects);
    ASSERT(all.peak_bytes >= all.live_bytes);
    /* Gathered in a structure of this release and then copied: the program's
     * own may be too short for what is written here. */
    memcpy(stats, &all, size < sizeof all ? size : sizeof all);
    /* A member that this release does not count reads as 0. */
    if (size > sizeof all) {
        memset((unsigned char *)stats + sizeof all, 0, size - sizeof all);
    }
    tool_define(stats, size);
    return views_finish(0, error);
}

int mp_stats_sized(memory_pool_t *mp, mp_stats_t *stats, size_t stats_size)
{
    return views_stats(mp, stats, stats_size);
}

/* For a call through a pointer, as mp_create() is: it fills the members of
 * 0.9. */
int mp_stats(memory_pool_t *mp, mp_stats_t *stats)
{
    const size_t first_length =
        offsetof(mp_stats_t, class_cached) + sizeof stats->class_cached;

    return views_stats(mp, stats, first_length);
}

int mp_stats_print(memory_pool_t *mp, FILE *stream, mp_format_t format)
{
    ASSERT(lock_none_is_held());
    int error = errno;

    /* A format is an index of a table below, so a wrong one must not get
     * there. */
    if (mp == NULL || stream == NULL ||
        (unsigned)format > MP_OPENMETRICS) {
        return views_finish(EINVAL, error);
    }
    if (!misuse_is_whole(mp)) {
        return -1;
    }
    return views_finish(stats_print(mp, stream, format), error);
}

int mp_walk(memory_pool_t *mp,
            int (*visit)(void *object, size_t size, void *arg), void *arg)
{
    ASSERT(lock_none_is_held());
    int error = errno;

    /* -1 may also be what visit returns, and errno tells the two apart. */
    if (mp == NULL || visit == NULL) {
        return views_finish(EINVAL, error);
    }
    if (!misuse_is_whole(mp)) {
        return -1;
    }
    int answer = objects_visit(mp, visit, arg);
    if (answer == 0) {
        errno = error;
    }
    return answer; /* else errno is as visit left it */
}

/* A visit to pools, and errno as the visit that ended it left it. */
struct views_visit {
    int (*visit)(memory_pool_t *mp, void *arg);
    void *arg;
    int error;
};

static int views_visit_pool(memory_pool_t *mp, void *arg)
{
    struct views_visit *visit = arg;
    int answer = visit->visit(mp, visit->arg);

    if (answer != 0) {
        visit->error = errno;
    }
    return answer;
}

/* errno is as the visit left it that ended the call, or as it was. */
int mp_each_pool(int (*visit)(memory_pool_t *mp, void *arg), void *arg)
{
    ASSERT(lock_none_is_held());
    int error = errno;
    int answer = 0;

    if (visit == NULL) {
        return views_finish(EINVAL, error);
    }
    struct views_visit all = {visit, arg, error};
    enum result result = each_pool(views_visit_pool, &all, &answer);
    if (result == RESULT_OK) {
        errno = all.error;
        return answer;
    }
    ASSERT(result == RESULT_BUSY || result == RESULT_NO_MEMORY);
    return views_finish(result == RESULT_BUSY ? EBUSY : ENOMEM, error);
}

/* The stream is written with no lock held, so it may be one of the program's
 * own that allocates from this very pool. */
int mp_map(memory_pool_t *mp, FILE *stream)
{
    ASSERT(lock_none_is_held());
    int error = errno;

    if (mp == NULL || stream == NULL) {
        return views_finish(EINVAL, error);
    }
    if (!misuse_is_whole(mp)) {
        return -1;
    }
    return views_finish(picture_draw(mp, stream), error);
}
