/* SPDX-License-Identifier: MIT
 *
 * check_inline.c - what is compiled in does what the functions do.
 *
 * This program includes <memory_pool_inline.h>, and is linked so that each
 * call of the two functions of the library is counted.  So a test knows that
 * the short way is taken, and that all else goes to the library.  Under
 * ThreadSanitizer there is no short way; then only the functions are tested.
 *
 * It is built twice: as check_inline_counted it defines MP_INLINE_COUNTED.
 *
 * What it cannot do: count where the linker has no --wrap; it says so then.
 */
#include <memory_pool_inline.h>

#include <errno.h>
#include <pthread.h>

#include "pools.h"

#define OBJECTS 1000u
#define LONGEST 1024u /* bytes of an object that has a short way */

/* Where thread-local variables are emulated, the short way is compiled in and
 * never taken. */
#ifdef MP_EMULATED_TLS
#define INLINE_SHORT 0
#else
#define INLINE_SHORT MP_INLINE
#endif

/* Where nothing can be compiled in, the header does not say. */
#ifndef MP_INLINE_COUNTED
#define MP_INLINE_COUNTED 0
#endif

static _Thread_local size_t calls;

#ifdef INLINE_COUNTED
void *__wrap_mp_allocate(memory_pool_t *mp, size_t m_size);
void __wrap_free_memory(memory_pool_t *mp, const void *ptr);
void *__real_mp_allocate(memory_pool_t *mp, size_t m_size);
void __real_free_memory(memory_pool_t *mp, const void *ptr);

void *__wrap_mp_allocate(memory_pool_t *mp, size_t m_size)
{
    calls++;
    return __real_mp_allocate(mp, m_size);
}

void __wrap_free_memory(memory_pool_t *mp, const void *ptr)
{
    calls++;
    __real_free_memory(mp, ptr);
}

static void expect_calls(size_t least, size_t most)
{
    POOLS_EXPECT(calls >= least && calls <= most);
}
#else
static void expect_calls(size_t least, size_t most)
{
    (void)least;
    (void)most;
}
#endif

/* OBJECTS operations, for which the cache had all that they needed, made few
 * calls: only a list without room makes one.  Where there are no caches, as
 * with no range of addresses, each operation makes one. */
static void expect_few_calls(memory_pool_t *mp)
{
    mp_stats_t stats;

    POOLS_EXPECT(mp_stats(mp, &stats) == 0);
    if (!INLINE_SHORT || stats.cached_bytes == 0) {
        expect_calls(OBJECTS, OBJECTS);
    } else {
        expect_calls(0, OBJECTS / 50);
    }
    calls = 0;
}

static memory_pool_t *make(void)
{
    const mp_options_t options = {.report = pools_report};

    return pools_make_told(&options);
}

/* Pairs of one length, as often as OBJECTS says. */
static void pairs(memory_pool_t *mp, size_t size)
{
    for (unsigned i = 0; i < OBJECTS / 2; i++) {
        unsigned char *at = mp_allocate(mp, size);
        POOLS_EXPECT(at != NULL);
        support_fill(at, size, i);
        POOLS_EXPECT(is_mp_ptr(mp, at));
        POOLS_EXPECT(support_holds(at, size, i));
        free_memory(mp, at);
        POOLS_EXPECT(!is_mp_ptr(mp, at));
    }
}

START_TEST(pairs_of_one_length_make_few_calls)
{
    memory_pool_t *mp = make();

    for (size_t size = 1; size <= LONGEST; size += 17) {
        /* The first of each length asks the library, for a run, and for room
         * in the list. */
        pairs(mp, size);
        calls = 0;
        pairs(mp, size);
        expect_few_calls(mp);
    }
    pairs(mp, LONGEST + 1);
    expect_calls(OBJECTS, OBJECTS);
    ck_assert_int_eq(mp_check(mp), 0);
    ck_assert_uint_eq(pools_reported.count, 0);
    destroy_memory_pool(mp);
}
END_TEST

/* Another thread, and a mark, a handle, or another pool in between. */
static void *another_thread(void *argument)
{
    memory_pool_t *mp = argument;

    pairs(mp, 100);
    calls = 0;
    pairs(mp, 100);
    expect_few_calls(mp);
    return NULL;
}

START_TEST(threads_pools_and_marks_in_between_leave_the_short_way_open)
{
    memory_pool_t *mp = make();
    memory_pool_t *other = make();

    pairs(mp, 100);
    support_join(support_start(another_thread, mp));
    calls = 0;
    pairs(mp, 100);
    expect_few_calls(mp);
    /* One more, to find the way from one pool to the other. */
    pairs(other, 100);
    calls = 0;
    pairs(mp, 100);
    expect_few_calls(mp);
    mp_mark_t mark = mp_mark(mp);
    pairs(mp, 100);
    /* What a mark's objects were is freed by the library. */
    expect_calls(OBJECTS / 2, SIZE_MAX);
    ck_assert_int_eq(mp_rewind(mp, mark), 0);
    pairs(mp, 100);
    calls = 0;
    pairs(mp, 100);
    expect_few_calls(mp);
    free_all_memory(mp);
    pairs(mp, 100);
    ck_assert_int_eq(mp_check(mp), 0);
    destroy_memory_pool(other);
    destroy_memory_pool(mp);
}
END_TEST

