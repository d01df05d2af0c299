/* SPDX-License-Identifier: MIT
 *
 * check_sweeps.c - what caches hold becomes free, while other threads work.
 *
 * Each pool here has so many free chunks in its caches that one portion of a
 * sweep does not reach, so that other threads come in between.  Whatever they
 * do then, objects keep their bytes, the numbers are exact afterwards, and the
 * caches are in use again.
 */
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pools.h"
#include "threads.h"

#include "pool/pool.h"

#define MIB ((size_t)1 << 20)
#define FREED 40000u /* chunks in caches, of this size: four portions */
#define SIZE 48u

static memory_pool_t *shared;
static void *freed[FREED];
static atomic_bool done;
static atomic_uint turns; /* of the thread that sweeps: odd while it does */

/* The kinds that have caches: in the range, counted to the byte, outside. */
enum { IN_RANGE, COUNTED, OUTSIDE, KINDS };

/* It looks through no pool: a reset may come before thousands of frees, each of
 * which is then reported. */
static void note(memory_pool_t *mp, mp_event_t event, const char *message,
                 const void *ptr, void *context)
{
    (void)context;
    pools_note_report(mp, event, message, ptr);
}

static memory_pool_t *make(int kind)
{
    mp_options_t options = {.name = "sweeps", .report = note};

    if (kind == COUNTED) {
        options.capacity = 256 * MIB;
    } else if (kind == OUTSIDE) {
        options.backing = &mp_backing_malloc;
    }
    memory_pool_t *mp = mp_create(&options);
    ck_assert_ptr_nonnull(mp);
    pools_forget_reports();
    atomic_store(&done, false);
    atomic_store(&turns, 0);
    return mp;
}

/* Fills caches and depot with free chunks; what is kept keeps their blocks. */
static size_t leave_free(memory_pool_t *mp, size_t kept)
{
    size_t failed = 0;

    for (size_t i = 0; i < FREED; i++) {
        freed[i] = mp_allocate(mp, SIZE);
        failed += freed[i] == NULL;
    }
    for (size_t i = 0; i < FREED; i++) {
        if (kept == 0 || i % kept != 0) {
            free_memory(mp, freed[i]);
            freed[i] = NULL;
        }
    }
    return failed;
}

static void free_kept(memory_pool_t *mp)
{
    for (size_t i = 0; i < FREED; i++) {
        if (freed[i] != NULL) {
            free_memory(mp, freed[i]);
        }
    }
}

static void sweep(memory_pool_t *mp)
{
    atomic_fetch_add(&turns, 1);
    mp_trim(mp, 0);
    atomic_fetch_add(&turns, 1);
}

/* A sweep has begun that the caller has not seen yet, or the test is over. */
static void await_sweep(unsigned *seen)
{
    unsigned turn;

    while (((turn = atomic_load(&turns)) == *seen || turn % 2 == 0) &&
           !atomic_load(&done)) {
        sched_yield();
    }
    *seen = turn;
}

/* Sweeps over and over, and ends when all is done. */
static void *sweep_on(void *unused)
{
    size_t failed = 0;

    (void)unused;
    while (!atomic_load(&done)) {
        failed += leave_free(shared, 8);
        sweep(shared);
        free_kept(shared);
    }
    return (void *)failed;
}

static mp_stats_t stats_of(memory_pool_t *mp)
{
    mp_stats_t stats;

    ck_assert_int_eq(mp_stats(mp, &stats), 0);
    return stats;
}

/* What is freed goes into caches again, as before a sweep. */
static void expect_caches(memory_pool_t *mp)
{
    if (pools_caches_exist()) {
        void *object = mp_allocate(mp, SIZE);
        ck_assert_ptr_nonnull(object);
        free_memory(mp, object);
        object = mp_allocate(mp, SIZE);
        size_t before = stats_of(mp).class_cached[(SIZE - 1) / 16];
        free_memory(mp, object);
        ck_assert_uint_eq(stats_of(mp).class_cached[(SIZE - 1) / 16],
                          before + 1);
    }
}

