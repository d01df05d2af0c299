/* SPDX-License-Identifier: MIT
 *
 * check_range.c - when all addresses that pools with caches have are in use.
 *
 * The range is held where it is, so that it cannot grow, and small pools take
 * what of it is free.  From then on new pools lock, and pools that have caches
 * give them up as soon as they grow, under threads and handles that use them.
 * All is left out where there is no such range.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cache/thread.h"
#include "pools.h"
#include "sanitizer.h"
#include "store/extent.h"
#include "threads.h"

#define SMALL_MOST 4000
#define OBJECTS 20000 /* at most */
#define OBJECTS_LEAST 1000 /* fewer would fit into what a pool has */
#define LONG ((size_t)300 << 10)
#define THREADS 3

static size_t range_limit; /* the range's own */
static memory_pool_t *filler; /* has the long objects */
static memory_pool_t *smalls[SMALL_MOST];
static unsigned small_count;
static unsigned objects; /* of each worker: enough to make a pool grow */

/* More long objects than the range has room for: the rest is malloc()'s.  No
 * other thread calls the library meanwhile, so the limit may be changed. */
static void fill_range(void)
{
    range_limit = extent.limit;
    extent.limit = extent_bytes();
    filler = mp_create(NULL);
    POOLS_EXPECT(filler != NULL);
    for (size_t bytes = 0; bytes <= extent.limit; bytes += LONG) {
        POOLS_EXPECT(mp_allocate(filler, LONG) != NULL);
    }
    for (small_count = 0; small_count < SMALL_MOST; small_count++) {
        memory_pool_t *mp = mp_create(NULL);
        POOLS_EXPECT(mp != NULL);
        smalls[small_count] = mp;
        if (!pools_cached(mp)) {
            small_count++;
            return;
        }
        /* No span of 64 KiB may be left either. */
        for (unsigned n = 0; n < 100; n++) {
            POOLS_EXPECT(mp_allocate(mp, 1000) != NULL);
        }
    }
    ck_abort_msg("the range does not get full");
}

static void empty_range(void)
{
    while (small_count > 0) {
        POOLS_EXPECT(mp_check(smalls[small_count - 1]) == 0);
        destroy_memory_pool(smalls[--small_count]);
    }
    destroy_memory_pool(filler);
    extent.limit = range_limit;
}

/* What one thread, or one handle, has in the pool. */
struct worker {
    memory_pool_t *mp;
    mp_handle_t *handle;
    uint64_t random;
    struct threads_barrier *barrier; /* NULL: the main thread */
    unsigned char *at[OBJECTS];
    size_t size[OBJECTS];
};

static void add(struct worker *worker, unsigned i)
{
    size_t size = 1 + support_below(&worker->random, 300);

    worker->size[i] = size;
    worker->at[i] = worker->handle != NULL
                        ? mp_handle_allocate(worker->handle, size)
                        : mp_allocate(worker->mp, size);
    POOLS_EXPECT(worker->at[i] != NULL);
    support_fill(worker->at[i], size, i);
}

static void drop(struct worker *worker, unsigned i)
{
    POOLS_EXPECT(mp_owner(worker->at[i]) == worker->mp);
    POOLS_EXPECT(support_holds(worker->at[i], worker->size[i], i));
    if (worker->handle != NULL) {
        mp_handle_free(worker->handle, worker->at[i]);
    } else {
        free_memory(worker->mp, worker->at[i]);
    }
    worker->at[i] = NULL;
}

/* Has a cache with objects in it; once the range is full, makes the pool grow,
 * and frees all but each tenth. */
static void *work(void *argument)
{
    struct worker *worker = argument;

    for (unsigned i = 0; i < 100; i++) {
        add(worker, i);
    }
    for (unsigned i = 0; i < 100; i += 2) {
        drop(worker, i);
    }
    if (worker->barrier != NULL) {
        threads_barrier_wait(worker->barrier);
        threads_barrier_wait(worker->barrier);
    } else {
        fill_range();
    }
    for (unsigned i = 0; i < objects; i++) {
        if (worker->at[i] == NULL) {
            add(worker, i);
        }
    }
    for (unsigned i = 0; i < objects; i++) {
        if (i % 10 != 0) {
            drop(worker, i);
        }
    }
    return NULL;
}

static bool there_is_a_range(void)
{
    bool cached = pools_caches_exist();

    if (!cached) {
        puts("check_range: no pool has caches here, and nothing is tried");
    }
    objects = support_times(OBJECTS / 10, 10) * 10;
    objects = objects < OBJECTS_LEAST ? OBJECTS_LEAST : objects;
    return cached;
}

