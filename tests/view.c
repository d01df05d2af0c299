/* SPDX-License-Identifier: MIT
 *
 * view.c - a pool of any kind, and what its view should tell.
 *
 * Where the pool knows its objects to the byte, all is compared to the byte;
 * else with what mp_usable_size() says, and the peak is a bound only, since
 * what caches hold is part of it.
 */
#include "view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct view *view_new(memory_pool_t *mp, uint64_t seed)
{
    struct view *view = calloc(1, sizeof *view);

    POOLS_EXPECT(view != NULL);
    view->mp = mp;
    view->random = seed;
    void *one = mp_allocate(mp, 1);
    view->exact = mp_usable_size(mp, one) == 1;
    free_memory(mp, one);
    view->allocations = view->frees = 1;
    view->peak = view->exact ? 1 : 16;
    return view;
}

struct view *view_start(int kind, uint64_t seed)
{
    struct view *view = view_new(pools_make(kind), seed);

    /* Caches of a pool that counts borrow from the quota. */
    view->lent = pools_kinds[kind].options.threads != MP_THREADS_LOCKED
                     ? (size_t)128 << 10
                     : 0;
    return view;
}

void view_end(struct view *view, int kind)
{
    memory_pool_t *mp = view->mp;

    free(view);
    pools_end(mp, kind);
}

void view_add(struct view *view, void *object, size_t size)
{
    POOLS_EXPECT(object != NULL);
    POOLS_EXPECT(view->count < VIEW_OBJECTS);
    size_t usable = mp_usable_size(view->mp, object);
    POOLS_EXPECT(view->exact ? usable == size : usable >= size);
    view->at[view->count] = object;
    view->size[view->count++] = usable;
    view->bytes += usable;
    view->peak = view->bytes > view->peak ? view->bytes : view->peak;
}

void view_remove(struct view *view, size_t i)
{
    view->bytes -= view->size[i];
    view->count--;
    view->at[i] = view->at[view->count];
    view->size[i] = view->size[view->count];
}

size_t view_size(struct view *view)
{
    switch (support_below(&view->random, 40)) {
    case 0:
        return 1 + support_below(&view->random, 300000);
    case 1:
    case 2:
        return 1 + support_below(&view->random, 4000);
    default:
        return 1 + support_below(&view->random, 200);
    }
}

/* An object that moves is another one. */
static void view_resize(struct view *view, size_t size)
{
    if (view->count > 0) {
        size_t i = support_below(&view->random, view->count);
        void *old = view->at[i];
        void *object = mp_realloc(view->mp, old, size);
        view_remove(view, i);
        view_add(view, object, size);
        view->allocations += object != old;
        view->frees += object != old;
    }
}

void view_step(struct view *view)
{
    size_t size = view_size(view);
    size_t i;

    switch (support_below(&view->random, 14)) {
    case 0:
        view_add(view, mp_calloc(view->mp, 1, size), size);
        view->allocations++;
        break;
    case 1:
        if (size > 4096) { /* alignment takes room besides */
            size = 4096;
        }
        view_add(view, mp_aligned_alloc(view->mp, 256, size), size);
        view->allocations++;
        break;
    case 2:
        view_resize(view, size);
        break;
    case 3:
    case 4:
    case 5:
    case 6:
        view_add(view, mp_allocate(view->mp, size), size);
        view->allocations++;
        break;
    default:
        if (view->count > 0) {
            i = support_below(&view->random, view->count);
            free_memory(view->mp, view->at[i]);
            view_remove(view, i);
            view->frees++;
        }
        break;
    }
    if (view->count == VIEW_OBJECTS) {
        free_memory(view->mp, view->at[0]);
        view_remove(view, 0);
        view->frees++;
    }
}

void view_expect_whole(const mp_stats_t *stats)
{
    size_t live = 0;
    size_t cached = 0;

    for (size_t i = 0; i < MP_STATS_CLASSES; i++) {
        live += stats->class_live[i];
        cached += stats->class_cached[i] * 16 * (i + 1);
    }
    POOLS_EXPECT(live == stats->live_objects);
    POOLS_EXPECT(cached <= stats->cached_bytes);
    POOLS_EXPECT(stats->allocations - stats->frees == stats->live_objects);
    POOLS_EXPECT(stats->peak_bytes >= stats->live_bytes);
    POOLS_EXPECT(stats->peak_objects >= stats->live_objects);
    POOLS_EXPECT(stats->blocks >= 1);
    POOLS_EXPECT(stats->backing_bytes >
                 stats->live_bytes + stats->cached_bytes);
}

static size_t view_class(size_t size)
{
    size_t class = (size + 15) / 16 - 1;

    return class < MP_STATS_CLASSES ? class : MP_STATS_CLASSES - 1;
}

static int view_order(const void *left, const void *right)
{
    uintptr_t a = *(const uintptr_t *)left;
    uintptr_t b = *(const uintptr_t *)right;

    return (a > b) - (a < b);
}

struct view_list {
    uintptr_t at[2 * VIEW_OBJECTS];
    size_t count;
    size_t bytes;
};

static int view_note(void *object, size_t size, void *arg)
{
    struct view_list *list = arg;

    POOLS_EXPECT(list->count < 2 * VIEW_OBJECTS);
    list->at[list->count++] = (uintptr_t)object;
    list->bytes += size;
    return 0;
}

/* The walk meets exactly the list's objects. */
static void view_walk(const struct view *view)
{
    static struct view_list found;
    static struct view_list wanted;

    found.count = found.bytes = 0;
    wanted.count = view->count;
    for (size_t i = 0; i < view->count; i++) {
        wanted.at[i] = (uintptr_t)view->at[i];
    }
    errno = SUPPORT_ERRNO;
    POOLS_EXPECT(mp_walk(view->mp, view_note, &found) == 0);
    POOLS_EXPECT(errno == SUPPORT_ERRNO);
    POOLS_EXPECT(found.count == wanted.count);
    POOLS_EXPECT(found.bytes == view->bytes);
    qsort(found.at, found.count, sizeof found.at[0], view_order);
    qsort(wanted.at, wanted.count, sizeof wanted.at[0], view_order);
    POOLS_EXPECT(memcmp(found.at, wanted.at,
                        found.count * sizeof found.at[0]) == 0);
}

void view_verify(const struct view *view)
{
    mp_stats_t stats;
    size_t classes[MP_STATS_CLASSES] = {0};

    memset(&stats, 0xa5, sizeof stats);
    errno = SUPPORT_ERRNO;
    POOLS_EXPECT(mp_stats(view->mp, &stats) == 0);
    POOLS_EXPECT(errno == SUPPORT_ERRNO);
    view_expect_whole(&stats);
    POOLS_EXPECT(stats.live_objects == view->count);
    POOLS_EXPECT(stats.live_bytes == view->bytes);
    ck_assert_msg(stats.frees == view->frees, "%llu frees, not %llu",
                  (unsigned long long)stats.frees,
                  (unsigned long long)view->frees);
    POOLS_EXPECT(stats.allocations == view->allocations);
    POOLS_EXPECT(stats.peak_bytes >= view->peak);
    ck_assert_msg(!view->exact ||
                      stats.peak_bytes <= view->peak + view->lent,
                  "a peak of %zu, not %zu", stats.peak_bytes, view->peak);
    POOLS_EXPECT(stats.children == 0);
    for (size_t i = 0; i < view->count; i++) {
        classes[view_class(view->size[i])]++;
    }
    POOLS_EXPECT(memcmp(classes, stats.class_live, sizeof classes) == 0);
    view_walk(view);
}