/* Objects of all lengths, whose bytes are looked at before they go. */
struct worker {
    uint64_t random;
    unsigned char *objects[64];
    size_t sizes[64];
    size_t done; /* allocations */
    size_t live;
};

static size_t step(struct worker *w, memory_pool_t *mp)
{
    size_t i = support_below(&w->random, 64);
    size_t wrong = 0;

    if (w->objects[i] != NULL) {
        wrong = !support_holds(w->objects[i], w->sizes[i], (uint32_t)i);
        free_memory(mp, w->objects[i]);
        w->live--;
    }
    w->sizes[i] = 1 + support_below(&w->random, i < 4 ? 9000 : 300);
    w->objects[i] = mp_allocate(mp, w->sizes[i]);
    if (w->objects[i] == NULL) {
        return wrong + 1;
    }
    support_fill(w->objects[i], w->sizes[i], (uint32_t)i);
    w->done++;
    w->live++;
    return wrong;
}

static void *work(void *worker)
{
    struct worker *w = worker;
    size_t wrong = 0;

    while (!atomic_load(&done)) {
        wrong += step(w, shared);
    }
    return (void *)wrong;
}

START_TEST(threads_work_beside_sweeps_and_the_numbers_are_exact)
{
    struct worker workers[2] = {{.random = support_seed()},
                                {.random = support_seed() + 1}};
    struct threads threads;
    size_t live = 0, allocated = 0;
    unsigned rounds = support_times(4, 2);

    shared = make(_i);
    threads_start(&threads, 2, work, workers, sizeof workers[0]);
    for (unsigned round = 0; round < rounds; round++) {
        ck_assert_uint_eq(leave_free(shared, 8), 0);
        sweep(shared);
        free_kept(shared);
    }
    atomic_store(&done, true);
    ck_assert_uint_eq(threads_join(&threads), 0);
    for (size_t i = 0; i < 2; i++) {
        live += workers[i].live;
        allocated += workers[i].done;
    }
    mp_stats_t stats = stats_of(shared);
    ck_assert_uint_eq(stats.live_objects, live);
    ck_assert_uint_eq(stats.allocations, allocated + rounds * FREED);
    ck_assert_uint_eq(stats.frees, stats.allocations - live);
    ck_assert_int_eq(mp_check(shared), 0);
    expect_caches(shared);
    ck_assert_uint_eq(pools_reported.count, 0);
    destroy_memory_pool(shared);
}
END_TEST

/* Several at once: each returns when all is swept that was free before it. */
static void *sweep_alone(void *unused)
{
    unsigned seen = 0;

    (void)unused;
    while (!atomic_load(&done)) {
        await_sweep(&seen);
        mp_trim(shared, 0);
    }
    return NULL;
}

START_TEST(sweeps_of_several_threads_end_each_other)
{
    struct threads threads;

    shared = make(_i);
    threads_start(&threads, 2, sweep_alone, NULL, 0);
    for (unsigned round = 0; round < support_times(4, 2); round++) {
        ck_assert_uint_eq(leave_free(shared, 8), 0);
        sweep(shared);
        ck_assert_uint_eq(stats_of(shared).cached_bytes, 0);
        free_kept(shared);
    }
    atomic_store(&done, true);
    threads_join(&threads);
    ck_assert_uint_eq(stats_of(shared).live_objects, 0);
    ck_assert_int_eq(mp_check(shared), 0);
    expect_caches(shared);
    destroy_memory_pool(shared);
}
END_TEST

START_TEST(a_pool_is_whole_at_each_moment_of_a_sweep)
{
    struct threads threads;
    unsigned seen = 0;

    shared = make(_i);
    threads_start(&threads, 1, sweep_on, NULL, 0);
    for (unsigned round = 0; round < support_times(8, 2); round++) {
        await_sweep(&seen);
        POOLS_EXPECT(mp_check(shared) == 0);
        mp_stats_t stats = stats_of(shared);
        POOLS_EXPECT(stats.live_objects <= FREED);
        POOLS_EXPECT(stats.allocations >= stats.frees);
    }
    atomic_store(&done, true);
    ck_assert_uint_eq(threads_join(&threads), 0);
    expect_caches(shared);
    destroy_memory_pool(shared);
}
END_TEST

