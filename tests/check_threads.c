/* SPDX-License-Identifier: MIT
 *
 * check_threads.c - one pool, many threads.
 *
 * Threads never assert: they count what went wrong, and the main thread
 * asserts that nothing did.  No test depends on how the threads interleave;
 * they are repeated so that many ways occur, and a data race that does no
 * harm in a run is for a thread sanitizer to find.  A deadlock is ended by
 * support.c's watchdog.
 */
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "support.h"
#include "threads.h"

#define CAPACITY ((size_t)MAX_BLOCK_SIZE)
#define THREADS 4
#define OBJECTS 10
#define OBJECT_SIZE 64

struct threads_work {
    memory_pool_t *mp;
    uint32_t id;
    atomic_bool *stop;
    unsigned times;
    atomic_uint *waiting; /* counts down: all start at once */
    unsigned wrong;
    size_t refused;
};

/* Asserts that no thread found anything wrong. */
static void threads_expect_right(const struct threads_work *work, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ck_assert_msg(work[i].wrong == 0, "thread %zu: %u wrong", i,
                      work[i].wrong);
    }
}

/* Asserts that the pool is empty and whole; its refusal is not shown. */
static void threads_verify_empty(memory_pool_t *mp)
{
    support_capture();
    bool exact = support_room_is(mp, CAPACITY);
    support_release_lines(SUPPORT_FULL, 1);
    ck_assert(exact);
    for (size_t i = 0; i < CAPACITY; i++) {
        if (mp_allocate(mp, 1) == NULL) {
            ck_abort_msg("byte %zu is missing", i);
        }
    }
    support_capture();
    exact = support_room_is(mp, 0);
    support_release_lines(SUPPORT_FULL, 1);
    ck_assert(exact);
    free_all_memory(mp);
}

/* The specification's example; each object's bytes are checked, too. */
static void *threads_example(void *argument)
{
    struct threads_work *work = argument;
    unsigned char *at[OBJECTS];

    atomic_fetch_sub(work->waiting, 1);
    while (atomic_load(work->waiting) > 0) {
        sched_yield();
    }
    for (uint32_t i = 0; i < OBJECTS; i++) {
        at[i] = mp_allocate(work->mp, OBJECT_SIZE);
        if (at[i] != NULL) {
            support_fill(at[i], OBJECT_SIZE, work->id * 100 + i);
        } else {
            work->refused++;
            work->wrong += errno != ENOBUFS;
        }
    }
    for (uint32_t i = OBJECTS; i-- > 0;) {
        if (at[i] != NULL) {
            work->wrong += !is_mp_ptr(work->mp, at[i]);
            work->wrong +=
                !support_holds(at[i], OBJECT_SIZE, work->id * 100 + i);
            free_memory(work->mp, at[i]);
        }
    }
    return NULL;
}

static size_t threads_example_once(memory_pool_t *mp, uint32_t round)
{
    struct threads_work work[THREADS];
    atomic_uint waiting = THREADS;
    size_t refused = 0;

    for (uint32_t i = 0; i < THREADS; i++) {
        work[i] = (struct threads_work){
            .mp = mp, .id = round * THREADS + i, .waiting = &waiting};
    }
    threads_run(THREADS, threads_example, work, sizeof work[0]);
    threads_expect_right(work, THREADS);
    for (uint32_t i = 0; i < THREADS; i++) {
        refused += work[i].refused;
    }
    return refused;
}

/* The example often, in a pool of its own each time or in one; make check-long
 * has more rounds, here and below. */
static void threads_example_often(bool fresh)
{
    unsigned rounds = support_times(2000, 4);
    memory_pool_t *mp = init_memory_pool();

    for (unsigned round = 0; round < rounds;) {
        size_t refused = 0;
        support_capture();
        for (unsigned i = 0; i < 250 && round < rounds; i++, round++) {
            if (fresh) {
                destroy_memory_pool(mp);
                mp = init_memory_pool();
            }
            ck_assert_ptr_nonnull(mp);
            refused += threads_example_once(mp, round);
            refused++;
            ck_assert(support_room_is(mp, CAPACITY));
        }
        support_release_lines(SUPPORT_FULL, refused);
    }
    printf("%u rounds\n", rounds);
    threads_verify_empty(mp);
    destroy_memory_pool(mp);
}

START_TEST(the_four_thread_example_in_a_fresh_pool)
{
    threads_example_often(true);
}
END_TEST

START_TEST(the_four_thread_example_in_one_pool)
{
    threads_example_often(false);
}
END_TEST

