/* SPDX-License-Identifier: MIT
 *
 * check_lifetimes.c - threads and pools that end before each other.
 *
 * Threads that leave caches and objects behind or are cancelled, pools that
 * end under them, and destructors of thread keys that use pools.  What
 * processes do is in check_processes.c.
 */
#include <errno.h>
#include <limits.h>
#include <sched.h>

#include "pools.h"
#include "sanitizer.h"
#include "threads.h"

/* Bytes of blocks that a pool with caches has, all of whose objects are
 * freed: what a trim gives. */
static size_t idle_bytes(memory_pool_t *mp)
{
    POOLS_EXPECT(mp_check(mp) == 0);
    size_t bytes = mp_trim(mp, 0);
    POOLS_EXPECT(mp_check(mp) == 0);
    return bytes;
}

struct hand {
    memory_pool_t *mp;
    void *objects[64];
    struct threads_barrier *barrier;
    pthread_key_t key;
    unsigned passes; /* of destructors, in the thread that has it */
};

static void *churn(void *argument)
{
    struct hand *hand = argument;

    for (unsigned i = 0; i < 64; i++) {
        hand->objects[i] = mp_allocate(hand->mp, 1 + i * 20);
    }
    for (unsigned i = 0; i < 64; i += 2) {
        free_memory(hand->mp, hand->objects[i]);
    }
    return NULL;
}

START_TEST(objects_outlive_their_thread_and_its_memory_is_used_again)
{
    memory_pool_t *mp = mp_create(NULL);
    struct hand hand = {.mp = mp};
    unsigned count = support_times(10000, 20);

    for (unsigned n = 0; n < count; n++) {
        support_join(support_start(churn, &hand));
        for (unsigned i = 1; i < 64; i += 2) { /* outlived by its objects */
            errno = 0;
            free_memory(mp, hand.objects[i]);
            POOLS_EXPECT(errno == 0);
        }
    }
    /* A thread has some 41 KiB live: what its end leaves is used again. */
    ck_assert_uint_lt(idle_bytes(mp), (size_t)4 << 20);
    destroy_memory_pool(mp);
}
END_TEST

static void *free_given(void *argument)
{
    struct hand *hand = argument;

    for (unsigned i = 0; i < 64; i++) {
        free_memory(hand->mp, hand->objects[i]);
    }
    return NULL;
}

static void *free_rounds(void *argument)
{
    struct hand *hand = argument;

    for (;;) {
        threads_barrier_wait(hand->barrier);
        if (hand->objects[0] == NULL) {
            return NULL;
        }
        free_given(hand);
        threads_barrier_wait(hand->barrier);
    }
}

START_TEST(a_thread_that_only_frees_hoards_nothing)
{
    memory_pool_t *mp = mp_create(NULL);
    struct threads_barrier barrier;
    struct hand hand = {.mp = mp, .barrier = &barrier};

    threads_barrier_start(&barrier, 2);
    pthread_t thread = support_start(free_rounds, &hand);
    for (unsigned n = support_times(5000, 5); n > 0; n--) {
        for (unsigned i = 0; i < 64; i++) {
            hand.objects[i] = mp_allocate(mp, 16 + n % 8 * 100);
            POOLS_EXPECT(hand.objects[i] != NULL);
        }
        threads_barrier_wait(&barrier);
        threads_barrier_wait(&barrier);
    }
    hand.objects[0] = NULL;
    threads_barrier_wait(&barrier);
    support_join(thread);
    ck_assert_uint_lt(idle_bytes(mp), (size_t)4 << 20);
    threads_barrier_end(&barrier);
    destroy_memory_pool(mp);
}
END_TEST

/* Uses the pool, then ends when the main thread destroys the pool. */
static void *end_beside(void *argument)
{
    struct hand *hand = argument;

    free_memory(hand->mp, mp_allocate(hand->mp, 100));
    threads_barrier_wait(hand->barrier);
    return NULL;
}

