/* SPDX-License-Identifier: MIT
 *
 * check_outside.c - threads have caches in pools outside of the range, too.
 *
 * Pools with a backing and in a buffer: several threads at once, objects freed
 * by others, blocks that go back while other threads' caches know them, a
 * backing that refuses, and a buffer that is full.
 */
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "inject.h"
#include "pools.h"
#include "threads.h"

#define OUTSIDE_THREADS 4
#define OUTSIDE_SLOTS 300
#define OUTSIDE_LONGEST 3000

/* Objects that any thread may take and free; the first bytes tell the size. */
static void *_Atomic outside_slots[OUTSIDE_SLOTS];

struct outside {
    memory_pool_t *mp;
    mp_handle_t *handle; /* NULL: the thread's own cache */
    uint64_t random;
    unsigned steps;
};

/* A backing of pages that are gone when they are given back, and that refuses
 * now and then. */
struct outside_source {
    atomic_uint calls;
    unsigned refuses; /* one call in so many; 0: none */
};

static void *outside_acquire(void *context, size_t size, size_t alignment)
{
    struct outside_source *source = context;
    unsigned call = atomic_fetch_add(&source->calls, 1);

    return source->refuses != 0 && call > 3 && call % source->refuses != 0
               ? NULL
               : mp_backing_mmap.acquire(NULL, size, alignment);
}

static void outside_release(void *context, void *block, size_t size)
{
    (void)context;
    mp_backing_mmap.release(NULL, block, size);
}

static struct outside_source outside_source;
static _Alignas(16) unsigned char outside_buffer[1 << 18];

/* The kinds: buffer; pages; the same with refusals; for each with zeroing. */
#define OUTSIDE_KINDS 6

static memory_pool_t *outside_make(int kind)
{
    mp_options_t options = {.flags = kind >= 3 ? MP_ZERO_ON_FREE : 0};
    mp_backing_t backing = {outside_acquire, outside_release,
                            &outside_source};

    if (kind % 3 == 0) {
        backing = mp_backing_buffer(outside_buffer, sizeof outside_buffer);
    }
    atomic_store(&outside_source.calls, 0);
    outside_source.refuses = kind % 3 == 2 ? 3 : 0;
    options.backing = &backing;
    memory_pool_t *mp = mp_create(&options);
    POOLS_EXPECT(mp != NULL);
    return mp;
}

/* 1: the object does not hold what was written. */
static size_t outside_free(const struct outside *worker, unsigned char *object)
{
    uint32_t size;
    size_t wrong;

    if (object == NULL) {
        return 0;
    }
    memcpy(&size, object, sizeof size);
    wrong = !support_holds(object + sizeof size, size - sizeof size, size);
    if (worker->handle != NULL) {
        mp_handle_free(worker->handle, object);
    } else {
        free_memory(worker->mp, object);
    }
    return wrong;
}

static unsigned char *outside_take(struct outside *worker, uint32_t size)
{
    unsigned char *object =
        worker->handle != NULL ? mp_handle_allocate(worker->handle, size)
        : size % 4 == 0        ? mp_calloc(worker->mp, 1, size)
                               : mp_allocate(worker->mp, size);

    if (object != NULL) {
        memcpy(object, &size, sizeof size);
        support_fill(object + sizeof size, size - sizeof size, size);
    }
    return object;
}

static void *outside_work(void *argument)
{
    struct outside *worker = argument;
    size_t wrong = 0;

    for (unsigned n = worker->steps; n > 0; n--) {
        size_t slot = support_below(&worker->random, OUTSIDE_SLOTS);
        uint32_t size = 8 + (uint32_t)support_below(
                                &worker->random,
                                n % 8 == 0 ? OUTSIDE_LONGEST : 200);
        unsigned char *object = outside_take(worker, size);
        if (object != NULL && worker->handle == NULL && n % 5 == 0) {
            unsigned char *other = mp_realloc(worker->mp, object, size + 40);
            object = other != NULL ? other : object;
        }
        wrong += outside_free(
            worker, atomic_exchange(&outside_slots[slot], object));
    }
    return (void *)wrong;
}

