/* SPDX-License-Identifier: MIT
 *
 * test_attach.c - which cache serves which user in which pool.
 */
#include "set.h"

#include <errno.h>
#include <sched.h>

#include "cache/handle.h"

static struct fixture f;

/* Sets a multiple of so many bytes apart have one place in a thread's table. */
#define COLLIDE (THREAD_CACHES * RANGE_SLOT)

/* Some sets with a chosen distance. */
static struct fixture *apart(size_t bytes, unsigned n)
{
    unsigned char *memory = aligned_alloc(COLLIDE, COLLIDE * (n + 1));

    ck_assert_ptr_nonnull(memory);
    for (unsigned i = 0; i < n; i++) {
        fixture_start((struct fixture *)(void *)(memory + i * bytes));
    }
    return (struct fixture *)(void *)memory;
}

static struct fixture *next_at(struct fixture *one, size_t bytes)
{
    return (struct fixture *)(void *)((unsigned char *)one + bytes);
}

/* Another thread that uses a set, and stays until it is told to end. */
static bool stop; /* atomic */
static unsigned ready; /* atomic */

static void *use_and_wait(void *fixture)
{
    fixture_cache(fixture);
    sync_put_release(&ready, sync_get(&ready) + 1); /* one at a time */
    while (!sync_get(&stop)) {
        sched_yield();
    }
    return NULL;
}

static pthread_t start_user(struct fixture *one)
{
    pthread_t thread;
    unsigned before = sync_get(&ready);

    pthread_create(&thread, NULL, use_and_wait, one);
    while (sync_get_acquire(&ready) == before) {
        sched_yield();
    }
    return thread;
}

START_TEST(a_first_user_is_found_by_the_set)
{
    struct cache *cache;

    fixture_start(&f);
    ck_assert_ptr_null(attach_first(&f.set));
    ck_assert_ptr_null(attach_find(&f.set));
    cache = fixture_cache(&f);
    ck_assert_ptr_eq(attach_first(&f.set), cache);
    memset(fixture_self()->found, 0, sizeof fixture_self()->found);
    attach_use(NULL);
    ck_assert_ptr_eq(thread_state.cache, &thread_no_cache);
    ck_assert_ptr_eq(attach_find(&f.set), cache);
    ck_assert_ptr_eq(thread_state.cache, &cache->fast);
    ck_assert_ptr_eq(mp_inline_enter(&thread_state, f.pool), &cache->fast);
    mp_inline_leave(&thread_state);
}
END_TEST

START_TEST(a_later_user_is_found_by_its_own_table)
{
    struct cache *cache;

    fixture_start(&f);
    pthread_t other = start_user(&f);
    ck_assert_ptr_null(attach_first(&f.set));
    ck_assert_ptr_null(attach_find(&f.set));
    cache = fixture_cache(&f);
    ck_assert_ptr_null(attach_first(&f.set));
    ck_assert_ptr_eq(attach_find(&f.set), cache);
    ck_assert_ptr_eq(fixture_cache(&f), cache);
    sync_put(&stop, true);
    pthread_join(other, NULL);
    ck_assert_ptr_null(attach_first(&f.set)); /* nor does it become first */
    ck_assert_ptr_eq(f.set.first_thread, CACHE_NO_THREAD);
}
END_TEST

START_TEST(what_the_table_has_no_place_for_is_found_on_the_list)
{
    struct fixture *one = apart(COLLIDE, 2);
    struct fixture *two = next_at(one, COLLIDE);
    pthread_t first = start_user(one), second = start_user(two);
    struct cache *cache = fixture_cache(one);

    ck_assert_ptr_ne(fixture_cache(two), cache);
    ck_assert_ptr_null(attach_find(&one->set)); /* its place was taken */
    ck_assert_ptr_eq(fixture_cache(one), cache);
    ck_assert_ptr_eq(attach_find(&one->set), cache);
    sync_put(&stop, true);
    pthread_join(first, NULL);
    pthread_join(second, NULL);
}
END_TEST

START_TEST(pools_side_by_side_have_places_of_their_own)
{
    struct fixture *one = apart(RANGE_SLOT, 2);
    struct fixture *two = next_at(one, RANGE_SLOT);
    pthread_t first = start_user(one), second = start_user(two);
    struct cache *cache = fixture_cache(one);

    fixture_cache(two);
    ck_assert_ptr_eq(attach_find(&one->set), cache);
    sync_put(&stop, true);
    pthread_join(first, NULL);
    pthread_join(second, NULL);
}
END_TEST

static void *find_unregistered(void *fixture)
{
    struct fixture *one = fixture;

    ck_assert_ptr_null(attach_first(&one->set));
    ck_assert_ptr_null(attach_find(&one->set));
    ck_assert_ptr_null(thread_known());
    return NULL;
}

START_TEST(an_unregistered_thread_has_none_at_hand)
{
    fixture_start(&f);
    fixture_thread(find_unregistered, &f); /* a set without a first, too */
    fixture_cache(&f);
    fixture_thread(find_unregistered, &f);
}
END_TEST

