/* SPDX-License-Identifier: MIT
 *
 * check_limits.c - limits are exact for pools whose users have caches.
 *
 * A cache of such a pool is lent bytes of the limit beforehand.  So each test
 * here has bytes lie in caches that nobody uses, and wants them back.  Random
 * cases print their seed; MP_SEED repeats one.
 *
 * What it cannot do: tell where the bytes lay.  The unit tests of the caches
 * look inside.
 */
#include "pools.h"
#include "threads.h"

#include <stdlib.h>
#include <string.h>

#define THREADS 4u

/* Threads that work in one pool or each in its own, none beyond its share. */
struct limits_work {
    memory_pool_t *mp;
    memory_pool_t *root; /* a request beyond its capacity is refused */
    size_t share;
    uint64_t seed;
};

static struct limits_work works[THREADS];

/* Takes single bytes, and some more at once, until there are none. */
static void *limits_take_all(void *argument)
{
    struct limits_work *work = argument;
    size_t bytes = 0;
    size_t size = 1 + support_below(&work->seed, 300);

    while (size > 0) {
        if (mp_allocate(work->mp, size) != NULL) {
            bytes += size;
            size = 1 + support_below(&work->seed, 300);
        } else {
            size /= 2;
        }
    }
    return (void *)(uintptr_t)bytes;
}

START_TEST(threads_fill_a_pool_to_the_byte)
{
    uint64_t seed = support_seed();
    unsigned rounds = support_times(60, 20);
    memory_pool_t *mp = pools_limited(123457, NULL);

    for (unsigned round = 0; round < rounds; round++) {
        for (unsigned i = 0; i < THREADS; i++) {
            works[i] = (struct limits_work){mp, mp, 0, support_random(&seed)};
        }
        ck_assert_uint_eq(threads_run(THREADS, limits_take_all, works,
                                      sizeof works[0]),
                          123457);
        ck_assert_int_eq(mp_check(mp), 0);
        free_all_memory(mp);
    }
    destroy_memory_pool(mp);
}
END_TEST

/* root 100,003 - two of 70,000 - two each without a limit of their own. */
START_TEST(threads_fill_a_tree_to_the_byte)
{
    uint64_t seed = support_seed();
    unsigned rounds = support_times(60, 20);

    for (unsigned round = 0; round < rounds; round++) {
        memory_pool_t *root = pools_limited(100003, NULL);
        memory_pool_t *above[2] = {pools_limited(70000, root),
                                   pools_limited(70000, root)};
        for (unsigned i = 0; i < THREADS; i++) {
            works[i] = (struct limits_work){pools_limited(0, above[i / 2]),
                                            root, 0, support_random(&seed)};
        }
        ck_assert_uint_eq(threads_run(THREADS, limits_take_all, works,
                                      sizeof works[0]),
                          100003);
        for (unsigned i = 0; i < 2; i++) {
            ck_assert_int_eq(mp_check(above[i]), 0);
        }
        ck_assert_int_eq(mp_check(root), 0);
        destroy_memory_pool(root);
    }
}
END_TEST

/* Replaces objects at random within the share; returns wrong refusals, and
 * requests beyond the capacity that were served. */
static size_t limits_replace(struct limits_work *work, unsigned steps)
{
    struct {
        void *at;
        size_t size;
    } slots[32] = {{NULL, 0}};
    size_t bytes = 0;
    size_t wrong = 0;

    for (unsigned step = 0; step < steps; step++) {
        size_t i = support_below(&work->seed, 32);
        size_t size = 1 + support_below(&work->seed, 1 + work->share / 4);
        if (slots[i].at != NULL) {
            free_memory(work->mp, slots[i].at);
            bytes -= slots[i].size;
            slots[i].at = NULL;
        }
        if (size > work->share - bytes) {
            size = work->share - bytes;
        }
        if (size > 0) {
            slots[i].at = mp_allocate(work->mp, size);
            slots[i].size = size;
            wrong += slots[i].at == NULL;
            bytes += slots[i].at == NULL ? 0 : size;
        }
        wrong += step % 64 == 0 && mp_allocate(work->mp, 60001) != NULL;
    }
    for (size_t i = 0; i < 32; i++) {
        if (slots[i].at != NULL) {
            free_memory(work->mp, slots[i].at);
        }
    }
    return wrong;
}

static void *limits_live(void *argument)
{
    return (void *)(uintptr_t)limits_replace(argument,
                                             support_times(20000, 20));
}

/* The shares add up to the capacity, so that a refusal is wrong by one byte
 * of credit that was not taken back. */