enum { COUNTING_CAPACITY, COUNTING_BELOW, COUNTING_ZERO, COUNTING_SHORT,
       COUNTING_KINDS };

static memory_pool_t *make_counting(int kind, memory_pool_t *parent)
{
    const mp_options_t options = {
        .capacity = kind == COUNTING_CAPACITY ? 1 << 20 : 0,
        .parent = kind == COUNTING_BELOW ? parent : NULL,
        .flags = kind == COUNTING_ZERO ? MP_ZERO_ON_FREE : 0,
        .max_object = kind == COUNTING_SHORT ? LONGEST - 1 : 0};

    return pools_make_with(&options);
}

static void *another_thread_outside(void *argument)
{
    pairs(argument, 10);
    return NULL;
}

/* They are compiled in where the program asks for it, and called else. */
START_TEST(pairs_in_a_pool_that_counts_make_few_calls_if_asked_for)
{
    memory_pool_t *parent =
        pools_make_with(&(mp_options_t){.capacity = 1 << 20});
    memory_pool_t *mp = make_counting(_i, parent);

    for (size_t size = 1; size < LONGEST; size += 11) {
        pairs(mp, size);
        calls = 0;
        pairs(mp, size);
        if (MP_INLINE_COUNTED) {
            expect_few_calls(mp);
        } else {
            expect_calls(OBJECTS, OBJECTS);
        }
    }
    ck_assert_int_eq(mp_check(mp), 0);
    destroy_memory_pool(mp);
    destroy_memory_pool(parent);
}
END_TEST

/* One outside of the range counts, too.  The thread used none in the range, or
 * used it last. */
START_TEST(a_pool_outside_of_the_range_is_served_by_the_library)
{
    memory_pool_t *other = _i == 0 ? NULL : make();

    for (size_t size = 1; size < LONGEST; size += 51) {
        static unsigned char buffer[1 << 20];
        mp_backing_t backing = mp_backing_buffer(buffer, sizeof buffer);
        memory_pool_t *mp =
            pools_make_with(&(mp_options_t){.backing = &backing});
        if (other != NULL) {
            pairs(other, 100);
        }
        /* Two threads: then it does not bump. */
        support_join(support_start(another_thread_outside, mp));
        pairs(mp, size);
        calls = 0;
        pairs(mp, size);
        expect_calls(OBJECTS, OBJECTS);
        ck_assert_int_eq(mp_check(mp), 0);
        destroy_memory_pool(mp);
    }
    if (other != NULL) {
        destroy_memory_pool(other);
    }
}
END_TEST

static size_t live_bytes(memory_pool_t *mp)
{
    mp_stats_t stats;

    POOLS_EXPECT(mp_stats(mp, &stats) == 0);
    return stats.live_bytes;
}

/* And zeroes what is freed, where the pool does. */
START_TEST(what_is_compiled_in_counts_each_byte)
{
    enum { COUNT = 200, ROUNDS = 20000 };
    memory_pool_t *parent =
        pools_make_with(&(mp_options_t){.capacity = 1 << 20});
    memory_pool_t *mp = make_counting(_i, parent);
    static struct { unsigned char *at; size_t size; } kept[COUNT];
    uint64_t random = 1;
    size_t live = 0;

    memset(kept, 0, sizeof kept);
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned i = (unsigned)support_below(&random, COUNT);
        if (kept[i].at != NULL) {
            POOLS_EXPECT(kept[i].size < 8 ||
                         !support_word_is_gone(kept[i].at, kept[i].size));
            free_memory(mp, kept[i].at);
            POOLS_EXPECT(_i != COUNTING_ZERO ||
                         support_word_is_gone(kept[i].at, kept[i].size));
            live -= kept[i].size;
        }
        kept[i].size = 1 + support_below(&random, round % 2 == 0 ? 40 : 700);
        kept[i].at = mp_allocate(mp, kept[i].size);
        POOLS_EXPECT(kept[i].at != NULL);
        support_put_word(kept[i].at, kept[i].size);
        live += kept[i].size;
        if (round % 100 == 0) {
            POOLS_EXPECT(live_bytes(mp) == live);
        }
    }
    ck_assert_uint_eq(live_bytes(mp), live);
    ck_assert_int_eq(mp_check(mp), 0);
    destroy_memory_pool(mp);
    destroy_memory_pool(parent);
}
END_TEST