static void outside_empty(memory_pool_t *mp)
{
    struct outside worker = {.mp = mp};
    mp_stats_t stats;

    for (size_t i = 0; i < OUTSIDE_SLOTS; i++) {
        POOLS_EXPECT(outside_free(&worker, atomic_exchange(&outside_slots[i],
                                                           NULL)) == 0);
    }
    POOLS_EXPECT(mp_check(mp) == 0 && mp_stats(mp, &stats) == 0);
    ck_assert_uint_eq(stats.live_objects, 0);
    ck_assert_uint_eq(stats.live_bytes, 0);
    ck_assert_uint_eq(stats.allocations, stats.frees);
}

/* Others start them, and do something beside them. */
static void outside_start(struct threads *threads, struct outside *workers,
                          memory_pool_t *mp, unsigned steps)
{
    for (unsigned i = 0; i < OUTSIDE_THREADS; i++) {
        workers[i] = (struct outside){
            .mp = mp, .random = support_seed() + i, .steps = steps};
        if (i == 1) {
            workers[i].handle = mp_attach(mp);
            POOLS_EXPECT(workers[i].handle != NULL);
        }
    }
    threads_start(threads, OUTSIDE_THREADS, outside_work, workers,
                  sizeof *workers);
}

START_TEST(threads_free_what_others_allocate_while_blocks_go)
{
    struct outside workers[OUTSIDE_THREADS];
    struct threads threads;
    memory_pool_t *mp = outside_make(_i);

    outside_start(&threads, workers, mp, support_times(15000, 10));
    for (unsigned n = support_times(200, 10); n > 0; n--) {
        mp_trim(mp, 0);
        POOLS_EXPECT(mp_check(mp) == 0);
    }
    POOLS_EXPECT(threads_join(&threads) == 0);
    outside_empty(mp);
    free_all_memory(mp);
    POOLS_EXPECT(mp_check(mp) == 0);
    destroy_memory_pool(mp);
}
END_TEST

static atomic_bool outside_ends;

static void *outside_allocate(void *argument)
{
    memory_pool_t *mp = argument;
    uint64_t random = support_seed();

    while (!atomic_load(&outside_ends)) {
        if (mp_allocate(mp, 1 + support_below(&random, OUTSIDE_LONGEST)) ==
            NULL) {
            sched_yield();
        }
    }
    return NULL;
}

START_TEST(a_reset_beside_allocations_leaves_the_pool_whole)
{
    struct threads threads;
    memory_pool_t *mp = outside_make(_i);

    atomic_store(&outside_ends, false);
    threads_start(&threads, OUTSIDE_THREADS, outside_allocate, mp, 0);
    for (unsigned n = support_times(200, 10); n > 0; n--) {
        free_all_memory(mp);
        POOLS_EXPECT(mp_check(mp) == 0);
    }
    atomic_store(&outside_ends, true);
    POOLS_EXPECT(threads_join(&threads) == 0);
    free_all_memory(mp);
    outside_empty(mp);
    destroy_memory_pool(mp);
}
END_TEST

#define OUTSIDE_OBJECTS 50 /* of 1000 bytes: what a stock keeps */
#define OUTSIDE_GIVEN 20

/* A thread that does something, waits, and does something else. */
struct outside_turn {
    struct threads_barrier barrier;
    memory_pool_t *mp;
    void *objects[OUTSIDE_OBJECTS];
    void *given[OUTSIDE_GIVEN]; /* to be freed in the second turn, or NULL */
};

/* Its cache knows all blocks afterwards, since it freed an object of each, and
 * its lists have nothing, since the trim takes that. */
