/* SPDX-License-Identifier: MIT
 *
 * check_blocks.c - what a pool asks its backing for, keeps and gives back.
 *
 * Time is not measured: that a step of growing costs the same however long an
 * object is shows in how often it moves.
 *
 * What it cannot do: see which pages are in memory where the system has no
 * mincore().
 */
#include <string.h>
#ifdef __linux__
#include <sys/mman.h>
#include <unistd.h>
#endif

#include "pools.h"
#include "sanitizer.h"

#define MIB ((size_t)1 << 20)

static memory_pool_t *make_own(struct pools_backing *own,
                               mp_threads_t threads, size_t limit)
{
    pools_backing_start(own);
    own->limit = limit;
    mp_backing_t backing = pools_backing_of(own);
    mp_options_t options = {.backing = &backing, .threads = threads};

    return pools_make_with(&options);
}

static void end_own(memory_pool_t *mp, struct pools_backing *own)
{
    ck_assert_int_eq(mp_check(mp), 0);
    destroy_memory_pool(mp);
    ck_assert_uint_eq(own->count + own->wrong, 0);
}

/* Some sizes, short, middle and long. */
static const size_t sizes[] = {16, 100, 1000, 5000, 70000, 300000};
#define SIZES (sizeof sizes / sizeof *sizes)

START_TEST(a_cycle_asks_for_no_longer_blocks_than_the_one_before)
{
    for (unsigned trims = 0; trims < 2; trims++) {
        struct pools_backing own;
        memory_pool_t *mp = make_own(&own, MP_THREADS_LOCKED, 0);
        size_t third = 0;
        for (unsigned cycle = 0; cycle < 60; cycle++) {
            own.longest = 0;
            for (size_t n = 0; n < 120000; n += sizes[_i]) {
                POOLS_EXPECT(mp_allocate(mp, sizes[_i]) != NULL);
            }
            free_all_memory(mp);
            if (trims > 0) {
                mp_trim(mp, 0);
            }
            if (cycle == 2) {
                third = own.longest;
            }
        }
        ck_assert_uint_le(own.longest, third);
        end_own(mp, &own);
    }
}
END_TEST

START_TEST(a_backing_is_used_to_its_last_bytes)
{
    static const size_t limits[] = {20000, 200000, 1500000, 5000000};
    /* A granule has two bytes of a map, an object may need a granule more,
     * and the last block has room for no other. */
    const size_t each = (sizes[_i] + 15) / 16 * 18;

    for (size_t l = 0; l < sizeof limits / sizeof *limits; l++) {
        struct pools_backing own;
        memory_pool_t *mp = make_own(&own, MP_THREADS_LOCKED, limits[l]);
        size_t count = pools_fill(mp, sizes[_i]);
        /* Some 20 blocks have heads, and the ends of the long ones are too
         * short for an object. */
        size_t lost = 4096 + 8 * (each < 30000 ? each : 30000) + each;
        ck_assert_msg(lost >= limits[l] || count * each >= limits[l] - lost,
                      "%zu objects of %zu bytes in %zu", count, sizes[_i],
                      limits[l]);
        /* Nothing that was refused makes the next request longer. */
        size_t longest = own.longest;
        for (unsigned i = 0; i < 5; i++) {
            count += pools_fill(mp, sizes[_i]);
        }
        ck_assert_uint_eq(own.longest, longest);
        ck_assert_int_eq(mp_check(mp), 0);
        /* In a mark, too. */
        free_all_memory(mp);
        mp_trim(mp, 0);
        mp_mark_t mark = mp_mark(mp);
        ck_assert(mark.number != 0);
        size_t again = pools_fill(mp, sizes[_i]);
        ck_assert_uint_ge(again + again / 8 + 40, count);
        ck_assert_int_eq(mp_rewind(mp, mark), 0);
        end_own(mp, &own);
    }
}
END_TEST