START_TEST(no_thread_is_refused_within_its_share_of_a_pool)
{
    uint64_t seed = support_seed();
    memory_pool_t *mp = pools_limited(60000, NULL);

    for (unsigned i = 0; i < THREADS; i++) {
        works[i] = (struct limits_work){mp, mp, 60000 / THREADS,
                                        support_random(&seed)};
    }
    ck_assert_uint_eq(
        threads_run(THREADS, limits_live, works, sizeof works[0]), 0);
    ck_assert_int_eq(mp_check(mp), 0);
    ck_assert(pools_has_left(mp, 60000));
    destroy_memory_pool(mp);
}
END_TEST

START_TEST(no_thread_is_refused_within_its_share_of_a_tree)
{
    uint64_t seed = support_seed();
    memory_pool_t *root = pools_limited(60000, NULL);
    memory_pool_t *above = pools_limited(30000, root);

    for (unsigned i = 0; i < THREADS; i++) {
        works[i] = (struct limits_work){pools_limited(0, i < 2 ? above : root),
                                        root, 60000 / THREADS,
                                        support_random(&seed)};
    }
    ck_assert_uint_eq(
        threads_run(THREADS, limits_live, works, sizeof works[0]), 0);
    ck_assert_int_eq(mp_check(root), 0);
    ck_assert(pools_has_left(root, 60000));
    destroy_memory_pool(root);
}
END_TEST

/* Makes pools below, uses them within the share and ends them, with credit in
 * their caches. */
static void *limits_make_and_end(void *argument)
{
    struct limits_work *work = argument;
    unsigned rounds = support_times(1500, 20);
    size_t wrong = 0;

    for (unsigned round = 0; round < rounds; round++) {
        const mp_options_t options = {.parent = work->root,
                                      .capacity = round % 2 * 20000};
        work->mp = mp_create(&options);
        if (work->mp == NULL) {
            return (void *)1;
        }
        wrong += limits_replace(work, 20);
        wrong += mp_allocate(work->mp, 1 + round % 1500) == NULL;
        destroy_memory_pool(work->mp);
    }
    return (void *)(uintptr_t)wrong;
}

START_TEST(no_thread_is_refused_while_siblings_come_and_go)
{
    uint64_t seed = support_seed();
    unsigned rounds = support_times(4, 4);

    for (unsigned round = 0; round < rounds; round++) {
        memory_pool_t *root = pools_limited(60000, NULL);
        for (unsigned i = 0; i < THREADS; i++) {
            works[i] = (struct limits_work){NULL, root, 60000 / THREADS,
                                            support_random(&seed)};
        }
        ck_assert_uint_eq(threads_run(THREADS, limits_make_and_end, works,
                                      sizeof works[0]),
                          0);
        ck_assert_int_eq(mp_check(root), 0);
        ck_assert(pools_has_left(root, 60000));
        destroy_memory_pool(root);
    }
}
END_TEST

START_TEST(credit_of_a_sibling_is_taken_back)
{
    memory_pool_t *root = pools_limited(100000, NULL);
    memory_pool_t *middle = pools_limited(90000, root);
    memory_pool_t *one = pools_limited(0, middle);
    memory_pool_t *other = pools_limited(0, root);

    ck_assert_ptr_nonnull(mp_allocate(root, 10));
    ck_assert_ptr_nonnull(mp_allocate(middle, 20));
    ck_assert_ptr_nonnull(mp_allocate(one, 30));
    ck_assert(pools_has_left(other, 100000 - 60));
    ck_assert(pools_has_left(one, 90000 - 50));
    ck_assert(pools_has_left(root, 100000 - 60));
    destroy_memory_pool(root);
}
END_TEST

START_TEST(a_pool_lives_at_its_limit)
{
    memory_pool_t *mp = pools_limited(50000, NULL);
    void *objects[500];

    for (unsigned round = 0; round < 20; round++) {
        for (unsigned i = 0; i < 500; i++) {
            objects[i] = mp_allocate(mp, 100);
            ck_assert_ptr_nonnull(objects[i]);
        }
        for (unsigned i = 0; i < 3000; i++) {
            ck_assert_ptr_null(mp_allocate(mp, 1));
            free_memory(mp, objects[i * 7 % 500]);
            objects[i * 7 % 500] = mp_calloc(mp, 10, 10);
            ck_assert_ptr_nonnull(objects[i * 7 % 500]);
        }
        for (unsigned i = 0; i < 500; i++) {
            free_memory(mp, objects[i]);
        }
    }
    ck_assert(pools_has_left(mp, 50000));
    destroy_memory_pool(mp);
}
END_TEST