/* Marks are opened, rewound and committed; what was committed is freed. */
START_TEST(marks_come_and_go_beside_a_sweep)
{
    struct worker worker = {.random = support_seed()};
    struct threads threads;
    size_t wrong = 0;
    unsigned seen = 0;

    shared = make(_i);
    threads_start(&threads, 1, sweep_on, NULL, 0);
    for (unsigned round = 0; round < support_times(8, 2); round++) {
        void *kept[200];
        await_sweep(&seen);
        mp_mark_t mark = mp_mark(shared);
        POOLS_EXPECT(!MP_MARK_FAILED(mark));
        for (size_t i = 0; i < 200; i++) {
            kept[i] = mp_allocate(shared, SIZE + i);
            POOLS_EXPECT(kept[i] != NULL);
            support_fill(kept[i], SIZE + i, (uint32_t)i);
            if (i % 3 == 0) {
                free_memory(shared, kept[i]);
            }
        }
        if (round % 2 == 0) {
            POOLS_EXPECT(mp_rewind(shared, mark) == 0);
        } else {
            POOLS_EXPECT(mp_commit(shared, mark) == 0);
            for (size_t i = 0; i < 200; i++) {
                if (i % 3 != 0) {
                    wrong += !support_holds(kept[i], SIZE + i, (uint32_t)i);
                    free_memory(shared, kept[i]);
                }
            }
        }
        for (unsigned i = 0; i < 50; i++) {
            wrong += step(&worker, shared);
        }
    }
    atomic_store(&done, true);
    ck_assert_uint_eq(threads_join(&threads), 0);
    ck_assert_uint_eq(wrong, 0);
    ck_assert_uint_eq(stats_of(shared).live_objects, worker.live);
    ck_assert_int_eq(mp_check(shared), 0);
    ck_assert_uint_eq(pools_reported.count, 0);
    destroy_memory_pool(shared);
}
END_TEST

/* Sweeps what it left free, and looks at none of its objects: a reset may have
 * come. */
static void *sweep_without_objects(void *unused)
{
    size_t failed = 0;

    (void)unused;
    while (!atomic_load(&done)) {
        failed += leave_free(shared, 0);
        sweep(shared);
    }
    return (void *)failed;
}

/* As above, but frees come before the reset or are refused: what is freed may
 * be of the next life. */
START_TEST(a_reset_ends_a_sweep)
{
    struct threads threads;
    unsigned seen = 0;

    shared = make(_i);
    threads_start(&threads, 1, sweep_without_objects, NULL, 0);
    for (unsigned round = 0; round < support_times(8, 2); round++) {
        await_sweep(&seen);
        free_all_memory(shared);
        POOLS_EXPECT(mp_check(shared) == 0);
    }
    atomic_store(&done, true);
    ck_assert_uint_eq(threads_join(&threads), 0);
    free_all_memory(shared);
    ck_assert_uint_eq(stats_of(shared).live_objects, 0);
    ck_assert_uint_eq(stats_of(shared).cached_bytes, 0);
    ck_assert_int_eq(mp_check(shared), 0);
    expect_caches(shared);
    destroy_memory_pool(shared);
}
END_TEST

#define BUFFER (9 * MIB / 4) /* of which the chunks take all but a tenth */
#define LONG (3 * MIB / 4)   /* room for this is where the last are */

static _Alignas(16) unsigned char buffer[BUFFER];

static void *do_nothing(void *unused)
{
    return unused;
}

/* The object has room only where the last portion joins chunks.  A move has
 * begun the sweep, and the call that asks for an alignment does not go on with
 * it before it needs memory. */