static void expect_objects(memory_pool_t *mp, size_t live)
{
    mp_stats_t stats;

    ck_assert_int_eq(mp_check(mp), 0);
    ck_assert_int_eq(mp_stats(mp, &stats), 0);
    ck_assert_uint_eq(stats.live_objects, live);
    ck_assert_uint_eq(stats.allocations - stats.frees, live);
}

/* The pool's end: what grew outside of the range is known, marked and reset
 * as ever, and with the range empty pools have caches again. */
static void expect_usable(memory_pool_t *mp)
{
    mp_mark_t mark = mp_mark(mp);
    void *object = mp_allocate(mp, 100);

    POOLS_EXPECT(mark.number != 0 && object != NULL);
    POOLS_EXPECT(mp_rewind(mp, mark) == 0);
    POOLS_EXPECT(mp_locate(mp, object) != MP_LIVE);
    free_all_memory(mp);
    expect_objects(mp, 0);
    POOLS_EXPECT(mp_allocate(mp, 1000000) != NULL);
    POOLS_EXPECT(mp_check(mp) == 0);
    destroy_memory_pool(mp);
    empty_range();
    ck_assert(there_is_a_range());
}

START_TEST(a_pool_grows_out_of_a_full_range)
{
    static struct worker worker;

    if (!there_is_a_range()) {
        return;
    }
    memset(&worker, 0, sizeof worker);
    worker.mp = mp_create(NULL);
    worker.random = support_seed();
    POOLS_EXPECT(worker.mp != NULL);
    if (_i == 1) {
        worker.handle = mp_attach(worker.mp);
        POOLS_EXPECT(worker.handle != NULL);
    }
    ck_assert_int_eq(mp_kind(worker.mp, NULL), MP_KIND_CACHED);
    work(&worker);
    const char *why;
    ck_assert_int_eq(mp_kind(worker.mp, &why), MP_KIND_LOCKED);
    ck_assert_ptr_nonnull(strstr(why, "the caches were given up"));
    expect_objects(worker.mp, objects / 10);
    if (_i == 1) {
        mp_detach(worker.handle);
        expect_objects(worker.mp, objects / 10);
    }
    expect_usable(worker.mp);
}
END_TEST

#define MARKED 50

static void *take(memory_pool_t *mp, mp_handle_t *handle, unsigned i)
{
    void *object = handle != NULL ? mp_handle_allocate(handle, 1 + i * 10)
                                  : mp_allocate(mp, 1 + i * 10);

    POOLS_EXPECT(object != NULL && mp_check(mp) == 0);
    support_fill(object, 1 + i * 10, i);
    return object;
}

static void expect_marked(memory_pool_t *mp, void **marked, bool live)
{
    for (unsigned i = 0; i < MARKED; i++) {
        POOLS_EXPECT((mp_locate(mp, marked[i]) == MP_LIVE) == live);
        POOLS_EXPECT(!live || support_holds(marked[i], 1 + i * 10, i));
    }
    POOLS_EXPECT(mp_check(mp) == 0);
}

/* A mark finds no room in the range: with marks of before open, of the thread
 * and of a handle, each drops its own objects and no other. */
START_TEST(a_mark_without_room_in_the_range_drops_only_its_own_objects)
{
    if (!there_is_a_range()) {
        return;
    }
    memory_pool_t *mp = mp_create(NULL);
    mp_handle_t *handles[2] = {NULL, mp_attach(mp)};
    mp_mark_t marks[2][2];
    static void *marked[2][3][MARKED]; /* before, in the first, the second */
    POOLS_EXPECT(handles[1] != NULL);

    for (unsigned depth = 0; depth < 3; depth++) {
        if (depth == 2) {
            fill_range();
        }
        for (unsigned h = 0; h < 2; h++) {
            if (depth > 0) {
                mp_mark_t mark = h == 1 ? mp_handle_mark(handles[1])
                                        : mp_mark(mp);
                POOLS_EXPECT(mark.number != 0 && mp_check(mp) == 0);
                marks[h][depth - 1] = mark;
            }
            for (unsigned i = 0; i < MARKED; i++) {
                marked[h][depth][i] = take(mp, handles[h], i);
            }
        }
    }
    expect_objects(mp, 6 * MARKED);
    for (unsigned depth = 2; depth > 0; depth--) {
        for (unsigned h = 0; h < 2; h++) {
            mp_mark_t mark = marks[h][depth - 1];
            expect_marked(mp, marked[h][depth], true);
            POOLS_EXPECT((h == 1 ? mp_handle_rewind(handles[1], mark)
                                 : mp_rewind(mp, mark)) == 0);
            expect_marked(mp, marked[h][depth], false);
            expect_marked(mp, marked[1 - h][depth - 1], true);
            expect_marked(mp, marked[h][depth - 1], true);
        }
    }
    expect_objects(mp, 2 * MARKED);
    mp_detach(handles[1]);
    expect_objects(mp, 2 * MARKED);
    expect_usable(mp);
}
END_TEST