START_TEST(attaching_keeps_errno)
{
    fixture_start(&f);
    errno = 77;
    fixture_cache(&f);
    ck_assert_int_eq(errno, 77);
}
END_TEST

START_TEST(a_paused_cache_is_not_found_at_hand)
{
    struct cache *cache;

    fixture_start(&f);
    cache = fixture_cache(&f);
    cache_disable(cache); /* by another thread's pause */
    ck_assert_ptr_null(attach_find(&f.set));
    ck_assert_ptr_eq(fixture_cache(&f), cache);
}
END_TEST

START_TEST(a_handle_has_its_own)
{
    struct mp_handle *handle;

    fixture_start(&f);
    handle = handle_attach(&f.set);
    ck_assert_uint_ne(handle->user.number, thread_user()->number);
    ck_assert_ptr_eq(attach_cache(&f.set, &handle->user), &handle->cache);
    ck_assert(cache_serves(&handle->cache, &f.set));
    ck_assert_ptr_null(f.set.first_cache); /* it is no thread's */
    ck_assert_ptr_eq(handle->pool, f.pool);
    ck_assert_uint_eq(handle->state.granules, extent_bytes() / SIZES_GRANULE);
    fixture_give(&f, &handle->cache,
                 fixture_take(&f, &handle->cache, 1), 1);
    bool taken = lock_enter(&f.lock);
    ck_assert(!attach_is_own(&f.set));
    handle_detach(handle);
    ck_assert_ptr_null(f.set.caches);
    ck_assert_uint_eq(f.heap.taken, 0);
    ck_assert_uint_eq(cache_set_frees(&f.set), 1);
    lock_leave(&f.lock, taken);
    handle_free(handle);
}
END_TEST

START_TEST(a_set_is_own_while_nobody_else_has_a_cache)
{
    fixture_start(&f);
    bool taken = lock_enter(&f.lock);
    ck_assert(attach_is_own(&f.set));
    lock_leave(&f.lock, taken);
    fixture_cache(&f);
    taken = lock_enter(&f.lock);
    ck_assert(attach_is_own(&f.set));
    lock_leave(&f.lock, taken);
    pthread_t other = start_user(&f);
    taken = lock_enter(&f.lock);
    ck_assert(!attach_is_own(&f.set));
    lock_leave(&f.lock, taken);
    sync_put(&stop, true);
    pthread_join(other, NULL);
    /* The same, with the other one first. */
    sync_put(&stop, false);
    fixture_start(&f);
    other = start_user(&f);
    fixture_cache(&f);
    taken = lock_enter(&f.lock);
    ck_assert(!attach_is_own(&f.set));
    lock_leave(&f.lock, taken);
    sync_put(&stop, true);
    pthread_join(other, NULL);
}
END_TEST

static void *use_and_end(void *fixture)
{
    struct fixture *one = fixture;
    struct cache *cache = fixture_cache(one);

    for (int i = 0; i < 500; i++) {
        fixture_give(one, cache, fixture_take(one, cache, 2), 2);
    }
    fixture_take(one, cache, 3); /* which stays live */
    return NULL;
}

START_TEST(a_thread_that_ends_gives_back_what_its_cache_had)
{
    fixture_start(&f);
    fixture_thread(use_and_end, &f);
    ck_assert_uint_eq(fixture_ends, 1);
    ck_assert_ptr_null(f.set.caches);
    ck_assert_ptr_null(f.set.first_cache);
    lock_take(&f.lock);
    ck_assert_uint_eq(cache_set_frees(&f.set), 500);
    cache_sweep_begin(&f.set);
    ck_assert(!cache_sweep(&f.set));
    ck_assert_uint_eq(f.heap.taken, 3);
    ck_assert(cache_set_is_sound(&f.set));
}
END_TEST

static void *end_used_none(void *fixture)
{
    fixture_cache(fixture);
    attach_thread_ends(thread_self(), false);
    ck_assert_ptr_eq(thread_state.cache, &thread_no_cache);
    ck_assert_uint_eq(fixture_self()->spares, 0);
    ck_assert_ptr_null(attach_find(&((struct fixture *)fixture)->set));
    return NULL;
}

START_TEST(a_thread_that_ends_used_no_cache_last)
{
    fixture_start(&f);
    fixture_thread(end_used_none, &f);
}
END_TEST

START_TEST(a_thread_that_fork_left_behind_leaves_its_structures)
{
    fixture_start(&f);
    pthread_t other = start_user(&f);
    struct thread *thread = f.set.first_thread;
    thread_hold();
    lock_take(&f.lock);
    attach_thread_ends(thread, true);
    ck_assert_ptr_null(f.set.caches);
    ck_assert_uint_eq(thread->spares, 1);
    ck_assert_ptr_null(thread->attached.first);
    lock_drop(&f.lock);
    thread_drop();
    sync_put(&stop, true);
    pthread_join(other, NULL);
    ck_assert_uint_eq(thread->spares, 0);
}
END_TEST