START_TEST(no_memory_is_said_only_after_a_whole_sweep)
{
    mp_backing_t backing = mp_backing_buffer(buffer, sizeof buffer);
    mp_options_t options = {.name = "buffer", .backing = &backing};
    mp_options_t limit = {.name = "above", .capacity = 256 * MIB};
    memory_pool_t *mp = mp_create(&options);
    memory_pool_t *above = mp_create(&limit);

    ck_assert_ptr_nonnull(mp);
    ck_assert_ptr_nonnull(above);
    /* In a process with one thread there may be no caches. */
    threads_run(1, do_nothing, NULL, 0);
    ck_assert_uint_eq(leave_free(mp, 8), 0);
    for (size_t i = FREED / 2; i < FREED; i++) {
        if (freed[i] != NULL) {
            free_memory(mp, freed[i]);
            freed[i] = NULL;
        }
    }
    ck_assert_int_eq(mp_set_parent(mp, above), 0);
    ck_assert_ptr_nonnull(mp_aligned_alloc(mp, 32, LONG));
    ck_assert_int_eq(mp_check(mp), 0);
    destroy_memory_pool(mp);
    destroy_memory_pool(above);
}
END_TEST

static memory_pool_t *make_below(memory_pool_t *parent)
{
    memory_pool_t *mp =
        mp_create(&(mp_options_t){.name = "below", .parent = parent});

    ck_assert_ptr_nonnull(mp);
    return mp;
}

/* Refused is the pool that has the capacity, one below it, and another one
 * below it than the one that has something. */
START_TEST(a_refusal_leaves_nothing_in_caches)
{
    mp_options_t options = {.name = "full", .capacity = 64 * MIB};
    memory_pool_t *top = mp_create(&options);

    ck_assert_ptr_nonnull(top);
    memory_pool_t *mp = _i == 0 ? top : make_below(top);
    memory_pool_t *other = _i < 2 ? mp : make_below(top);
    ck_assert_uint_eq(leave_free(mp, 8), 0);
    ck_assert(!pools_caches_exist() || stats_of(mp).cached_bytes > MIB);
    ck_assert_ptr_null(mp_allocate(other, 64 * MIB));
    ck_assert_int_eq(errno, ENOBUFS);
    ck_assert_uint_eq(stats_of(mp).cached_bytes, 0);
    ck_assert_int_eq(mp_check(mp), 0);
    free_kept(mp);
    expect_caches(mp);
    destroy_memory_pool(top);
}
END_TEST

/* The move begins a sweep, and cannot wait for its end. */
START_TEST(a_pool_that_was_moved_goes_on_with_the_sweep)
{
    mp_options_t options = {.name = "above", .capacity = 256 * MIB};
    memory_pool_t *above = mp_create(&options);
    memory_pool_t *mp = make(COUNTED);

    ck_assert_ptr_nonnull(above);
    ck_assert_uint_eq(leave_free(mp, 8), 0);
    ck_assert_int_eq(mp_set_parent(mp, above), 0);
    ck_assert_int_eq(mp_check(above), 0);
    free_kept(mp);
    expect_caches(mp);
    ck_assert_int_eq(mp_check(mp), 0);
    destroy_memory_pool(above);
}
END_TEST

/* In the child nobody goes on with the sweep. */
START_TEST(a_fork_beside_a_sweep_leaves_the_child_its_caches)
{
    struct threads threads;
    unsigned seen = 0;
    int status;

    shared = make(_i);
    threads_start(&threads, 1, sweep_on, NULL, 0);
    for (unsigned round = 0; round < support_times(8, 2); round++) {
        await_sweep(&seen);
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
            void *object = mp_allocate(shared, SIZE);
            bool cached = pools_cached(shared);
            free_memory(shared, object);
            object = mp_allocate(shared, SIZE);
            mp_stats_t before = {0}, after = {0};
            bool looked = mp_stats(shared, &before) == 0;
            free_memory(shared, object);
            looked = looked && mp_stats(shared, &after) == 0;
            size_t class = (SIZE - 1) / 16;
            bool right = looked && object != NULL &&
                         (!cached || after.class_cached[class] ==
                                         before.class_cached[class] + 1) &&
                         mp_check(shared) == 0;
            _exit(right ? EXIT_SUCCESS : EXIT_FAILURE);
        }
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_int_eq(status, 0);
    }
    atomic_store(&done, true);
    ck_assert_uint_eq(threads_join(&threads), 0);
    ck_assert_int_eq(mp_check(shared), 0);
    destroy_memory_pool(shared);
}
END_TEST