/* Several threads, and a handle, have caches when it happens. */
START_TEST(a_pool_grows_out_of_a_full_range_under_threads)
{
    static struct worker workers[THREADS];
    struct threads_barrier barrier;
    struct threads threads;

    if (!there_is_a_range()) {
        return;
    }
    memory_pool_t *mp = mp_create(NULL);
    uint64_t seed = support_seed();
    POOLS_EXPECT(mp != NULL);
    threads_barrier_start(&barrier, THREADS + 1);
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i].mp = mp;
        workers[i].random = seed + i;
        workers[i].barrier = &barrier;
        workers[i].handle = i == 0 ? mp_attach(mp) : NULL;
    }
    threads_start(&threads, THREADS, work, workers, sizeof workers[0]);
    threads_barrier_wait(&barrier);
    fill_range();
    threads_barrier_wait(&barrier);
    threads_join(&threads);
    expect_objects(mp, THREADS * objects / 10);
    expect_usable(mp);
    threads_barrier_end(&barrier);
}
END_TEST

/* The copy of the extent that a thread has may be from before it grew. */
START_TEST(a_thread_with_an_old_extent_learns_the_new_one)
{
    if (!there_is_a_range()) {
        return;
    }
    memory_pool_t *mp = mp_create(NULL);
    void *first = mp_allocate(mp, 100);
    size_t before = thread_state.granules;

    ck_assert_uint_eq(before, extent_bytes() / 16);
    while (extent_bytes() / 16 == before) {
        POOLS_EXPECT(mp_allocate(mp, 1000) != NULL);
    }
    void *object = mp_allocate(mp, 100);
    thread_state.granules = before / 64;
    POOLS_EXPECT(mp_locate(mp, object) == MP_LIVE);
    free_memory(mp, object);
    ck_assert_uint_eq(thread_state.granules, extent_bytes() / 16);
    ck_assert_ptr_eq(mp_allocate(mp, 100), object);
    free_memory(mp, first);
    POOLS_EXPECT(mp_check(mp) == 0);
    destroy_memory_pool(mp);
}
END_TEST

#if defined(RLIMIT_AS) && !SANITIZER_ON
#define LIMITED ((size_t)64 << 20) /* addresses that the process may yet have */

static size_t addresses(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    if (file != NULL) {
        POOLS_EXPECT(fscanf(file, "%lu", &pages) == 1);
        fclose(file);
    }
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* Why no limit can be set; NULL: it is set.  qemu's user mode takes each limit
 * and keeps none, and a pool would get all memory that there is. */
static const char *limit_addresses(void)
{
    struct rlimit limit;
    size_t used = addresses();

    if (support_under_valgrind()) {
        return "valgrind takes its own memory from the same addresses";
    }
    if (used == 0 || getrlimit(RLIMIT_AS, &limit) != 0) {
        return "the system does not say how many addresses are in use";
    }
    limit.rlim_cur = used + LIMITED;
    POOLS_EXPECT(setrlimit(RLIMIT_AS, &limit) == 0);
    void *beyond = mmap(NULL, 2 * LIMITED, PROT_NONE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (beyond != MAP_FAILED) {
        munmap(beyond, 2 * LIMITED);
        return "the system does not keep the limit";
    }
    return NULL;
}

/* As under ulimit -v: a pool has caches, and uses most of the memory that the
 * limit leaves. */
START_TEST(a_limit_on_addresses_is_used_to_its_end)
{
    if (!there_is_a_range()) {
        return;
    }
    const char *reason = limit_addresses();
    if (reason != NULL) {
        printf("check_range: a limit on addresses is left out: %s\n", reason);
        return;
    }
    memory_pool_t *mp = mp_create(NULL);
    POOLS_EXPECT(mp != NULL && pools_cached(mp));
    POOLS_EXPECT(pools_fill(mp, 1000) > LIMITED / 100 * 80 / 1000);
    POOLS_EXPECT(mp_check(mp) == 0);
    destroy_memory_pool(mp);
}
END_TEST
#else
START_TEST(a_limit_on_addresses_is_used_to_its_end)
{
}
END_TEST
#endif

int main(void)
{
    Suite *suite = suite_create("range");
    TCase *range = support_case(suite, "range");

    tcase_add_loop_test(range, a_pool_grows_out_of_a_full_range, 0,
                        (int)support_times(2, 2));
    tcase_add_test(
        range, a_mark_without_room_in_the_range_drops_only_its_own_objects);
    tcase_add_test(range, a_pool_grows_out_of_a_full_range_under_threads);
    tcase_add_test(range, a_thread_with_an_old_extent_learns_the_new_one);
    tcase_add_test(range, a_limit_on_addresses_is_used_to_its_end);
    return support_run(suite);
}