/* One byte more than there is room for is refused, and none less. */
START_TEST(what_is_compiled_in_fills_a_capacity_to_the_byte)
{
    enum { CAPACITY = 20000, MOST = CAPACITY };
    static void *objects[MOST];
    memory_pool_t *mp = mp_create(&(mp_options_t){
        .capacity = CAPACITY, .report = pools_report});
    uint64_t random = 3;

    for (unsigned round = 0; round < 50; round++) {
        size_t live = 0;
        unsigned n = 0;
        for (;;) {
            size_t size = 1 + support_below(&random, 100);
            void *object = mp_allocate(mp, size);
            POOLS_EXPECT((object != NULL) == (live + size <= CAPACITY));
            if (object == NULL) {
                break;
            }
            objects[n++] = object;
            live += size;
        }
        POOLS_EXPECT(live_bytes(mp) == live);
        while (n > 0) {
            free_memory(mp, objects[--n]);
        }
        POOLS_EXPECT(live_bytes(mp) == 0);
    }
    ck_assert_int_eq(mp_check(mp), 0);
    destroy_memory_pool(mp);
}
END_TEST

static void refused(memory_pool_t *mp, mp_event_t event, const void *ptr)
{
    pools_expect_report(mp, event, NULL, ptr, EINVAL);
    POOLS_EXPECT(mp_check(mp) == 0);
}

START_TEST(misuse_of_the_inline_functions_is_reported_by_the_library)
{
    static char foreign[64];
    memory_pool_t *mp = make();
    memory_pool_t *other = make();
    char *theirs = mp_allocate(other, 48);
    char *at = mp_allocate(mp, 48);
    char *freed = mp_allocate(mp, 48);

    free_memory(mp, freed);
    const void *const wrong[] = {foreign, foreign + 1,       at + 16,
                                 at + 1,  freed,             theirs,
                                 mp,      (void *)(uintptr_t)1,
                                 (void *)(uintptr_t)-1};
    errno = SUPPORT_ERRNO;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        free_memory(mp, wrong[i]);
        refused(mp, MP_EVENT_NOT_IN_POOL, wrong[i]);
    }
    free_memory(mp, NULL);
    refused(mp, MP_EVENT_NO_POINTER, NULL);
    POOLS_EXPECT(mp_allocate(mp, 0) == NULL);
    refused(mp, MP_EVENT_SIZE, NULL);
    ck_assert(is_mp_ptr(mp, at));
    ck_assert(is_mp_ptr(other, theirs));
    free_all_memory(mp);
    free_memory(mp, at);
    refused(mp, MP_EVENT_NOT_IN_POOL, at);
    destroy_memory_pool(other);
    destroy_memory_pool(mp);

    support_capture();
    ck_assert_ptr_null(mp_allocate(NULL, 1));
    ck_assert_int_eq(errno, EINVAL);
    support_release_lines(SUPPORT_ALLOCATE_NO_POOL, 1);
    support_capture();
    free_memory(NULL, foreign);
    ck_assert_int_eq(errno, EINVAL);
    support_release_lines(SUPPORT_NO_POOL, 1);
}
END_TEST

/* Every kind of pool, most of which have no short way. */
START_TEST(objects_in_pools_of_every_kind_keep_their_bytes)
{
    memory_pool_t *mp = pools_make(_i);
    void *objects[16];

    for (unsigned round = 0; round < 100; round++) {
        for (unsigned i = 0; i < 16; i++) {
            objects[i] = mp_allocate(mp, 1 + i);
            POOLS_EXPECT(objects[i] != NULL);
            support_fill(objects[i], 1 + i, i);
        }
        for (unsigned i = 0; i < 16; i++) {
            unsigned k = (i * 5 + round) % 16;
            POOLS_EXPECT(support_holds(objects[k], 1 + k, k));
            free_memory(mp, objects[k]);
        }
    }
    pools_end(mp, _i);
}
END_TEST

static Suite *inline_suite(void)
{
    Suite *suite = suite_create("inline");
    TCase *all = support_case(suite, "all");

    tcase_add_test(all, pairs_of_one_length_make_few_calls);
    tcase_add_test(
        all, threads_pools_and_marks_in_between_leave_the_short_way_open);
    tcase_add_test(all,
                   misuse_of_the_inline_functions_is_reported_by_the_library);
    tcase_add_loop_test(
        all, pairs_in_a_pool_that_counts_make_few_calls_if_asked_for, 0,
        COUNTING_KINDS);
    tcase_add_loop_test(
        all, a_pool_outside_of_the_range_is_served_by_the_library, 0, 2);
    tcase_add_loop_test(all, what_is_compiled_in_counts_each_byte, 0,
                        COUNTING_KINDS);
    tcase_add_test(all, what_is_compiled_in_fills_a_capacity_to_the_byte);
    tcase_add_loop_test(all, objects_in_pools_of_every_kind_keep_their_bytes,
                        0, pools_count);
    return suite;
}

int main(void)
{
#ifndef INLINE_COUNTED
    puts("inline: calls are not counted: the linker has no --wrap");
#endif
    return support_run(inline_suite());
}