static void *outside_take_turns(void *argument)
{
    struct outside_turn *turn = argument;

    for (size_t i = 0; i < OUTSIDE_OBJECTS; i++) {
        free_memory(turn->mp, turn->objects[i]);
    }
    threads_barrier_wait(&turn->barrier);
    threads_barrier_wait(&turn->barrier);
    for (size_t i = 0; i < OUTSIDE_GIVEN; i++) {
        mp_free(turn->mp, turn->given[i]);
    }
    threads_barrier_wait(&turn->barrier);
    threads_barrier_wait(&turn->barrier);
    for (size_t i = 0; i < OUTSIDE_OBJECTS; i++) {
        turn->objects[i] = mp_allocate(turn->mp, 1000);
    }
    return NULL;
}

static pthread_t outside_turn_start(struct outside_turn *turn)
{
    memset(turn->given, 0, sizeof turn->given);
    turn->mp = outside_make(1);
    threads_barrier_start(&turn->barrier, 2);
    for (size_t i = 0; i < OUTSIDE_OBJECTS; i++) {
        turn->objects[i] = mp_allocate(turn->mp, 1000);
        POOLS_EXPECT(turn->objects[i] != NULL);
    }
    pthread_t thread = threads_start_one(outside_take_turns, turn);
    threads_barrier_wait(&turn->barrier);
    return thread;
}

static void outside_turn_end(struct outside_turn *turn, pthread_t thread)
{
    threads_barrier_wait(&turn->barrier);
    threads_join_one(thread);
    threads_barrier_end(&turn->barrier);
    POOLS_EXPECT(mp_check(turn->mp) == 0);
    destroy_memory_pool(turn->mp);
}

/* The memory of the block, and of its map, is the program's no more. */
START_TEST(a_free_in_a_block_that_is_gone_reads_nothing)
{
    struct outside_turn turn;
    pthread_t thread = outside_turn_start(&turn);
    mp_stats_t stats;

    turn.given[0] = turn.objects[OUTSIDE_OBJECTS / 2];
    if (_i == 0) {
        ck_assert_uint_gt(mp_trim(turn.mp, 0), 0);
    } else {
        free_all_memory(turn.mp);
    }
    threads_barrier_wait(&turn.barrier);
    threads_barrier_wait(&turn.barrier);
    POOLS_EXPECT(mp_stats(turn.mp, &stats) == 0 && stats.live_objects == 0);
    ck_assert_uint_eq(stats.frees, OUTSIDE_OBJECTS);
    outside_turn_end(&turn, thread);
}
END_TEST

/* A block that another thread's cache knows is empty, and becomes a mark's.
 * What that thread frees there goes with the mark, too. */
START_TEST(what_another_thread_frees_of_a_mark_goes_with_the_mark)
{
    struct outside_turn turn;
    pthread_t thread = outside_turn_start(&turn);
    mp_stats_t stats;

    /* What lists have goes, and nearly all blocks stay, empty. */
    POOLS_EXPECT(mp_stats(turn.mp, &stats) == 0);
    mp_trim(turn.mp, stats.backing_bytes - 1);
    mp_mark_t mark = mp_mark(turn.mp);
    for (size_t i = 0; i < OUTSIDE_GIVEN; i++) {
        turn.given[i] = mp_allocate(turn.mp, 1000);
        POOLS_EXPECT(turn.given[i] != NULL);
    }
    threads_barrier_wait(&turn.barrier);
    threads_barrier_wait(&turn.barrier);
    POOLS_EXPECT(mp_check(turn.mp) == 0);
    POOLS_EXPECT(mp_rewind(turn.mp, mark) == 0);
    POOLS_EXPECT(mp_check(turn.mp) == 0);
    outside_turn_end(&turn, thread);
}
END_TEST

/* Has chunks in its cache as it waits. */
static void *outside_hoard(void *argument)
{
    struct outside_turn *turn = argument;

    for (size_t i = 0; i < OUTSIDE_OBJECTS; i++) {
        turn->objects[i] = mp_allocate(turn->mp, 16 + i % 10 * 16);
    }
    for (size_t i = 0; i < OUTSIDE_OBJECTS; i++) {
        mp_free(turn->mp, turn->objects[i]);
    }
    threads_barrier_wait(&turn->barrier);
    threads_barrier_wait(&turn->barrier);
    return NULL;
}