/* Allocates, and frees nothing, until the heap grows. */
static void grow(memory_pool_t *mp)
{
    size_t size = mp->heap.size;

    while (mp->heap.size == size) {
        ck_assert_ptr_nonnull(mp_allocate(mp, 30000));
    }
}

/* A look stops all threads that run, and finds nothing where a program keeps
 * what it allocates. */
START_TEST(looks_in_vain_get_rarer_until_one_is_not)
{
    memory_pool_t *mp = make(IN_RANGE);

    free_memory(mp, mp_allocate(mp, SIZE));
    while (mp->heap.size < MIB / 32) {
        grow(mp);
    }
    ck_assert_uint_ge(mp->gather_size, mp->heap.size / 2);
    /* As if it had been a little shorter at the last look. */
    size_t looked = mp->heap.size - mp->heap.size / 16;
    mp->gather_size = looked;
    grow(mp);
    ck_assert_uint_eq(mp->gather_size, looked);
    for (unsigned i = 0; i < 8000; i++) {
        freed[i] = mp_allocate(mp, SIZE);
    }
    for (unsigned i = 0; i < 8000; i++) {
        free_memory(mp, freed[i]);
    }
    ck_assert_uint_gt(mp->gather_vain, 0);
    while (mp->gather_vain > 0) {
        ck_assert_uint_lt(mp->heap.size, 8 * MIB / 16);
        ck_assert_ptr_nonnull(mp_allocate(mp, 30000));
    }
    destroy_memory_pool(mp);
}
END_TEST

static struct threads_barrier met;

/* Has a cache until the others are done. */
static void *have_cache(void *mp)
{
    free_memory(mp, mp_allocate(mp, SIZE));
    threads_barrier_wait(&met);
    threads_barrier_wait(&met);
    return NULL;
}

/* What is less than 64 KiB is swept for one thread's pool, which stops nobody,
 * and not beside others. */
START_TEST(little_is_not_swept_beside_other_threads)
{
    memory_pool_t *mp = make(IN_RANGE);
    pthread_t other = pthread_self();

    threads_barrier_start(&met, 2);
    if (_i == 1) {
        other = threads_start_one(have_cache, mp);
        threads_barrier_wait(&met);
    }
    for (unsigned i = 0; i < 400; i++) {
        freed[i] = mp_allocate(mp, SIZE);
    }
    for (unsigned i = 0; i < 400; i++) {
        free_memory(mp, freed[i]);
    }
    while (mp->heap.size < MIB / 32) {
        grow(mp);
    }
    if (_i == 1) {
        ck_assert_uint_eq(mp->caches.sweeps, 0);
        threads_barrier_wait(&met);
        threads_join_one(other);
    } else {
        ck_assert_uint_gt(mp->caches.sweeps, 0);
    }
    threads_barrier_end(&met);
    destroy_memory_pool(mp);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sweeps");
    TCase *tcase = support_case(suite, "sweeps");

    tcase_add_loop_test(
        tcase, threads_work_beside_sweeps_and_the_numbers_are_exact, 0,
        KINDS);
    tcase_add_loop_test(tcase, sweeps_of_several_threads_end_each_other, 0,
                        KINDS);
    tcase_add_loop_test(tcase, a_pool_is_whole_at_each_moment_of_a_sweep, 0,
                        KINDS);
    tcase_add_loop_test(tcase, marks_come_and_go_beside_a_sweep, 0, KINDS);
    tcase_add_loop_test(tcase, a_reset_ends_a_sweep, 0, KINDS);
    tcase_add_test(tcase, no_memory_is_said_only_after_a_whole_sweep);
    tcase_add_loop_test(tcase, a_refusal_leaves_nothing_in_caches, 0, 3);
    tcase_add_test(tcase, a_pool_that_was_moved_goes_on_with_the_sweep);
    tcase_add_loop_test(tcase,
                        a_fork_beside_a_sweep_leaves_the_child_its_caches, 0,
                        KINDS);
    tcase_add_test(tcase, looks_in_vain_get_rarer_until_one_is_not);
    tcase_add_loop_test(tcase, little_is_not_swept_beside_other_threads, 0, 2);
    return support_run(suite);
}