START_TEST(a_thread_ends_beside_the_destruction_of_its_pool)
{
    struct threads_barrier barrier;

    threads_barrier_start(&barrier, 4);
    for (unsigned n = support_times(4000, 10); n > 0; n--) {
        struct hand hand = {.mp = mp_create(NULL), .barrier = &barrier};
        struct threads threads;
        POOLS_EXPECT(hand.mp != NULL);
        threads_start(&threads, 3, end_beside, &hand, 0);
        threads_barrier_wait(&barrier);
        destroy_memory_pool(hand.mp);
        threads_join(&threads);
    }
    threads_barrier_end(&barrier);
}
END_TEST

static void *meet_again(void *argument)
{
    struct hand *hand = argument;

    for (;;) {
        threads_barrier_wait(hand->barrier);
        memory_pool_t *mp = hand->mp;
        if (mp == NULL) {
            return NULL;
        }
        for (unsigned i = 0; i < 64; i++) {
            hand->objects[i] = mp_allocate(mp, 40);
        }
        for (unsigned i = 0; i < 32; i++) {
            free_memory(mp, hand->objects[i]);
        }
        threads_barrier_wait(hand->barrier);
    }
}

START_TEST(a_pool_at_the_address_of_an_old_one_is_a_new_pool)
{
    struct threads_barrier barrier;
    struct hand hand = {.barrier = &barrier};
    memory_pool_t *before = NULL;
    unsigned again = 0;

    threads_barrier_start(&barrier, 2);
    pthread_t thread = support_start(meet_again, &hand);
    for (unsigned n = 0; n < 500; n++) {
        hand.mp = mp_create(NULL);
        POOLS_EXPECT(hand.mp != NULL);
        again += hand.mp == before;
        before = hand.mp;
        threads_barrier_wait(&barrier);
        threads_barrier_wait(&barrier);
        for (unsigned i = 0; i < 64; i++) {
            POOLS_EXPECT(is_mp_ptr(hand.mp, hand.objects[i]) == (i >= 32));
            POOLS_EXPECT(mp_owner(hand.objects[i]) == hand.mp);
        }
        POOLS_EXPECT(mp_check(hand.mp) == 0);
        destroy_memory_pool(hand.mp);
    }
    hand.mp = NULL;
    threads_barrier_wait(&barrier);
    support_join(thread);
    ck_assert_uint_gt(again, 0);
    threads_barrier_end(&barrier);
}
END_TEST

/* ThreadSanitizer takes a thread apart in the last pass of destructors, and
 * fails in code that runs after it. */
#define LATE_PASSES (PTHREAD_DESTRUCTOR_ITERATIONS - SANITIZER_THREAD)

/* Uses the pool in each pass of destructors that there is. */
static pthread_key_t late_keys[2];
static atomic_uint late_calls;

static void use_late(void *argument)
{
    struct hand *hand = argument;
    void *object = mp_allocate(hand->mp, 200);

    if (object != NULL && is_mp_ptr(hand->mp, object)) {
        free_memory(hand->mp, object);
        atomic_fetch_add(&late_calls, 1);
    }
    if (++hand->passes < LATE_PASSES) {
        pthread_setspecific(hand->key, hand);
    }
}

static void *die_late(void *argument)
{
    struct hand *hand = argument;

    hand->passes = 0;
    pthread_setspecific(hand->key, hand);
    free_memory(hand->mp, mp_allocate(hand->mp, 200));
    return NULL;
}

START_TEST(destructors_of_thread_data_use_the_pool_in_every_pass)
{
    static struct hand hands[2]; /* outlive all that a destructor does */
    memory_pool_t *mp;

    /* One key made before the library's, one after. */
    ck_assert_int_eq(pthread_key_create(&late_keys[0], use_late), 0);
    mp = mp_create(NULL);
    ck_assert_ptr_nonnull(mp);
    ck_assert_int_eq(pthread_key_create(&late_keys[1], use_late), 0);
    for (unsigned i = 0; i < 2; i++) {
        hands[i].mp = mp;
        hands[i].key = late_keys[i];
    }
    unsigned count = support_times(2000, 10);
    for (unsigned n = 0; n < count; n++) {
        support_join(support_start(die_late, &hands[n % 2]));
    }
    ck_assert_uint_eq(atomic_load(&late_calls), count * LATE_PASSES);
    ck_assert_uint_lt(idle_bytes(mp), (size_t)4 << 20);
    destroy_memory_pool(mp);
}
END_TEST