static void *outside_from_pool(void *context, size_t size, size_t alignment)
{
    (void)alignment; /* an object is aligned to 16 bytes */
    return mp_allocate(context, size);
}

static void outside_to_pool(void *context, void *block, size_t size)
{
    (void)size;
    mp_free(context, block);
}

/* Objects of all lengths, a mark, a reset and the end. */
static void outside_use_and_end(memory_pool_t *mp)
{
    struct outside worker = {.mp = mp, .random = 7};
    unsigned char *objects[200];

    for (size_t i = 0; i < 200; i++) {
        objects[i] = outside_take(&worker, 8 + (uint32_t)i * 13 % 900);
    }
    mp_mark_t mark = mp_mark(mp);
    outside_take(&worker, 3000);
    ck_assert_int_eq(mp_rewind(mp, mark), 0);
    for (size_t i = 0; i < 200; i++) {
        ck_assert_ptr_nonnull(objects[i]);
        ck_assert_uint_eq(outside_free(&worker, objects[i]), 0);
    }
    ck_assert_int_eq(mp_check(mp), 0);
    mp_trim(mp, 0);
    ck_assert_ptr_nonnull(mp_allocate(mp, 100000));
    mp_reset(mp);
    mp_destroy(mp);
}

/* That pool's memory lies in the range, and its names are another pool's. */
START_TEST(a_pool_takes_its_memory_from_another_pool)
{
    memory_pool_t *around = mp_create(NULL);
    mp_backing_t backing = {outside_from_pool, outside_to_pool, around};
    mp_options_t options = {.backing = &backing};
    unsigned char *beside = mp_allocate(around, 1000);
    unsigned char *buffer = mp_allocate(around, 1 << 18);

    ck_assert_ptr_nonnull(beside);
    support_fill(beside, 1000, 1);
    outside_use_and_end(mp_create(&options));
    backing = mp_backing_buffer(buffer, 1 << 18);
    outside_use_and_end(mp_create(&options));
    ck_assert(mp_owner(beside) == around && mp_owner(buffer) == around);
    ck_assert(support_holds(beside, 1000, 1));
    mp_free(around, beside);
    mp_free(around, buffer);
    ck_assert_int_eq(mp_check(around), 0);
    mp_stats_t stats;
    ck_assert_int_eq(mp_stats(around, &stats), 0);
    ck_assert_uint_eq(stats.live_objects, 0);
    mp_destroy(around);
}
END_TEST

/* What other threads' caches have is gathered before a pool says that it has no
 * memory; and a pool that is short of it works on. */
START_TEST(a_buffer_is_used_to_its_last_block)
{
    static const size_t sizes[] = {2048, 5000, 30000, sizeof outside_buffer};
    mp_backing_t backing = mp_backing_buffer(outside_buffer, sizes[_i]);
    mp_options_t options = {.backing = &backing,
                            .threads = MP_THREADS_LOCKED};
    memory_pool_t *mp = mp_create(&options);
    POOLS_EXPECT(mp != NULL);
    size_t most = pools_fill(mp, 100);
    destroy_memory_pool(mp);

    struct outside_turn turn;
    mp_stats_t stats;
    options.threads = MP_THREADS_CACHED;
    turn.mp = mp_create(&options);
    POOLS_EXPECT(turn.mp != NULL);
    /* In a process that never had another thread, too. */
    ck_assert_uint_eq(pools_fill(turn.mp, 100), most);
    free_all_memory(turn.mp);
    threads_barrier_start(&turn.barrier, 2);
    pthread_t thread = threads_start_one(outside_hoard, &turn);
    threads_barrier_wait(&turn.barrier);
    for (unsigned n = 0; n < 3; n++) {
        /* Between two caches' runs up to six granules stay free. */
        ck_assert_uint_ge(pools_fill(turn.mp, 100), most - most / 100);
        POOLS_EXPECT(mp_stats(turn.mp, &stats) == 0);
        ck_assert_uint_lt(stats.largest_free, 100);
        ck_assert_uint_eq(stats.cached_bytes, 0);
        POOLS_EXPECT(mp_check(turn.mp) == 0);
        free_all_memory(turn.mp);
    }
    threads_barrier_wait(&turn.barrier);
    threads_join_one(thread);
    threads_barrier_end(&turn.barrier);
    destroy_memory_pool(turn.mp);
}
END_TEST