START_TEST(a_reset_keeps_enough_for_the_next_objects)
{
    static const size_t peaks[] = {70000, 1000000, 10000000};

    for (size_t p = 0; p < sizeof peaks / sizeof *peaks; p++) {
        struct pools_backing own;
        memory_pool_t *mp = make_own(&own, (mp_threads_t)_i, 0);
        for (size_t n = 0; n < peaks[p]; n += 100) {
            POOLS_EXPECT(mp_allocate(mp, 100) != NULL);
        }
        free_all_memory(mp);
        size_t first = own.acquired;
        for (size_t n = 0; n < 32000; n += 100) {
            POOLS_EXPECT(mp_allocate(mp, 100) != NULL);
        }
        ck_assert_uint_eq(own.acquired, first);
        end_own(mp, &own);
    }
}
END_TEST

/* The backing has no more, so the charge of each call is undone. */
START_TEST(a_call_that_gets_no_memory_does_not_raise_the_peak)
{
    struct pools_backing own;
    memory_pool_t *mp = make_own(&own, (mp_threads_t)_i, 0);
    unsigned char *object = mp_allocate(mp, 100);
    mp_stats_t before, after;
    const size_t size = 20 * MIB;

    ck_assert_ptr_nonnull(object);
    own.limit = own.bytes;
    ck_assert_int_eq(mp_stats(mp, &before), 0);
    ck_assert_uint_eq(before.live_bytes, 100);
    ck_assert_ptr_null(mp_allocate(mp, size));
    ck_assert_ptr_null(mp_calloc(mp, 2, size));
    ck_assert_ptr_null(mp_aligned_alloc(mp, 4096, size));
    ck_assert_ptr_null(mp_realloc(mp, object, size));
    ck_assert_ptr_null(mp_aligned_realloc(mp, object, 4096, size));
    ck_assert_int_eq(mp_expand(mp, object, size), -1);
    ck_assert_ptr_null(mp_asprintf(mp, "%*d", (int)size, 1));
    ck_assert_int_eq(mp_stats(mp, &after), 0);
    ck_assert_uint_eq(after.live_bytes, 100);
    ck_assert_uint_eq(after.peak_bytes, before.peak_bytes);
    end_own(mp, &own);
}
END_TEST

/* Of whatever lengths, in whatever order they go. */
START_TEST(a_trim_to_nothing_leaves_no_empty_block)
{
    static void *objects[3000];
    uint64_t random = support_seed();

    for (unsigned round = 0; round < support_times(8, 2); round++) {
        memory_pool_t *mp = pools_make(_i);
        bool marked = round % 2 != 0;
        POOLS_EXPECT(mp_allocate(mp, 100) != NULL);
        mp_mark_t mark = {0};
        if (marked) {
            mark = mp_mark(mp);
        }
        void *kept = mp_allocate(mp, 100);
        size_t most = sizes[round * 5 % SIZES];
        for (unsigned i = 0; i < 3000; i++) {
            objects[i] = i * most > 20 * MIB
                             ? NULL
                             : mp_allocate(
                                   mp, 1 + support_below(&random, most));
        }
        mp_stats_t stats;
        for (unsigned i = 0; i < 3000; i++) {
            unsigned j = (unsigned)support_below(&random, 3000);
            void *swapped = objects[i];
            objects[i] = objects[j];
            objects[j] = swapped;
        }
        for (unsigned i = 0; i < 3000; i++) {
            if (objects[i] != NULL) {
                free_memory(mp, objects[i]);
            }
        }
        mp_trim(mp, 0);
        ck_assert_int_eq(mp_check(mp), 0);
        ck_assert_int_eq(mp_stats(mp, &stats), 0);
        if (pools_kinds[_i].source != POOLS_BUFFER) {
            /* One block may have what lives on, beside the first. */
            ck_assert_uint_le(stats.backing_bytes,
                              MAX_BLOCK_SIZE + ((size_t)64 << 10) + 12288);
        }
        free_memory(mp, kept);
        if (marked) {
            ck_assert_int_eq(mp_rewind(mp, mark), 0);
        }
        mp_trim(mp, 0);
        ck_assert_int_eq(mp_stats(mp, &stats), 0);
        if (pools_kinds[_i].source != POOLS_BUFFER) {
            ck_assert_uint_le(stats.backing_bytes, MAX_BLOCK_SIZE + 8192);
        }
        pools_end(mp, _i);
    }
}
END_TEST