START_TEST(a_rewind_gives_a_marks_bytes_back)
{
    memory_pool_t *root = pools_limited(60000, NULL);
    memory_pool_t *mp = pools_limited(0, root);
    mp_handle_t *handle = mp_attach(mp);

    for (unsigned round = 0; round < 50; round++) {
        void *kept = mp_allocate(mp, 11);
        mp_mark_t outer = mp_mark(mp);
        ck_assert_uint_gt(pools_fill(mp, 1 + round * 50) + round, 0);
        mp_rewind(mp, outer);
        outer = mp_mark(mp);
        ck_assert_ptr_nonnull(mp_allocate(mp, 1000));
        mp_mark_t inner = mp_handle_mark(handle);
        void *freed = mp_handle_allocate(handle, 777);
        ck_assert_ptr_nonnull(mp_handle_allocate(handle, 20000));
        ck_assert_ptr_nonnull(mp_realloc(mp, mp_allocate(mp, 30), 1300));
        free_memory(mp, freed);
        mp_mark_t deep = mp_mark(mp);
        ck_assert_ptr_nonnull(mp_allocate(mp, 99));
        ck_assert_int_eq(mp_check(mp), 0);
        ck_assert(pools_has_left(root, 60000 - 11 - 1000 - 20000 - 1300 - 99));
        ck_assert_int_eq(round % 2 == 0 ? mp_rewind(mp, deep) : 0, 0);
        ck_assert_int_eq(mp_rewind(mp, outer), 0);
        ck_assert_int_eq(mp_handle_rewind(handle, inner), 0);
        ck_assert(pools_has_left(root, 60000 - 11));
        free_memory(mp, kept);
    }
    destroy_memory_pool(root);
}
END_TEST

START_TEST(a_handle_gives_its_credit_back)
{
    memory_pool_t *mp = pools_limited(60000, NULL);
    mp_handle_t *handle = mp_attach(mp);
    mp_handle_t *other = mp_attach(mp);

    ck_assert_ptr_nonnull(mp_handle_allocate(handle, 10));
    ck_assert(pools_has_left(mp, 59990));
    free_all_memory(mp);
    ck_assert_ptr_nonnull(mp_handle_allocate(other, 10));
    ck_assert_ptr_nonnull(mp_handle_allocate(handle, 10));
    mp_detach(handle);
    ck_assert_ptr_nonnull(mp_handle_allocate(other, 59980));
    ck_assert_ptr_null(mp_handle_allocate(other, 1));
    mp_detach(other);
    ck_assert(pools_has_left(mp, 0));
    destroy_memory_pool(mp);
}
END_TEST

static void *limits_take_ten(void *argument)
{
    return mp_allocate(argument, 10);
}

START_TEST(a_thread_that_ends_gives_its_credit_back)
{
    memory_pool_t *root = pools_limited(60000, NULL);
    memory_pool_t *mp = pools_limited(0, root);

    threads_join_one(threads_start_one(limits_take_ten, mp));
    ck_assert(pools_has_left(root, 59990));
    ck_assert_int_eq(mp_check(mp), 0);
    destroy_memory_pool(root);
}
END_TEST

/* What an object held is nowhere in its chunk, whatever was cut off. */
START_TEST(nothing_of_a_freed_object_stays)
{
    memory_pool_t *mp =
        pools_make_with(&(mp_options_t){.flags = MP_ZERO_ON_FREE});
    const size_t sizes[] = {17, 100, 1024, 1025, 5000, 65536, 65537};

    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (size_t size = sizes[i]; size > 0; size = size * 3 / 4) {
            unsigned char *was = mp_allocate(mp, sizes[i]);
            unsigned char *at = NULL;
            ck_assert_ptr_nonnull(was);
            support_put_word(was, sizes[i]);
            at = mp_realloc(mp, was, size);
            ck_assert_ptr_nonnull(at);
            /* Behind its end, in the last granule, and where it was. */
            ck_assert(support_word_is_gone(at + size, -size % 16));
            ck_assert(at == was || support_word_is_gone(was, sizes[i]));
            free_memory(mp, at);
            ck_assert(support_word_is_gone(at, size));
        }
    }
    destroy_memory_pool(mp);
}
END_TEST

START_TEST(a_small_largest_object_is_kept_to)
{
    const unsigned flags[] = {0, MP_ZERO_ON_FREE};

    for (unsigned i = 0; i < 2; i++) {
        memory_pool_t *mp =
            pools_make_with(&(mp_options_t){.flags = flags[i],
                                            .max_object = 20});
        for (unsigned round = 0; round < 3; round++) {
            void *object = mp_allocate(mp, 20);
            ck_assert_ptr_nonnull(object);
            SUPPORT_REFUSED(mp_allocate(mp, 21), NULL);
            SUPPORT_REFUSED(mp_allocate(mp, 0), NULL);
            SUPPORT_REFUSED(mp_allocate(mp, SIZE_MAX), NULL);
            SUPPORT_REFUSED(mp_calloc(mp, 3, 7), NULL);
            SUPPORT_REFUSED(mp_realloc(mp, object, 21), NULL);
            SUPPORT_REFUSED(mp_realloc(mp, object, 0), NULL);
            ck_assert_ptr_nonnull(mp_realloc(mp, object, 1));
        }
        destroy_memory_pool(mp);
    }
}
END_TEST