static int outside_child(void *argument)
{
    memory_pool_t *mp = argument;

    for (size_t i = 0; i < OUTSIDE_SLOTS; i++) {
        free_memory(mp, atomic_exchange(&outside_slots[i], NULL));
        if (mp_allocate(mp, 100) == NULL) {
            return 1;
        }
    }
    free_all_memory(mp);
    if (mp_check(mp) != 0) {
        return 2;
    }
    destroy_memory_pool(mp);
    return 0;
}

START_TEST(the_child_of_a_fork_uses_a_pool_with_a_backing)
{
    struct outside workers[OUTSIDE_THREADS];
    struct threads threads;
    memory_pool_t *mp = outside_make(1);

    outside_start(&threads, workers, mp, support_times(15000, 10));
    for (unsigned n = support_times(10, 3); n > 0; n--) {
        support_fork(outside_child, mp);
    }
    POOLS_EXPECT(threads_join(&threads) == 0);
    outside_empty(mp);
    destroy_memory_pool(mp);
}
END_TEST

/* A thread for which there is no memory works under the lock, with marks. */
static void *outside_without_memory(void *argument)
{
    memory_pool_t *mp = argument;
    size_t wrong = 0;

    inject_refuse(INJECT_ALIGNED_ALLOC, 1000);
    void *object = mp_allocate(mp, 100);
    wrong += object == NULL;
    mp_free(mp, object);
    mp_mark_t mark = mp_mark(mp);
    object = mp_allocate(mp, 100);
    wrong += mark.number == 0 || object == NULL;
    wrong += mp_rewind(mp, mark) != 0 || mp_locate(mp, object) == MP_LIVE;
    wrong += inject_refusals_left(INJECT_ALIGNED_ALLOC) == 1000;
    inject_refuse(INJECT_ALIGNED_ALLOC, 0);
    return (void *)wrong;
}

START_TEST(a_pool_works_without_memory_for_caches)
{
    const char *why;
    memory_pool_t *mp = outside_make(_i);

    ck_assert_int_eq(mp_kind(mp, NULL), MP_KIND_COUNTED);
    ck_assert_uint_eq(threads_run(1, outside_without_memory, mp, 0), 0);
    /* A mark needs to be known to every cache. */
    ck_assert_int_eq(mp_kind(mp, &why), MP_KIND_LOCKED);
    ck_assert_ptr_nonnull(strstr(why, "no memory for a cache"));
    POOLS_EXPECT(mp_check(mp) == 0);
    outside_empty(mp);
    destroy_memory_pool(mp);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("outside");
    TCase *threads = support_case(suite, "threads");
    TCase *single = support_case(suite, "single");

    tcase_add_loop_test(threads,
                        threads_free_what_others_allocate_while_blocks_go, 0,
                        OUTSIDE_KINDS);
    tcase_add_loop_test(threads,
                        a_reset_beside_allocations_leaves_the_pool_whole, 0,
                        3);
    tcase_add_test(threads, the_child_of_a_fork_uses_a_pool_with_a_backing);
    tcase_add_loop_test(single, a_free_in_a_block_that_is_gone_reads_nothing,
                        0, 2);
    tcase_add_test(single,
                   what_another_thread_frees_of_a_mark_goes_with_the_mark);
    tcase_add_test(single, a_pool_takes_its_memory_from_another_pool);
    tcase_add_loop_test(single, a_buffer_is_used_to_its_last_block, 0, 4);
    tcase_add_loop_test(single, a_pool_works_without_memory_for_caches, 0, 2);
    return support_run(suite);
}
