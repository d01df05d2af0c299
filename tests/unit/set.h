/* SPDX-License-Identifier: MIT
 *
 * set.h - what tests of the cache room have instead of a pool.
 *
 * A set of caches with a heap in one span of the range.  The pool is a name
 * only: the address of that span, at which nothing is.
 *
 * What it cannot do: grow.
 */
#ifndef MP_TESTS_UNIT_SET_H
#define MP_TESTS_UNIT_SET_H

#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "cache/attach.h"
#include "cache/pause.h"
#include "store/backing.h"

#include "../support.h"

struct fixture {
    struct memory_pool *pool; /* a name */
    struct lock lock;
    struct blocks stock;
    struct block first;
    struct heap heap;
    struct cache_set set;
};

/* What fixture_end() counts: ends of threads. */
static unsigned fixture_ends;

static inline void fixture_end(struct thread *thread)
{
    sync_add(&fixture_ends, 1);
    attach_thread_ends(thread, false);
}

/* Lays a block into a span, behind a head as a pool's or a block's: the map
 * has a byte before that of each block's first granule. */
static inline void fixture_lay(struct fixture *f, struct block *block,
                               unsigned char *span)
{
    ck_assert_ptr_nonnull(span);
    range_own(span, RANGE_SPAN, f->pool);
    blocks_lay_range(block, span + SIZES_LINE, span + RANGE_SPAN);
}

/* A heap in a span of its own, for a mark. */
static inline void fixture_heap(struct fixture *f, struct heap *heap,
                                struct block *first)
{
    fixture_lay(f, first, range_take(1, NULL));
    heap_start(heap, first, &f->stock, false);
}

static inline void fixture_start(struct fixture *f)
{
    thread_set_end(fixture_end);
    ck_assert(range_start());
    /* Check runs each test in a child, which is not registered yet. */
    sync_fence_renew();
    unsigned char *span = range_take(1, NULL);
    ck_assert_ptr_nonnull(span);
    memset(f, 0, sizeof *f);
    f->pool = (struct memory_pool *)(void *)span;
    lock_start(&f->lock, LOCK_POOL);
    blocks_start(&f->stock, f->pool, true, 0, &backing_malloc);
    fixture_lay(f, &f->first, span);
    heap_start(&f->heap, &f->first, &f->stock, false);
    cache_set_start(&f->set, f->pool, &f->lock, &f->heap, false);
}

/* The depot gets its lists, as after it was found to want them. */
static inline void fixture_open_depot(struct fixture *f)
{
    lock_take(&f->lock);
    ck_assert(!depot_is_open(&f->set.depot));
    lock_drop(&f->lock);
    cache_open_depot(&f->set);
    ck_assert_ptr_nonnull(f->set.depot.lists);
}

/* The calling thread's cache. */
static inline struct cache *fixture_cache(struct fixture *f)
{
    struct cache *cache;

    ck_assert_ptr_nonnull(thread_self());
    cache = attach_cache(&f->set, thread_user());
    ck_assert_ptr_nonnull(cache);
    return cache;
}

/* An object of some granules, by the fast path or after a fill. */
static inline void *fixture_take(struct fixture *f, struct cache *cache,
                                 size_t granules)
{
    void *object =
        mp_inline_take(cache->state, &cache->fast, granules * SIZES_GRANULE);

    if (object == NULL) {
        bool taken = lock_enter(&f->lock);
        ck_assert(cache_fill(cache, &f->set, granules));
        lock_leave(&f->lock, taken);
        object = mp_inline_take(cache->state, &cache->fast,
                                granules * SIZES_GRANULE);
    }
    ck_assert_ptr_nonnull(object);
    return object;
}

/* Frees it into the cache, with more frees granted where needed. */
static inline void fixture_give(struct fixture *f, struct cache *cache,
                                void *object, size_t granules)
{
    if (mp_inline_give(cache->state, &cache->fast, f->pool, object)) {
        return;
    }
    bool taken = lock_enter(&f->lock);
    cache_flush_excess(cache, &f->set, granules);
    lock_leave(&f->lock, taken);
    ck_assert(mp_inline_give(cache->state, &cache->fast, f->pool, object));
}

static inline size_t fixture_length(const void *chain)
{
    size_t chunks = 0;

    for (; chain != NULL; chain = *(void *const *)chain) {
        chunks++;
    }
    return chunks;
}

/* The calling thread's structure; the test is over where it has none. */
static inline struct thread *fixture_self(void)
{
    struct thread *self = thread_self();

    if (self == NULL) {
        ck_abort_msg("the thread is not registered");
        abort(); /* for the compiler */
    }
    return self;
}

/* Runs a function in a thread of its own, to its end. */
static inline void fixture_thread(void *(*run)(void *), void *argument)
{
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, run, argument), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

static inline int fixture_run(const char *name, void (*add)(TCase *tcase))
{
    Suite *suite = suite_create(name);

    add(support_case(suite, name));
    return support_run(suite);
}

#endif /* MP_TESTS_UNIT_SET_H */
