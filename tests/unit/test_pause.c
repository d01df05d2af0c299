/* SPDX-License-Identifier: MIT
 *
 * test_pause.c - the caches of a set are brought to rest, and let go again.
 *
 * Each test runs for a set whose users pay nothing for the pause, and for one
 * that is fenced.
 *
 * What it cannot do: show the first where the system has no membarrier(2).
 */
#include "set.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <time.h>

#include "cache/handle.h"
#include "../membarrier.h"

#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#endif

#define WORKERS 3
#define PAUSES support_times(300, 5)

static struct fixture f;
static struct mp_handle *handle;
static bool paused;        /* atomic: the pauser is between begin and end */
static bool stop;          /* atomic */
static unsigned trespasses; /* atomic: uses of a cache while paused */
static unsigned long uses; /* atomic */

static void begin_set(int fenced)
{
    fixture_start(&f);
    f.set.fenced = f.set.fenced || fenced != 0;
}

static void begin(int fenced)
{
    begin_set(fenced);
    handle = handle_attach(&f.set);
    ck_assert_ptr_nonnull(handle);
}

/* Some frees and allocations by the fast path, inside. */
static void use(struct mp_inline_thread *state, struct mp_inline_cache *fast)
{
    void *object = mp_inline_take(state, fast, 40);

    if (sync_get(&paused)) {
        sync_add(&trespasses, 1u);
    }
    if (object != NULL) {
        mp_inline_give(state, fast, f.pool, object);
    }
    if (sync_get(&paused)) {
        sync_add(&trespasses, 1u);
    }
    sync_add(&uses, 1ul);
}

/* What the slow path does now and then. */
static void refill(struct cache *cache)
{
    bool taken = lock_enter(&f.lock);

    if (cache->fast.lists[2].chunks == NULL) {
        cache_fill(cache, &f.set, 3);
    }
    if (cache->fast.lists[2].room == 0) {
        cache_flush_excess(cache, &f.set, 3);
    }
    lock_leave(&f.lock, taken);
}

static void *use_thread(void *unused)
{
    struct cache *cache = fixture_cache(&f);
    unsigned times = 0;

    while (!sync_get(&stop)) {
        struct mp_inline_cache *fast = mp_inline_enter(&thread_state, f.pool);
        if (fast != NULL) {
            use(&thread_state, fast);
            mp_inline_leave(&thread_state);
        }
        if (++times % 64 == 0) {
            refill(cache);
        }
    }
    return unused;
}

static void *use_handle(void *unused)
{
    struct mp_inline_handle *fast = handle_fast(handle);
    unsigned times = 0;

    while (!sync_get(&stop)) {
        if (mp_inline_enter_handle(fast) != NULL) {
            use(&fast->thread, &fast->cache);
            mp_inline_leave(&fast->thread);
        }
        if (++times % 64 == 0) {
            refill(&handle->cache);
        }
    }
    return unused;
}

/* While paused: nobody says to be inside, and what is there stays as it is. */
static void look_around(void)
{
    uint64_t frees = cache_set_frees(&f.set);

    sync_put(&paused, true);
    ck_assert(cache_set_is_paused(&f.set));
    ck_assert(cache_set_is_sound(&f.set));
    for (const struct cache *c = f.set.caches; c != NULL; c = c->next) {
        if (c->thread == NULL) {
            ck_assert(sync_get(&c->state->inside) != MP_INLINE_NO_POOL ||
                      !cache_is_enabled(c));
        }
    }
    sched_yield();
    ck_assert_uint_eq(cache_set_frees(&f.set), frees);
    sync_put(&paused, false);
}

/* As a sandbox does that is entered after the first pool was made. */
static bool refuse_fences(void)
{
    return membarrier_refuse(EPERM);
}

static bool refused; /* the fence is, from the first pause on */