START_TEST(a_shrunk_object_leaves_its_rest_to_others)
{
    if (pools_tracked(_i)) {
        return; /* each object is malloc()'s own, with all that goes with it */
    }
    static const size_t long_and_short[][2] = {
        {1000, 520},   {1000, 900},     {500, 30},        {5000, 2600},
        {70000, 9000}, {200000, 40000}, {1000000, 500000}};
    const size_t all = support_times(8, 4) * MIB;

    for (size_t k = 0; k < sizeof long_and_short / sizeof *long_and_short;
         k++) {
        memory_pool_t *mp = pools_make(_i);
        size_t from = long_and_short[k][0], to = long_and_short[k][1];
        size_t live = 0;
        mp_stats_t stats;
        while (live < all) {
            unsigned char *object = mp_allocate(mp, from);
            POOLS_EXPECT(object != NULL);
            support_fill(object, to, 1);
            object = mp_realloc(mp, object, to);
            POOLS_EXPECT(object != NULL && support_holds(object, to, 1));
            live += to;
        }
        ck_assert_int_eq(mp_stats(mp, &stats), 0);
        /* Of maps there is a sixteenth; outside of the range a long
         * block cannot give its end back. */
        if (pools_kinds[_i].source != POOLS_BUFFER &&
            (pools_cached(mp) || from <= 200000)) {
            ck_assert_msg(stats.backing_bytes <= live / 100 * 135 + 2 * MIB,
                          "%zu to %zu: %zu bytes for %zu", from, to,
                          stats.backing_bytes, live);
        }
        pools_end(mp, _i);
    }
}
END_TEST

/* Grows some objects in turn; how often one moved.  alignment 0: by
 * mp_realloc(). */
static unsigned grow(memory_pool_t *mp, unsigned objects, size_t alignment,
                     size_t step, size_t top)
{
    unsigned char *at[4] = {NULL};
    unsigned moves = 0;

    for (size_t n = step; n <= top; n += step) {
        for (unsigned i = 0; i < objects; i++) {
            unsigned char *grown =
                alignment == 0 ? mp_realloc(mp, at[i], n)
                               : mp_aligned_realloc(mp, at[i], alignment, n);
            POOLS_EXPECT(grown != NULL);
            POOLS_EXPECT(alignment == 0 || (uintptr_t)grown % alignment == 0);
            moves += grown != at[i];
            at[i] = grown;
            memset(grown + n - step, (int)(n / step), step);
        }
    }
    for (unsigned i = 0; i < objects; i++) {
        for (size_t n = 0; n < top; n += step) {
            POOLS_EXPECT(at[i][n] == (unsigned char)(n / step + 1));
        }
        free_memory(mp, at[i]);
    }
    return moves;
}

START_TEST(a_long_object_seldom_moves_as_it_grows)
{
    if (pools_tracked(_i)) {
        return; /* each object is malloc()'s own, and moves */
    }
    const size_t top = POOLS_MAX_OBJECT;
    const size_t alignments[] = {0, 16, 64, 4096}; /* 0: by mp_realloc() */

    for (unsigned objects = 1; objects <= 3; objects += 2) {
        memory_pool_t *mp = pools_make(_i);
        bool room = pools_kinds[_i].options.capacity == 0 || objects == 1;
        if (room && pools_kinds[_i].source != POOLS_BUFFER) {
            for (size_t i = 0; i < sizeof alignments / sizeof(size_t); i++) {
                unsigned moves =
                    grow(mp, objects, alignments[i], (size_t)64 << 10, top);
                /* From 256 KiB on it gets an eighth to spare with each move, so
                 * that some 40 make 16 MiB. */
                ck_assert_msg(moves <= objects * 50, "%zu: %u moves",
                              alignments[i], moves);
            }
        }
        pools_end(mp, _i);
    }
}
END_TEST