static void *run_on(void *argument)
{
    struct hand *hand = argument;

    for (;;) {
        free_memory(hand->mp, mp_allocate(hand->mp, 100));
        free_memory(hand->mp, mp_allocate(hand->mp, 3000));
        pthread_testcancel();
    }
    return NULL;
}

START_TEST(a_cancelled_thread_leaves_its_pool_whole)
{
    mp_options_t options = {.threads = (mp_threads_t)_i};
    struct hand hand = {.mp = mp_create(&options)};

    for (unsigned n = support_times(250, 4); n > 0; n--) {
        struct threads threads;
        threads_start(&threads, 3, run_on, &hand, 0);
        for (unsigned i = 0; i < 3; i++) {
            sched_yield();
            POOLS_EXPECT(pthread_cancel(threads.ids[i]) == 0);
        }
        threads_join(&threads);
        POOLS_EXPECT(mp_check(hand.mp) == 0);
    }
    destroy_memory_pool(hand.mp);
}
END_TEST

START_TEST(objects_of_many_threads_outlive_them)
{
    enum { MANY = 64 };
    memory_pool_t *mp = mp_create(NULL);
    struct hand hands[MANY] = {{0}};

    for (unsigned i = 0; i < MANY; i++) {
        hands[i].mp = mp;
    }
    threads_run(MANY, churn, hands, sizeof hands[0]);
    for (unsigned i = 0; i < MANY; i++) {
        for (unsigned k = 1; k < 64; k += 2) {
            POOLS_EXPECT(is_mp_ptr(mp, hands[i].objects[k]));
            POOLS_EXPECT(mp_usable_size(mp, hands[i].objects[k]) > k * 20);
        }
    }
    ck_assert_int_eq(mp_check(mp), 0);
    destroy_memory_pool(mp);
}
END_TEST

#define POOLS 300
#define LOAD 4
static memory_pool_t *many_pools[POOLS];

static void *alternate(void *argument)
{
    uint64_t random = (uintptr_t)argument;
    void *held[POOLS] = {NULL};
    uintptr_t wrong = 0;

    for (unsigned n = support_times(100000, 10); n > 0; n--) {
        size_t i = support_below(&random, POOLS);
        if (held[i] != NULL) {
            wrong += mp_locate(many_pools[i], held[i]) != MP_LIVE;
            free_memory(many_pools[i], held[i]);
            held[i] = NULL;
        } else {
            held[i] = mp_allocate(many_pools[i], 1 + i);
            wrong += held[i] == NULL;
        }
    }
    for (unsigned i = 0; i < POOLS; i++) {
        if (held[i] != NULL) {
            free_memory(many_pools[i], held[i]);
        }
    }
    return (void *)wrong;
}

START_TEST(threads_use_hundreds_of_pools_in_turn)
{
    for (unsigned i = 0; i < POOLS; i++) {
        many_pools[i] = mp_create(NULL);
        POOLS_EXPECT(many_pools[i] != NULL);
    }
    ck_assert_uint_eq(threads_run(LOAD, alternate, (void *)1, 1), 0);
    for (unsigned i = 0; i < POOLS; i++) {
        POOLS_EXPECT(mp_check(many_pools[i]) == 0);
        destroy_memory_pool(many_pools[i]);
    }
}
END_TEST

static Suite *lifetimes_suite(void)
{
    Suite *suite = suite_create("lifetimes");
    TCase *threads = support_case(suite, "threads");
    TCase *pools = support_case(suite, "pools");

    tcase_add_test(threads,
                   objects_outlive_their_thread_and_its_memory_is_used_again);
    tcase_add_test(threads, a_thread_that_only_frees_hoards_nothing);
    tcase_add_test(threads, a_thread_ends_beside_the_destruction_of_its_pool);
    tcase_add_test(threads, a_pool_at_the_address_of_an_old_one_is_a_new_pool);
    tcase_add_test(threads,
                   destructors_of_thread_data_use_the_pool_in_every_pass);
    tcase_add_loop_test(threads, a_cancelled_thread_leaves_its_pool_whole, 0,
                        2);
    tcase_add_test(threads, objects_of_many_threads_outlive_them);
    tcase_add_test(pools, threads_use_hundreds_of_pools_in_turn);
    return suite;
}

int main(void)
{
    return support_run(lifetimes_suite());
}