/* Objects on their way from the thread that made them to another. */
#define SLOTS 8
static struct {
    pthread_mutex_t lock;
    struct support_object slots[SLOTS];
} threads_exchange = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct support_object threads_swap(size_t slot,
                                          struct support_object object)
{
    pthread_mutex_lock(&threads_exchange.lock);
    struct support_object old = threads_exchange.slots[slot];
    threads_exchange.slots[slot] = object;
    pthread_mutex_unlock(&threads_exchange.lock);
    return old;
}

static void threads_give_back(struct threads_work *work,
                              struct support_object object)
{
    if (object.at != NULL) {
        work->wrong += !support_holds(object.at, object.size, object.tag);
        work->wrong += !is_mp_ptr(work->mp, object.at);
        errno = SUPPORT_ERRNO;
        free_memory(work->mp, object.at);
        work->wrong += errno != SUPPORT_ERRNO;
    }
}

static void *threads_hand_over(void *argument)
{
    struct threads_work *work = argument;
    uint64_t random = work->id;

    for (unsigned i = 0; i < work->times; i++) {
        struct support_object object = {NULL, 0, 0};
        if (i % 4 != 3) { /* all slots in use at most once each: it fits */
            object.size = 1 + support_below(&random, CAPACITY / 16);
            object.tag = (uint32_t)support_random(&random);
            object.at = mp_allocate(work->mp, object.size);
            work->wrong += object.at == NULL;
            if (object.at != NULL) {
                support_fill(object.at, object.size, object.tag);
            }
        }
        threads_give_back(
            work, threads_swap(support_below(&random, SLOTS), object));
    }
    return NULL;
}

START_TEST(objects_are_freed_by_other_threads_in_any_order)
{
    uint64_t random = support_seed();
    memory_pool_t *mp = init_memory_pool();
    struct threads_work work[THREADS];

    ck_assert_ptr_nonnull(mp);
    for (uint32_t i = 0; i < THREADS; i++) {
        work[i] = (struct threads_work){
            .mp = mp,
            .id = (uint32_t)support_random(&random),
            .times = support_times(100000, 10)};
    }
    threads_run(THREADS, threads_hand_over, work, sizeof work[0]);
    threads_expect_right(work, THREADS);
    for (size_t i = 0; i < SLOTS; i++) {
        struct support_object none = {NULL, 0, 0};
        threads_give_back(&work[0], threads_swap(i, none));
    }
    ck_assert_uint_eq(work[0].wrong, 0);
    threads_verify_empty(mp);
    destroy_memory_pool(mp);
}
END_TEST

/* Allocates and frees until told to stop.  Objects are not written to: a
 * reset may give them to another thread meanwhile. */
static void *threads_hammer(void *argument)
{
    struct threads_work *work = argument;
    uint64_t random = work->id;
    void *at[8] = {NULL};

    while (!atomic_load(work->stop)) {
        size_t which = support_below(&random, 8);
        if (at[which] == NULL) {
            at[which] = mp_allocate(
                work->mp, 1 + support_below(&random, CAPACITY / 32));
            work->wrong += at[which] == NULL && errno != ENOBUFS;
        } else {
            free_memory(work->mp, at[which]);
            at[which] = NULL;
        }
    }
    return NULL;
}

START_TEST(a_reset_races_with_everything_and_the_pool_stays_whole)
{
    memory_pool_t *mp = init_memory_pool();
    unsigned rounds = support_times(8, 2);

    ck_assert_ptr_nonnull(mp);
    for (unsigned round = 0; round < rounds; round++) {
        struct threads_work work[THREADS];
        struct threads threads;
        atomic_bool stop = false;
        support_capture();
        for (uint32_t i = 0; i < THREADS; i++) {
            work[i] = (struct threads_work){
                .mp = mp, .id = round * THREADS + i, .stop = &stop};
        }
        threads_start(&threads, THREADS, threads_hammer, work, sizeof work[0]);
        for (int i = 0; i < 2000; i++) {
            free_all_memory(mp);
            if (i % 16 == 0) {
                sched_yield();
            }
        }
        atomic_store(&stop, true);
        threads_join(&threads);
        threads_expect_right(work, THREADS);
        support_release_messages();
        free_all_memory(mp);
        threads_verify_empty(mp);
    }
    destroy_memory_pool(mp);
}
END_TEST

/* One misuse of each kind; the number of kinds is THREADS_KINDS. */
#define THREADS_KINDS 8
static const char *const threads_lines[THREADS_KINDS] = {
    SUPPORT_ALLOCATE_NO_POOL, SUPPORT_SIZE,          SUPPORT_FULL,
    SUPPORT_NO_POOL,          SUPPORT_NO_POINTER,    SUPPORT_NOT_IN_POOL,
    SUPPORT_NO_POINTER,       SUPPORT_NO_POOL};