static void pause_while_used(int fenced, void *(*run)(void *),
                             unsigned workers)
{
    pthread_t threads[WORKERS];

    begin(fenced);
    for (unsigned i = 0; i < workers; i++) {
        pthread_create(&threads[i], NULL, run, NULL);
    }
    while (sync_get(&uses) < 1000) {
        sched_yield();
    }
    refused = refused && refuse_fences();
    for (unsigned i = PAUSES; i > 0; i--) {
        lock_take(&f.lock);
        pause_begin(&f.set);
        look_around();
        pause_end(&f.set);
        lock_drop(&f.lock);
        unsigned long before = sync_get(&uses);
        while (sync_get(&uses) == before) { /* they go on */
            sched_yield();
        }
    }
    sync_put(&stop, true);
    for (unsigned i = 0; i < workers; i++) {
        pthread_join(threads[i], NULL);
    }
    ck_assert_uint_eq(sync_get(&trespasses), 0);
}

START_TEST(a_set_is_fenced_just_where_the_system_refuses_the_fence)
{
#ifdef SYS_membarrier
    long refused_now = syscall(SYS_membarrier, 1 << 4, 0, 0); /* register */
#else
    long refused_now = -1;
#endif

    fixture_start(&f);
    ck_assert(f.set.fenced == (refused_now != 0));
    ck_assert(sync_fence_works() == !f.set.fenced);
}
END_TEST

START_TEST(no_thread_is_inside_while_paused)
{
    pause_while_used(_i, use_thread, WORKERS);
}
END_TEST

START_TEST(no_handle_is_inside_while_paused)
{
    pause_while_used(_i, use_handle, 1);
}
END_TEST

/* A thread that is inside, until it is told to leave, and then some more. */
static bool is_inside, may_leave, has_left; /* atomic */

static void stay(struct mp_inline_thread *state)
{
    const struct timespec moment = {0, 20000000};

    sync_put_release(&is_inside, true);
    while (!sync_get(&may_leave)) {
        sched_yield();
    }
    nanosleep(&moment, NULL);
    sync_put(&has_left, true);
    mp_inline_leave(state);
}

static void *stay_thread(void *unused)
{
    fixture_cache(&f);
    ck_assert_ptr_nonnull(mp_inline_enter(&thread_state, f.pool));
    stay(&thread_state);
    /* Revoked meanwhile: out, and it does not say to be inside. */
    ck_assert_ptr_null(mp_inline_enter(&thread_state, f.pool));
    ck_assert_ptr_null(sync_get(&thread_state.inside));
    while (!sync_get(&stop)) {
        sched_yield();
    }
    return unused;
}

static void *stay_handle(void *unused)
{
    struct mp_inline_handle *fast = handle_fast(handle);

    ck_assert_ptr_nonnull(mp_inline_enter_handle(fast));
    stay(&fast->thread);
    ck_assert_ptr_null(mp_inline_enter_handle(fast));
    return unused;
}

static void await_one(int fenced, void *(*run)(void *))
{
    pthread_t thread;

    begin(fenced);
    pthread_create(&thread, NULL, run, NULL);
    while (!sync_get_acquire(&is_inside)) {
        sched_yield();
    }
    lock_take(&f.lock);
    bool fence = pause_revoke(&f.set);
    ck_assert(fence != f.set.fenced);
    ck_assert(cache_set_is_paused(&f.set));
    ck_assert(!sync_get(&has_left));
    if (fence) {
        sync_fence_heavy();
    }
    sync_put(&may_leave, true);
    pause_await(&f.set);
    ck_assert(sync_get(&has_left));
    sync_put(&stop, true);
    lock_drop(&f.lock);
    pthread_join(thread, NULL);
}

START_TEST(a_thread_that_is_inside_is_awaited)
{
    await_one(_i, stay_thread);
}
END_TEST

START_TEST(a_handle_that_is_inside_is_awaited)
{
    await_one(_i, stay_handle);
}
END_TEST