START_TEST(a_pool_that_goes_leaves_its_caches_to_their_threads)
{
    struct cache *cache;

    fixture_start(&f);
    cache = fixture_cache(&f);
    fixture_give(&f, cache, fixture_take(&f, cache, 7), 7);
    ck_assert_ptr_nonnull(handle_attach(&f.set));
    fixture_open_depot(&f);
    attach_end_all(&f.set);
    ck_assert_ptr_null(f.set.caches);
    ck_assert_ptr_null(f.set.depot.lists);
    ck_assert_ptr_null(attach_find(&f.set));
    ck_assert_ptr_null(mp_inline_enter(&thread_state, f.pool));
    ck_assert_uint_eq(fixture_self()->spares, 1);
    /* The same one serves the next pool, as new. */
    fixture_start(&f);
    ck_assert_ptr_eq(fixture_cache(&f), cache);
    ck_assert_uint_eq(fixture_self()->spares, 0);
    ck_assert_uint_eq(cache_frees(cache), 0);
    ck_assert_ptr_null(cache->fast.lists[6].chunks);
    ck_assert_int_eq(cache->fast.end - cache->fast.cut, 0);
}
END_TEST

START_TEST(no_more_than_some_spare_caches_are_kept)
{
    static struct fixture many[40];

    for (unsigned i = 0; i < 40; i++) {
        fixture_start(&many[i]);
        fixture_cache(&many[i]);
    }
    for (unsigned i = 0; i < 40; i++) {
        attach_end_all(&many[i].set);
        ck_assert_uint_le(fixture_self()->spares, 32);
    }
    ck_assert_uint_eq(fixture_self()->spares, 32);
    for (unsigned i = 0; i < THREAD_CACHES; i++) {
        ck_assert_ptr_null(fixture_self()->found[i]); /* it may be freed */
    }
    for (unsigned i = 0; i < 40; i++) {
        ck_assert_ptr_null(attach_find(&many[i].set));
    }
}
END_TEST

START_TEST(a_retired_set_has_empty_caches_and_no_more_users)
{
    struct mp_handle *handle;
    struct cache *cache;

    fixture_start(&f);
    cache = fixture_cache(&f);
    handle = handle_attach(&f.set);
    for (int i = 0; i < 600; i++) {
        fixture_give(&f, cache, fixture_take(&f, cache, 4), 4);
        fixture_give(&f, &handle->cache,
                     fixture_take(&f, &handle->cache, 5), 5);
    }
    lock_take(&f.lock);
    attach_retire(&f.set);
    ck_assert(f.set.retired);
    ck_assert_uint_eq(f.heap.taken, 0);
    ck_assert_uint_eq(cache_set_frees(&f.set), 1200);
    attach_retire(&f.set);
    lock_drop(&f.lock);
    ck_assert_ptr_null(attach_find(&f.set));
    ck_assert_ptr_null(mp_inline_enter(&thread_state, f.pool));
    ck_assert_ptr_null(mp_inline_enter_handle(handle_fast(handle)));
    ck_assert_ptr_eq(fixture_cache(&f), cache); /* still attached */
    struct mp_handle *late = handle_attach(&f.set);
    ck_assert(!cache_is_enabled(&late->cache));
}
END_TEST

START_TEST(a_retired_set_has_no_cache_on_a_mark)
{
    struct heap heap;
    struct block first;
    struct cache *cache;

    fixture_start(&f);
    cache = fixture_cache(&f);
    fixture_heap(&f, &heap, &first);
    lock_take(&f.lock);
    cache_open_mark(cache, &f.set, &heap);
    ck_assert(cache_fill(cache, &f.set, 1));
    attach_retire(&f.set);
    ck_assert(!cache_has_mark(cache, &f.set));
    ck_assert_uint_eq(heap.taken, 0);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, a_first_user_is_found_by_the_set);
    tcase_add_test(tcase, a_later_user_is_found_by_its_own_table);
    tcase_add_test(tcase, what_the_table_has_no_place_for_is_found_on_the_list);
    tcase_add_test(tcase, pools_side_by_side_have_places_of_their_own);
    tcase_add_test(tcase, an_unregistered_thread_has_none_at_hand);
    tcase_add_test(tcase, attaching_keeps_errno);
    tcase_add_test(tcase, a_paused_cache_is_not_found_at_hand);
    tcase_add_test(tcase, a_handle_has_its_own);
    tcase_add_test(tcase, a_set_is_own_while_nobody_else_has_a_cache);
    tcase_add_test(tcase, a_thread_that_ends_gives_back_what_its_cache_had);
    tcase_add_test(tcase, a_thread_that_ends_used_no_cache_last);
    tcase_add_test(tcase, a_thread_that_fork_left_behind_leaves_its_structures);
    tcase_add_test(tcase, a_pool_that_goes_leaves_its_caches_to_their_threads);
    tcase_add_test(tcase, no_more_than_some_spare_caches_are_kept);
    tcase_add_test(tcase, a_retired_set_has_empty_caches_and_no_more_users);
    tcase_add_test(tcase, a_retired_set_has_no_cache_on_a_mark);
}

int main(void)
{
    return fixture_run("attach", add);
}