/* The pool is full but for a byte.  Returns what went wrong. */
static unsigned threads_misuse(memory_pool_t *mp, int kind)
{
    char local = 0;

    switch (kind) {
    case 0:
        return mp_allocate(NULL, 1) != NULL || errno != EINVAL;
    case 1:
        return mp_allocate(mp, 0) != NULL || errno != EINVAL;
    case 2:
        return mp_allocate(mp, 2) != NULL || errno != ENOBUFS;
    case 3:
        free_memory(NULL, &local);
        return errno != EINVAL;
    case 4:
        free_memory(mp, NULL);
        return errno != EINVAL;
    case 5:
        free_memory(mp, &local);
        return errno != EINVAL;
    case 6:
        return is_mp_ptr(mp, NULL) || errno != EINVAL;
    default:
        free_all_memory(NULL);
        return errno != EINVAL;
    }
}

static void *threads_misuse_all(void *argument)
{
    struct threads_work *work = argument;

    for (unsigned i = 0; i < work->times; i++) {
        for (int kind = 0; kind < THREADS_KINDS; kind++) {
            work->wrong += threads_misuse(work->mp, kind);
        }
    }
    return NULL;
}

START_TEST(lines_of_several_threads_never_mix)
{
    memory_pool_t *mp = init_memory_pool();
    struct threads_work work[2 * THREADS];
    unsigned times = support_times(1000, 5);

    ck_assert_ptr_nonnull(mp);
    ck_assert_ptr_nonnull(mp_allocate(mp, CAPACITY - 1));
    support_capture();
    for (size_t i = 0; i < 2 * THREADS; i++) {
        work[i] = (struct threads_work){.mp = mp, .times = times};
    }
    threads_run(2 * THREADS, threads_misuse_all, work, sizeof work[0]);
    threads_expect_right(work, 2 * THREADS);
    char *text = support_release();
    support_only_messages(text);
    for (int kind = 0; kind < THREADS_KINDS; kind++) {
        size_t per_round = 0;
        size_t all;
        for (int same = 0; same < THREADS_KINDS; same++) {
            per_round += threads_lines[same] == threads_lines[kind];
        }
        ck_assert_uint_eq(support_count(text, threads_lines[kind], &all),
                          per_round * times * 2 * THREADS);
    }
    free(text);
    destroy_memory_pool(mp);
}
END_TEST

static void *threads_wait(void *argument)
{
    while (!atomic_load((atomic_bool *)argument)) {
        sched_yield();
    }
    return NULL;
}

/* A second thread is there all the while, or locks might not be taken. */
START_TEST(every_misuse_leaves_the_pool_to_other_threads)
{
    memory_pool_t *mp = init_memory_pool();
    atomic_bool stop = false;
    pthread_t waiting = support_start(threads_wait, &stop);

    ck_assert_ptr_nonnull(mp);
    ck_assert_ptr_nonnull(mp_allocate(mp, CAPACITY - 1));
    for (int kind = 0; kind < THREADS_KINDS; kind++) {
        struct threads_work work = {.mp = mp, .times = 1};
        support_capture();
        ck_assert_uint_eq(threads_misuse(mp, kind), 0);
        support_join(support_start(threads_misuse_all, &work));
        support_release_messages();
        ck_assert_uint_eq(work.wrong, 0);
        void *at = mp_allocate(mp, 1);
        ck_assert_ptr_nonnull(at);
        free_memory(mp, at);
    }
    free_all_memory(mp);
    threads_verify_empty(mp);
    atomic_store(&stop, true);
    support_join(waiting);
    destroy_memory_pool(mp);
}
END_TEST

/* What the child does with the pool it got; 0 when all is well.  Its standard
 * error is the capture, whose refusals are the parent's to count. */
static int threads_in_child(void *argument)
{
    memory_pool_t *mp = argument;

    for (int i = 0; i < 2; i++) {
        free_all_memory(mp);
        if (!support_room_is(mp, CAPACITY)) {
            return 2;
        }
        void *one = mp_allocate(mp, 1);
        if (one == NULL || !is_mp_ptr(mp, one)) {
            return 3;
        }
        free_memory(mp, one);
        memory_pool_t *other = init_memory_pool();
        if (other == NULL || !support_room_is(other, CAPACITY)) {
            return 4;
        }
        destroy_memory_pool(other);
    }
    destroy_memory_pool(mp);
    return 0;
}

/* Makes and destroys pools: those locks must be free in a child as well. */
static void *threads_make_pools(void *argument)
{
    struct threads_work *work = argument;

    while (!atomic_load(work->stop)) {
        memory_pool_t *mp = init_memory_pool();
        work->wrong += mp == NULL;
        if (mp != NULL) {
            destroy_memory_pool(mp);
        }
    }
    return NULL;
}

static void *threads_hammer_or_make(void *argument)
{
    const struct threads_work *work = argument;

    return work->id == 0 ? threads_make_pools(argument)
                         : threads_hammer(argument);
}