/* Short steps too, where chunks may be longer than their objects. */
START_TEST(a_buffer_in_a_pool_with_caches_moves_seldom)
{
    memory_pool_t *mp = mp_create(NULL);

    ck_assert_ptr_nonnull(mp);
    if (pools_cached(mp)) {
        ck_assert_uint_le(grow(mp, 3, 0, 1000, 200000), 3 * 120);
    }
    destroy_memory_pool(mp);
}
END_TEST

START_TEST(a_peak_is_that_of_all_open_marks_together)
{
    memory_pool_t *mp = mp_create(NULL);
    mp_stats_t stats;

    ck_assert_ptr_nonnull(mp);
    for (unsigned round = 0; round < 20; round++) {
        mp_mark_t marks[30];
        for (unsigned m = 0; m < 30; m++) {
            marks[m] = mp_mark(mp);
            for (unsigned i = 0; i < 200; i++) {
                POOLS_EXPECT(mp_allocate(mp, 1500) != NULL);
            }
        }
        ck_assert_int_eq(mp_stats(mp, &stats), 0);
        ck_assert_uint_ge(stats.peak_bytes, 30 * 200 * 1500);
        if (round % 2 == 0) {
            ck_assert_int_eq(mp_rewind(mp, marks[0]), 0);
        } else {
            free_all_memory(mp);
        }
    }
    ck_assert_int_eq(mp_stats(mp, &stats), 0);
    ck_assert_uint_le(stats.peak_bytes, 30 * 200 * 1504 + 200000);
    destroy_memory_pool(mp);
}
END_TEST

#ifdef __linux__
/* Pages of some memory that are in the process's. */
static size_t resident(const void *start, size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uintptr_t first = ((uintptr_t)start + page - 1) / page * page;
    uintptr_t end = ((uintptr_t)start + bytes) / page * page;
    size_t pages = 0;

    for (uintptr_t at = first; at < end; at += page) {
        unsigned char in;
        pages += mincore((void *)at, page, &in) == 0 && (in & 1) != 0;
    }
    return pages * page;
}

START_TEST(a_trim_gives_free_pages_of_used_blocks_to_the_system)
{
    if (pools_tracked(_i)) {
        return; /* each object is malloc()'s own, and moves */
    }
    static unsigned char *objects[8000];

    for (size_t s = 1; s < 4; s++) {
        memory_pool_t *mp = pools_make(_i);
        unsigned count = (unsigned)(16 * MIB / sizes[s]);
        count = count > 8000 ? 8000 : count;
        size_t left = 0;
        for (unsigned i = 0; i < count; i++) {
            objects[i] = mp_allocate(mp, sizes[s]);
            POOLS_EXPECT(objects[i] != NULL);
            memset(objects[i], 7, sizes[s]);
        }
        for (unsigned i = 0; i < count; i++) {
            if (i % 150 != 0) {
                free_memory(mp, objects[i]);
            }
        }
        mp_trim(mp, 0);
        ck_assert_int_eq(mp_check(mp), 0);
        for (unsigned i = 0; i < count; i++) {
            if (i % 150 != 0) {
                left += resident(objects[i], sizes[s]);
            } else {
                POOLS_EXPECT(objects[i][0] == 7 &&
                             objects[i][sizes[s] - 1] == 7);
            }
        }
        /* One that lives shares its first page and its last. */
        if (pools_kinds[_i].source == POOLS_DEFAULT ||
            pools_kinds[_i].source == POOLS_MALLOC ||
            pools_kinds[_i].source == POOLS_MMAP) {
            ck_assert_msg(left <= count * sizes[s] / 6, "%zu of %zu stay",
                          left, count * sizes[s]);
        }
        for (unsigned i = 0; i < 100; i++) {
            POOLS_EXPECT(mp_calloc(mp, 1, sizes[s]) != NULL);
        }
        pools_end(mp, _i);
    }
}
END_TEST