START_TEST(a_thread_inside_another_pool_is_not_awaited)
{
    begin(_i);
    lock_take(&f.lock);
    /* A state that says so for ever. */
    handle->cache.thread = (struct thread *)1;
    handle->state.inside = MP_INLINE_NO_POOL;
    ck_assert(pause_revoke(&f.set) != f.set.fenced);
    pause_await(&f.set);
    lock_drop(&f.lock);
}
END_TEST

START_TEST(a_set_that_only_the_caller_uses_needs_no_second_step)
{
    struct cache *cache;

    begin_set(_i);
    cache = fixture_cache(&f);
    lock_take(&f.lock);
    ck_assert(!pause_revoke(&f.set));
    ck_assert(cache_serves(cache, &f.set)); /* its own stays enabled */
    pause_end(&f.set);
    ck_assert(cache_serves(cache, &f.set));
    lock_drop(&f.lock);
}
END_TEST

START_TEST(the_end_of_a_pause_enables_all)
{
    begin(_i);
    lock_take(&f.lock);
    pause_begin(&f.set);
    ck_assert(!cache_is_enabled(&handle->cache));
    ck_assert_ptr_null(mp_inline_enter_handle(handle_fast(handle)));
    pause_end(&f.set);
    ck_assert(cache_serves(&handle->cache, &f.set));
    ck_assert(!cache_set_is_paused(&f.set));
    lock_drop(&f.lock);
}
END_TEST

START_TEST(a_retired_set_stays_disabled)
{
    struct cache *cache;

    begin(_i);
    cache = fixture_cache(&f);
    lock_take(&f.lock);
    attach_retire(&f.set);
    pause_begin(&f.set);
    pause_end(&f.set);
    ck_assert(!cache_is_enabled(&handle->cache));
    ck_assert(!cache_is_enabled(cache));
    lock_drop(&f.lock);
}
END_TEST

static void on_signal(int number)
{
    (void)number;
}

/* Interrupts the pauser, so that its sleep fails, and then leaves. */
static void *leave_late(void *pauser)
{
    const struct timespec moment = {0, 1000000};

    for (int i = 0; i < 300; i++) {
        nanosleep(&moment, NULL);
        pthread_kill(*(pthread_t *)pauser, SIGUSR1);
    }
    mp_inline_leave(&handle->state);
    return NULL;
}

START_TEST(a_long_wait_keeps_errno)
{
    struct sigaction action = {.sa_handler = on_signal};
    pthread_t thread, self = pthread_self();

    begin(_i);
    sigaction(SIGUSR1, &action, NULL);
    handle->state.inside = MP_INLINE_NO_POOL;
    pthread_create(&thread, NULL, leave_late, &self);
    lock_take(&f.lock);
    errno = 77;
    pause_begin(&f.set);
    ck_assert_int_eq(errno, 77);
    pause_end(&f.set);
    lock_drop(&f.lock);
    pthread_join(thread, NULL);
}
END_TEST

/* A counter that went on would overflow, and the wait would not sleep then. */
START_TEST(a_wait_counts_no_further_than_to_its_first_sleep)
{
    unsigned times = 0;
    unsigned before = 1;

    for (int i = 0; i < 1000 && times != before; i++) {
        before = times;
        pause_yield(&times);
    }
    ck_assert_uint_gt(times, 0);
    ck_assert_uint_eq(times, before);
    pause_yield(&times);
    ck_assert_uint_eq(times, before);
}
END_TEST

START_TEST(the_child_of_fork_awaits_no_handle_of_a_thread_that_is_gone)
{
    begin(_i);
    lock_take(&f.lock);
    pause_begin(&f.set);
    /* As a thread leaves it that found the handle revoked as fork() came. */
    handle->state.inside = MP_INLINE_NO_POOL;
    pause_forked(&f.set);
    pause_await(&f.set);
    ck_assert_ptr_null(handle->state.inside);
    pause_end(&f.set);
    lock_drop(&f.lock);
}
END_TEST