/* A chunk that was freed lies in the cache, and serves the next request. */
START_TEST(a_pool_for_one_thread_has_caches)
{
    memory_pool_t *mp =
        pools_make_with(&(mp_options_t){.threads = MP_THREADS_NONE});
    mp_stats_t stats;

    free_memory(mp, mp_allocate(mp, 100));
    ck_assert_int_eq(mp_stats(mp, &stats), 0);
    ck_assert_uint_gt(stats.cached_bytes, 0);
    destroy_memory_pool(mp);
}
END_TEST

/* The threads have credit as the process forks; they are not in the child. */
struct limits_waiting {
    memory_pool_t *root;
    memory_pool_t *mp;
    struct threads_barrier forked;
    struct threads_barrier ready;
};

static void *limits_take_and_wait(void *argument)
{
    struct limits_waiting *waiting = argument;
    void *object = mp_allocate(waiting->mp, 10);

    threads_barrier_wait(&waiting->ready);
    threads_barrier_wait(&waiting->forked);
    return (void *)(uintptr_t)(object == NULL);
}

static int limits_child(void *argument)
{
    struct limits_waiting *waiting = argument;

    return !pools_has_left(waiting->root, 60000 - 10 * THREADS) ||
           mp_check(waiting->mp) != 0 ||
           !pools_has_left(waiting->mp, 60000 - 10 * THREADS);
}

START_TEST(a_child_gets_the_credit_of_threads_that_it_does_not_have)
{
    struct limits_waiting waiting = {.root = pools_limited(60000, NULL)};
    struct threads threads;

    waiting.mp = pools_limited(0, waiting.root);
    threads_barrier_start(&waiting.ready, THREADS + 1);
    threads_barrier_start(&waiting.forked, THREADS + 1);
    threads_start(&threads, THREADS, limits_take_and_wait, &waiting, 0);
    threads_barrier_wait(&waiting.ready);
    support_fork(limits_child, &waiting);
    ck_assert(pools_has_left(waiting.root, 60000 - 10 * THREADS));
    threads_barrier_wait(&waiting.forked);
    ck_assert_uint_eq(threads_join(&threads), 0);
    threads_barrier_end(&waiting.ready);
    threads_barrier_end(&waiting.forked);
    destroy_memory_pool(waiting.root);
}
END_TEST

/* A kept pool is made again with other limits, and is as a new one. */
START_TEST(a_pool_made_again_has_its_own_limit)
{
    memory_pool_t *root = pools_limited(100000, NULL);

    for (size_t round = 1; round < 300; round++) {
        const mp_options_t options = {
            .parent = round % 3 == 0 ? root : NULL,
            .capacity = round % 4 == 0 ? 0 : round * 200,
            .flags = round % 5 == 0 ? MP_ZERO_ON_FREE : 0,
            .max_object = round % 4 == 0 ? 100 : 0};
        memory_pool_t *mp = pools_make_with(&options);
        ck_assert_ptr_nonnull(mp_allocate(mp, 100));
        ck_assert(round % 4 == 0 || pools_has_left(mp, round * 200 - 100));
        ck_assert_int_eq(mp_check(mp), 0);
        destroy_memory_pool(mp);
    }
    ck_assert(pools_has_left(root, 100000));
    destroy_memory_pool(root);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("limits");
    TCase *one = support_case(suite, "one thread");
    TCase *threads = support_case(suite, "threads");

    tcase_add_test(one, credit_of_a_sibling_is_taken_back);
    tcase_add_test(one, a_pool_lives_at_its_limit);
    tcase_add_test(one, a_rewind_gives_a_marks_bytes_back);
    tcase_add_test(one, a_handle_gives_its_credit_back);
    tcase_add_test(one, nothing_of_a_freed_object_stays);
    tcase_add_test(one, a_small_largest_object_is_kept_to);
    tcase_add_test(one, a_pool_for_one_thread_has_caches);
    tcase_add_test(one, a_pool_made_again_has_its_own_limit);
    tcase_add_test(threads, threads_fill_a_pool_to_the_byte);
    tcase_add_test(threads, threads_fill_a_tree_to_the_byte);
    tcase_add_test(threads, no_thread_is_refused_within_its_share_of_a_pool);
    tcase_add_test(threads, no_thread_is_refused_within_its_share_of_a_tree);
    tcase_add_test(threads, no_thread_is_refused_while_siblings_come_and_go);
    tcase_add_test(threads, a_thread_that_ends_gives_its_credit_back);
    tcase_add_test(threads,
                   a_child_gets_the_credit_of_threads_that_it_does_not_have);
    return support_run(suite);
}