/* What is free in the heap of a mark goes, too, whoever opened it; more than a
 * trim looks at in one hold of the lock. */
START_TEST(a_trim_gives_free_pages_of_every_open_mark)
{
    enum { USERS = 5, MARKS = 12, BYTES = 200000 };
    if (pools_tracked(_i) || (pools_kinds[_i].source != POOLS_DEFAULT &&
                              pools_kinds[_i].source != POOLS_MALLOC &&
                              pools_kinds[_i].source != POOLS_MMAP)) {
        return;
    }
    memory_pool_t *mp = pools_make(_i);
    unsigned char *objects[MARKS][USERS];
    mp_handle_t *users[USERS];
    size_t left = 0;

    for (unsigned u = 0; u < USERS; u++) {
        users[u] = mp_attach(mp);
        ck_assert_ptr_nonnull(users[u]);
    }
    for (unsigned m = 0; m < MARKS; m++) {
        for (unsigned u = 0; u < USERS; u++) {
            ck_assert(!MP_MARK_FAILED(mp_handle_mark(users[u])));
            objects[m][u] = mp_handle_allocate(users[u], BYTES);
            ck_assert_ptr_nonnull(objects[m][u]);
            memset(objects[m][u], 7, BYTES);
            /* Lives on behind it, so that its block stays. */
            ck_assert_ptr_nonnull(mp_handle_allocate(users[u], 5000));
        }
    }
    for (unsigned m = 0; m < MARKS; m++) {
        for (unsigned u = 0; u < USERS; u++) {
            mp_handle_free(users[u], objects[m][u]);
        }
    }
    mp_trim(mp, 0);
    for (unsigned m = 0; m < MARKS; m++) {
        for (unsigned u = 0; u < USERS; u++) {
            left += resident(objects[m][u], BYTES);
        }
    }
    ck_assert_msg(left <= USERS * MARKS * BYTES / 10, "%zu stay", left);
    pools_end(mp, _i);
}
END_TEST

/* To write 0 where the system has just put 0 would take as long as to use all
 * of it. */
START_TEST(a_long_calloc_of_new_memory_touches_no_page)
{
    memory_pool_t *mp = mp_create(NULL);
    ck_assert_ptr_nonnull(mp);
    if (mp_kind(mp, NULL) == MP_KIND_CACHED) {
        mp_trim(mp, 0); /* what older pools left */
        for (size_t i = 0; i < 3; i++) {
            unsigned char *object = mp_calloc(mp, 64, MIB);
            ck_assert_ptr_nonnull(object);
            ck_assert_uint_eq(resident(object, 64 * MIB), 0);
            object[i * MIB] = 1;
            free_memory(mp, object);
            mp_trim(mp, 0);
        }
    }
    destroy_memory_pool(mp);
}
END_TEST
#endif

static unsigned char *calloc_is_zero(memory_pool_t *mp, size_t length)
{
    unsigned char *object = mp_calloc(mp, 1, length);

    POOLS_EXPECT(object != NULL && object[0] == 0 &&
                 memcmp(object, object + 1, length - 1) == 0);
    memset(object, 0xa5, length);
    return object;
}

/* Whatever was there before: an object, a longer one, all that a reset took,
 * another pool. */
START_TEST(a_long_calloc_is_zero)
{
    static const size_t lengths[] = {300 * 1024, MIB, 9 * MIB};

    for (size_t i = 0; i < 6; i++) {
        size_t length = lengths[i / 2];
        memory_pool_t *mp = pools_make(_i);
        unsigned char *object = calloc_is_zero(mp, length);
        if (i % 2 == 0) {
            free_memory(mp, object);
            object = calloc_is_zero(mp, length);
        }
        object = mp_realloc(mp, object, length / 2);
        POOLS_EXPECT(object != NULL);
        free_memory(mp, object);
        calloc_is_zero(mp, length / 2);
        free_all_memory(mp);
        free_memory(mp, calloc_is_zero(mp, length));
        pools_end(mp, _i);
    }
}
END_TEST