START_TEST(a_child_can_use_what_other_threads_were_using)
{
    memory_pool_t *mp = init_memory_pool();
    unsigned rounds = support_times(300, 10);
    atomic_bool stop = false;
    struct threads_work work[THREADS];
    struct threads threads;

    ck_assert_ptr_nonnull(mp);
    support_capture();
    for (uint32_t i = 0; i < THREADS; i++) {
        work[i] = (struct threads_work){.mp = mp, .id = i, .stop = &stop};
    }
    threads_start(&threads, THREADS, threads_hammer_or_make, work,
                  sizeof work[0]);
    for (unsigned round = 0; round < rounds; round++) {
        support_fork(threads_in_child, mp);
    }
    atomic_store(&stop, true);
    threads_join(&threads);
    threads_expect_right(work, THREADS);
    support_release_messages();
    free_all_memory(mp);
    threads_verify_empty(mp);
    destroy_memory_pool(mp);
}
END_TEST

/* Misuse prints, and what prints may be a cancellation point. */
static void *threads_until_cancelled(void *argument)
{
    struct threads_work *work = argument;

    for (;;) {
        void *at = mp_allocate(work->mp, 2);
        free_memory(work->mp, at);
        free_memory(work->mp, work);
        free_memory(work->mp, at);
        if (mp_allocate(work->mp, 0) == NULL) {
            pthread_testcancel();
        }
    }
    return NULL;
}

START_TEST(a_cancelled_thread_leaves_the_pool_to_others)
{
    memory_pool_t *mp = init_memory_pool();
    unsigned rounds = support_can_cancel() ? support_times(200, 4) : 0;

    ck_assert_ptr_nonnull(mp);
    for (unsigned round = 0; round < rounds; round++) {
        struct threads_work work = {.mp = mp};
        void *result = NULL;
        support_capture();
        pthread_t thread = support_start(threads_until_cancelled, &work);
        for (unsigned i = 0; i < round % 20; i++) {
            sched_yield();
        }
        ck_assert_int_eq(pthread_cancel(thread), 0);
        ck_assert_int_eq(pthread_join(thread, &result), 0);
        ck_assert_ptr_eq(result, PTHREAD_CANCELED);
        support_release_messages();
        free_all_memory(mp);
    }
    threads_verify_empty(mp);
    destroy_memory_pool(mp);
}
END_TEST

static pthread_key_t threads_key;
static atomic_uint threads_destroyed;

/* A thread that is ending frees its object and makes another. */
static void threads_at_end(void *value)
{
    struct threads_work *work = value;
    void *at = mp_allocate(work->mp, 1);

    work->wrong += at == NULL || !is_mp_ptr(work->mp, at);
    free_memory(work->mp, at);
    atomic_fetch_add(&threads_destroyed, 1);
}

static void *threads_with_value(void *argument)
{
    struct threads_work *work = argument;
    void *at = mp_allocate(work->mp, 8);

    work->wrong += pthread_setspecific(threads_key, work) != 0;
    free_memory(work->mp, at);
    return NULL;
}

START_TEST(a_destructor_of_thread_data_can_use_the_pool)
{
    memory_pool_t *mp = init_memory_pool();
    struct threads_work work[THREADS];

    ck_assert_ptr_nonnull(mp);
    atomic_store(&threads_destroyed, 0);
    ck_assert_int_eq(pthread_key_create(&threads_key, threads_at_end), 0);
    for (size_t i = 0; i < THREADS; i++) {
        work[i] = (struct threads_work){.mp = mp};
    }
    threads_run(THREADS, threads_with_value, work, sizeof work[0]);
    threads_expect_right(work, THREADS);
    ck_assert_uint_eq(atomic_load(&threads_destroyed), THREADS);
    pthread_key_delete(threads_key);
    threads_verify_empty(mp);
    destroy_memory_pool(mp);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("threads");
    TCase *example = support_case(suite, "example");
    TCase *any = support_case(suite, "any thread");
    TCase *end = support_case(suite, "ends");

    tcase_add_test(example, the_four_thread_example_in_a_fresh_pool);
    tcase_add_test(example, the_four_thread_example_in_one_pool);
    tcase_add_test(any, objects_are_freed_by_other_threads_in_any_order);
    tcase_add_test(any,
                   a_reset_races_with_everything_and_the_pool_stays_whole);
    tcase_add_test(any, lines_of_several_threads_never_mix);
    tcase_add_test(any, every_misuse_leaves_the_pool_to_other_threads);
    tcase_add_test(end, a_child_can_use_what_other_threads_were_using);
    tcase_add_test(end, a_cancelled_thread_leaves_the_pool_to_others);
    tcase_add_test(end, a_destructor_of_thread_data_can_use_the_pool);
    return support_run(suite);
}