#ifdef MEMBARRIER_FILTERS
START_TEST(a_pause_that_is_refused_the_fence_waits_and_fences_the_set)
{
    begin(0);
    struct cache *cache = fixture_cache(&f);
    void *object = fixture_take(&f, &handle->cache, 3);
    fixture_give(&f, &handle->cache, object, 3);
    if (f.set.fenced || !refuse_fences()) {
        return; /* nothing to see here */
    }
    struct timespec from, to;
    lock_take(&f.lock);
    clock_gettime(CLOCK_MONOTONIC, &from);
    errno = 4321;
    pause_begin(&f.set);
    ck_assert_int_eq(errno, 4321);
    clock_gettime(CLOCK_MONOTONIC, &to);
    /* Not how fast it is: a pause that did not wait misses a thread. */
    ck_assert_int_ge((to.tv_sec - from.tv_sec) * 1000000000 + to.tv_nsec -
                         from.tv_nsec, 10000000);
    ck_assert(!f.set.fenced && !sync_fence_works());
    pause_end(&f.set);
    ck_assert(f.set.fenced && !f.set.retired);
    /* The caches are as they were, the caller's own too, and none is enabled
     * in the place where no fence is. */
    ck_assert_ptr_eq(handle->cache.fast.lists[2].chunks, object);
    ck_assert_ptr_eq(handle->cache.fast.pool, MP_INLINE_NO_POOL);
    ck_assert_ptr_eq(cache->fast.pool, MP_INLINE_NO_POOL);
    ck_assert_ptr_eq(mp_inline_enter(&thread_state, f.pool), &cache->fast);
    mp_inline_leave(&thread_state);
    ck_assert_ptr_eq(mp_inline_enter_handle(handle_fast(handle)), f.pool);
    mp_inline_leave(&handle->state);
    /* No further pause needs a fence, and no new set. */
    ck_assert(!pause_revoke(&f.set));
    pause_await(&f.set);
    pause_end(&f.set);
    struct cache_set later;
    cache_set_start(&later, f.pool, &f.lock, &f.heap, false);
    ck_assert(later.fenced);
    lock_drop(&f.lock);
}
END_TEST

/* The fence is refused while threads use their caches. */
START_TEST(no_thread_is_inside_while_a_set_becomes_fenced)
{
    refused = true;
    pause_while_used(0, use_thread, WORKERS);
    ck_assert(f.set.fenced || !refused);
}
END_TEST
#endif

static void add(TCase *tcase)
{
#ifdef MEMBARRIER_FILTERS
    tcase_add_test(
        tcase, a_pause_that_is_refused_the_fence_waits_and_fences_the_set);
    tcase_add_test(tcase, no_thread_is_inside_while_a_set_becomes_fenced);
#endif

    tcase_add_test(tcase,
                   a_set_is_fenced_just_where_the_system_refuses_the_fence);
    tcase_add_loop_test(tcase, no_thread_is_inside_while_paused, 0, 2);
    tcase_add_loop_test(tcase, no_handle_is_inside_while_paused, 0, 2);
    tcase_add_loop_test(tcase, a_thread_that_is_inside_is_awaited, 0, 2);
    tcase_add_loop_test(tcase, a_handle_that_is_inside_is_awaited, 0, 2);
    tcase_add_loop_test(tcase, a_thread_inside_another_pool_is_not_awaited, 0,
                        2);
    tcase_add_loop_test(tcase,
                        a_set_that_only_the_caller_uses_needs_no_second_step,
                        0, 2);
    tcase_add_loop_test(tcase, the_end_of_a_pause_enables_all, 0, 2);
    tcase_add_loop_test(tcase, a_retired_set_stays_disabled, 0, 2);
    tcase_add_loop_test(tcase, a_long_wait_keeps_errno, 0, 2);
    tcase_add_test(tcase, a_wait_counts_no_further_than_to_its_first_sleep);
    tcase_add_loop_test(
        tcase, the_child_of_fork_awaits_no_handle_of_a_thread_that_is_gone, 0,
        2);
}

int main(void)
{
    return fixture_run("pause", add);
}