/* It gets the first chunk of a block that was new when others got theirs. */
START_TEST(a_long_calloc_of_used_memory_in_a_new_block_is_zero)
{
    memory_pool_t *mp = pools_make(_i);
    void *objects[60];

    mp_trim(mp, 0); /* what the next blocks get is new */
    for (unsigned i = 0; i < 60; i++) {
        objects[i] = mp_allocate(mp, 100000);
        POOLS_EXPECT(objects[i] != NULL);
        memset(objects[i], 0xa5, 100000);
    }
    /* Of those that begin a block, some go: one in ten begins one. */
    for (unsigned i = 0; i < 60; i++) {
        if (i % 5 != 3) {
            free_memory(mp, objects[i]);
        }
    }
    for (unsigned i = 0; i < 12; i++) {
        calloc_is_zero(mp, 300000);
    }
    pools_end(mp, _i);
}
END_TEST

/* Nothing can be given: then nobody has to wait, so caches stay full. */
START_TEST(a_trim_that_may_keep_all_gathers_nothing)
{
    memory_pool_t *mp = mp_create(NULL);
    mp_stats_t before, after;
    void *objects[500];

    ck_assert_ptr_nonnull(mp);
    for (unsigned i = 0; i < 500; i++) {
        objects[i] = mp_allocate(mp, 200);
    }
    for (unsigned i = 0; i < 500; i++) {
        free_memory(mp, objects[i]);
    }
    ck_assert_int_eq(mp_stats(mp, &before), 0);
    ck_assert_uint_eq(mp_trim(mp, SIZE_MAX), 0);
    ck_assert_uint_eq(mp_trim(mp, before.backing_bytes), 0);
    ck_assert_int_eq(mp_stats(mp, &after), 0);
    ck_assert_uint_eq(after.cached_bytes, before.cached_bytes);
    ck_assert_uint_eq(after.backing_bytes, before.backing_bytes);
    destroy_memory_pool(mp);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("growth");
    TCase *own = support_case(suite, "own backing");
    TCase *kinds = support_case(suite, "kinds");

    tcase_add_loop_test(own,
                        a_cycle_asks_for_no_longer_blocks_than_the_one_before,
                        0, SIZES);
    tcase_add_loop_test(own, a_backing_is_used_to_its_last_bytes, 0, SIZES);
    tcase_add_loop_test(own, a_reset_keeps_enough_for_the_next_objects,
                        MP_THREADS_LOCKED, MP_THREADS_NONE + 1);
    tcase_add_loop_test(own,
                        a_call_that_gets_no_memory_does_not_raise_the_peak,
                        MP_THREADS_CACHED, MP_THREADS_NONE + 1);
    tcase_add_loop_test(kinds, a_trim_to_nothing_leaves_no_empty_block, 0,
                        pools_count);
    tcase_add_loop_test(kinds, a_shrunk_object_leaves_its_rest_to_others, 0,
                        pools_count);
    tcase_add_loop_test(kinds, a_long_object_seldom_moves_as_it_grows, 0,
                        pools_count);
    tcase_add_test(kinds, a_buffer_in_a_pool_with_caches_moves_seldom);
    tcase_add_test(kinds, a_peak_is_that_of_all_open_marks_together);
#ifdef __linux__
    if (!SANITIZER_ON && !support_under_valgrind()) {
        tcase_add_loop_test(
            kinds, a_trim_gives_free_pages_of_used_blocks_to_the_system, 0,
            pools_count);
        tcase_add_loop_test(kinds, a_trim_gives_free_pages_of_every_open_mark,
                            0, pools_count);
        tcase_add_test(kinds, a_long_calloc_of_new_memory_touches_no_page);
    }
#endif
    tcase_add_loop_test(kinds, a_long_calloc_is_zero, 0, pools_count);
    tcase_add_loop_test(kinds,
                        a_long_calloc_of_used_memory_in_a_new_block_is_zero, 0,
                        pools_count);
    tcase_add_test(kinds, a_trim_that_may_keep_all_gathers_nothing);
    return support_run(suite);
}
