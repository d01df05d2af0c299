/* SPDX-License-Identifier: MIT
 *
 * check_options.c - what each option of mp_create() promises.
 *
 * Options that cannot be, structures of other lengths, reports, backings
 * that fail, capacity over threads, and memory set to zero.  What holds for
 * every kind of pool is in check_pools.c.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "called.h"
#include "pools.h"
#include "threads.h"

static void *acquire_nothing(void *context, size_t size, size_t alignment)
{
    (void)context;
    (void)size;
    (void)alignment;
    return NULL;
}

static void release_nothing(void *context, void *block, size_t size)
{
    (void)context;
    (void)block;
    (void)size;
}

static void expect_refused(const mp_options_t *given, const char *member)
{
    mp_options_t options = *given;

    pools_forget_reports();
    SUPPORT_REFUSED(mp_create(&options), NULL);
    if (options.report != NULL) {
        ck_assert_uint_eq(pools_reported.count, 1);
        ck_assert_int_eq(pools_reported.event, MP_EVENT_OPTION);
        ck_assert_ptr_null(pools_reported.mp);
        ck_assert_msg(strstr(pools_reported.message, member) != NULL,
                      "\"%s\" does not name %s", pools_reported.message,
                      member);
    }
}

START_TEST(impossible_options_are_refused_by_name)
{
    const mp_backing_t no_acquire = {NULL, release_nothing, NULL};
    const mp_backing_t no_release = {acquire_nothing, NULL, NULL};
    const struct {
        mp_options_t options;
        const char *member;
    } cases[] = {
        {{.capacity = 10, .max_object = 11}, "max_object"},
        {{.threads = (mp_threads_t)3}, "threads"},
        {{.threads = (mp_threads_t)1000}, "threads"},
        {{.flags = 0x2000}, "flags"},
        {{.flags = ~0u}, "flags"},
        {{.backing = &no_acquire}, "backing"},
        {{.backing = &no_release}, "backing"},
        {{.debug = "fail=1%,word"}, "debug"},
    };

    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mp_options_t options = cases[i].options;
        expect_refused(&options, cases[i].member);
        options.report = pools_report;
        expect_refused(&options, cases[i].member);
    }
    mp_options_t options = {.report_context = &options};
    expect_refused(&options, "report_context");
}
END_TEST

/* A later release's structure. */
struct longer {
    mp_options_t known;
    char later[64];
};

START_TEST(options_of_other_lengths_are_read_as_far_as_they_are_known)
{
    struct longer longer;

    memset(&longer, 0, sizeof longer);
    longer.known.capacity = 100;
    longer.known.report = pools_report;
    memory_pool_t *mp = mp_create_sized(&longer.known, sizeof longer);
    ck_assert_ptr_nonnull(mp);
    ck_assert_ptr_nonnull(mp_allocate(mp, 100));
    ck_assert_ptr_null(mp_allocate(mp, 1));
    ck_assert_int_eq(errno, ENOBUFS);
    destroy_memory_pool(mp);

    for (size_t i = 0; i < sizeof longer.later; i++) {
        longer.later[i] = 1;
        errno = 0;
        pools_forget_reports();
        ck_assert_ptr_null(mp_create_sized(&longer.known, sizeof longer));
        ck_assert_int_eq(errno, EINVAL);
        ck_assert_int_eq(pools_reported.event, MP_EVENT_OPTION);
        /* What lies behind the structure is no part of it. */
        size_t size = offsetof(struct longer, later) + i;
        mp = mp_create_sized(&longer.known, size);
        ck_assert_ptr_nonnull(mp);
        destroy_memory_pool(mp);
        longer.later[i] = 0;
    }
    /* Shorter: members that are not there are zero. */
    mp_options_t options = {.capacity = 100, .max_object = 10,
                            .flags = 0x40000000};
    SUPPORT_REFUSED(mp_create_sized(&options, sizeof options), NULL);
    mp = mp_create_sized(&options, offsetof(mp_options_t, max_object));
    ck_assert_ptr_nonnull(mp);
    ck_assert_ptr_nonnull(mp_allocate(mp, 100));
    destroy_memory_pool(mp);
    mp = mp_create_sized(&options, offsetof(mp_options_t, threads));
    ck_assert_ptr_nonnull(mp);
    ck_assert_ptr_null(mp_allocate(mp, 11));
    ck_assert_ptr_nonnull(mp_allocate(mp, 10));
    destroy_memory_pool(mp);
    mp = mp_create_sized(&options, 0);
    ck_assert_ptr_nonnull(mp);
    ck_assert_ptr_nonnull(mp_allocate(mp, 100000));
    destroy_memory_pool(mp);
    mp = mp_create_sized(NULL, sizeof options);
    ck_assert_ptr_nonnull(mp);
    destroy_memory_pool(mp);
    mp = CALLED(mp_create)(NULL);
    ck_assert_ptr_nonnull(mp);
    destroy_memory_pool(mp);
}
END_TEST

START_TEST(each_refusal_is_reported_once_with_its_event)
{
    static const mp_threads_t threads[] = {
        MP_THREADS_CACHED, MP_THREADS_LOCKED, MP_THREADS_NONE};
    volatile size_t zero = 0, most = SIZE_MAX;
    mp_options_t options = {.report = pools_report,
                            .max_object = 2000,
                            .threads = threads[_i]};
    memory_pool_t *mp = mp_create(&options);
    char local;

    ck_assert_ptr_nonnull(mp);
    pools_forget_reports();
    char *object = mp_allocate(mp, 100);
    ck_assert_ptr_nonnull(object);
    ck_assert_uint_eq(pools_reported.count, 0);
    ck_assert_ptr_null(mp_allocate(mp, zero));
    pools_expect_report(mp, MP_EVENT_SIZE, SUPPORT_SIZE, NULL, EINVAL);
    ck_assert_ptr_null(mp_allocate(mp, 2001));
    pools_expect_report(mp, MP_EVENT_SIZE, SUPPORT_SIZE, NULL, EINVAL);
    ck_assert_ptr_null(mp_calloc(mp, most, 2));
    pools_expect_report(mp, MP_EVENT_SIZE, SUPPORT_SIZE, NULL, EINVAL);
    ck_assert_ptr_null(mp_calloc(mp, 3, 667));
    pools_expect_report(mp, MP_EVENT_SIZE, SUPPORT_SIZE, NULL, EINVAL);
    ck_assert_ptr_null(mp_aligned_alloc(mp, 3, 10));
    pools_expect_report(mp, MP_EVENT_SIZE, SUPPORT_SIZE, NULL, EINVAL);
    ck_assert_ptr_null(mp_aligned_alloc(mp, 64, 2001));
    pools_expect_report(mp, MP_EVENT_SIZE, SUPPORT_SIZE, NULL, EINVAL);
    ck_assert_ptr_null(mp_realloc(mp, object, zero));
    pools_expect_report(mp, MP_EVENT_SIZE, SUPPORT_SIZE, NULL, EINVAL);
    ck_assert_ptr_null(mp_realloc(mp, object, 2001));
    pools_expect_report(mp, MP_EVENT_SIZE, SUPPORT_SIZE, NULL, EINVAL);
    ck_assert_ptr_null(mp_realloc(mp, &local, 10));
    pools_expect_report(mp, MP_EVENT_NOT_IN_POOL, SUPPORT_NOT_IN_POOL, &local,
                        EINVAL);
    free_memory(mp, object + 16);
    pools_expect_report(mp, MP_EVENT_NOT_IN_POOL, SUPPORT_NOT_IN_POOL,
                        object + 16, EINVAL);
    free_memory(mp, NULL);
    pools_expect_report(mp, MP_EVENT_NO_POINTER, SUPPORT_NO_POINTER, NULL,
                        EINVAL);
    ck_assert(!is_mp_ptr(mp, NULL));
    pools_expect_report(mp, MP_EVENT_NO_POINTER, SUPPORT_NO_POINTER, NULL,
                        EINVAL);
    free_memory(mp, object);
    ck_assert_uint_eq(pools_reported.count, 0);
    free_memory(mp, object);
    pools_expect_report(mp, MP_EVENT_NOT_IN_POOL, SUPPORT_NOT_IN_POOL, object,
                        EINVAL);
    destroy_memory_pool(mp);
}
END_TEST

/* The largest object is a matter of bytes, with every kind of thread. */
START_TEST(the_largest_object_is_exact_to_the_byte)
{
    for (size_t most = 1; most < 3000; most += most < 40 ? 1 : 233) {
        mp_options_t options = {.max_object = most,
                                .threads = (mp_threads_t)_i};
        memory_pool_t *mp = mp_create(&options);
        POOLS_EXPECT(mp != NULL);
        for (unsigned i = 0; i < 10; i++) {
            void *object = mp_allocate(mp, most);
            POOLS_EXPECT(object != NULL);
            errno = 0;
            POOLS_EXPECT(mp_allocate(mp, most + 1) == NULL);
            POOLS_EXPECT(errno == EINVAL);
            POOLS_EXPECT(mp_allocate(mp, most + 500) == NULL);
            POOLS_EXPECT(mp_realloc(mp, object, most + 1) == NULL);
            if (i % 2 == 0) {
                free_memory(mp, object);
            }
        }
        destroy_memory_pool(mp);
    }
}
END_TEST

START_TEST(a_name_is_copied_and_begins_each_report)
{
    char name[200];
    mp_options_t options = {.name = name, .report = mp_report_stderr};

    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    memory_pool_t *mp = mp_create(&options);
    ck_assert_ptr_nonnull(mp);
    memset(name, 'x', sizeof name - 1); /* the pool has its own copy */
    support_capture();
    free_memory(mp, NULL);
    memset(name, 'n', 63);
    snprintf(name + 63, sizeof name - 63, ": %s", SUPPORT_NO_POINTER);
    support_release_words(name);
    destroy_memory_pool(mp);
    options.name = "short";
    mp = mp_create(&options);
    ck_assert_ptr_nonnull(mp);
    support_capture();
    free_memory(mp, &options);
    support_release_words("short: " SUPPORT_NOT_IN_POOL);
    destroy_memory_pool(mp);
}
END_TEST

START_TEST(a_pool_whose_backing_fails_says_so_and_stays_whole)
{
    static const size_t sizes[] = {16, 1000, 5000, 300000};
    struct pools_backing own;

    size_t last = support_times(40, 8);

    for (size_t n = 1; n < last; n++) {
        for (unsigned persistent = 0; persistent < 2; persistent++) {
            pools_backing_start(&own);
            own.fail_at = n;
            own.fail_on = persistent != 0;
            mp_backing_t backing = pools_backing_of(&own);
            mp_options_t options = {.backing = &backing,
                                    .threads = (mp_threads_t)_i};
            errno = 0;
            memory_pool_t *mp = mp_create(&options);
            POOLS_EXPECT((mp == NULL) == (n == 1));
            if (mp == NULL) {
                POOLS_EXPECT(errno == ENOMEM && own.count == 0);
                continue;
            }
            unsigned refused = 0;
            for (unsigned i = 0; i < 300; i++) {
                size_t size = sizes[i % 4];
                size_t before = own.count;
                errno = 0;
                unsigned char *at = i % 5 == 0
                                        ? mp_aligned_alloc(mp, 256, size)
                                        : mp_allocate(mp, size);
                if (at == NULL) {
                    refused++;
                    POOLS_EXPECT(errno == ENOMEM && own.count == before);
                    POOLS_EXPECT(mp_check(mp) == 0);
                } else {
                    at[0] = at[size / 2] = at[size - 1] = 1;
                }
            }
            POOLS_EXPECT(mp_check(mp) == 0);
            /* A source that refuses once is asked for less. */
            POOLS_EXPECT(persistent != 0 ? refused > 0 : refused <= 1);
            own.fail_at = 0;
            POOLS_EXPECT(mp_allocate(mp, 100000) != NULL);
            errno = SUPPORT_ERRNO;
            destroy_memory_pool(mp);
            POOLS_EXPECT(errno == SUPPORT_ERRNO);
            POOLS_EXPECT(own.count == 0 && own.wrong == 0);
        }
    }
}
END_TEST

START_TEST(a_trim_gives_back_all_but_the_first_block)
{
    struct pools_backing own;

    pools_backing_start(&own);
    mp_backing_t backing = pools_backing_of(&own);
    mp_options_t options = {.backing = &backing, .threads = (mp_threads_t)_i};
    memory_pool_t *mp = mp_create(&options);
    size_t first = own.bytes;
    ck_assert_ptr_nonnull(mp);
    for (unsigned i = 0; i < 20000; i++) {
        POOLS_EXPECT(mp_allocate(mp, 100) != NULL);
    }
    ck_assert_uint_eq(mp_trim(mp, 0), 0); /* nothing is empty */
    free_all_memory(mp);
    size_t before = own.bytes;
    size_t given = mp_trim(mp, 0);
    ck_assert_uint_eq(own.bytes, before - given);
    ck_assert_uint_eq(own.bytes, first);
    ck_assert_int_eq(mp_check(mp), 0);
    ck_assert_ptr_nonnull(mp_allocate(mp, 100));
    destroy_memory_pool(mp);
    ck_assert_uint_eq(own.count + own.wrong, 0);
}
END_TEST

/* Allocates that many bytes in small objects, and drops them. */
static void fill_and_reset(memory_pool_t *mp, size_t bytes)
{
    for (size_t n = bytes / 1024; n > 0; n--) {
        POOLS_EXPECT(mp_allocate(mp, 1024) != NULL);
    }
    free_all_memory(mp);
}

/* A reset keeps what libmempool(7) states, and a trim what it is told, to
 * less than the largest block, 1 MiB and what it has besides. */
START_TEST(a_reset_and_a_trim_keep_no_more_than_promised)
{
    const mp_options_t options = {.threads = (mp_threads_t)_i};
    memory_pool_t *mp = mp_create(&options);

    ck_assert_ptr_nonnull(mp);
    const bool cached = pools_cached(mp);
    ck_assert(_i == 0 || !cached);
    const size_t most = cached ? (size_t)16 << 20 : (size_t)64 << 10;
    const size_t keep = cached ? (size_t)5 << 20 : (size_t)20 << 10;
    const size_t block = cached ? (size_t)2 << 20 : most;
    fill_and_reset(mp, (size_t)40 << 20);
    size_t kept = mp_trim(mp, 0);
    ck_assert_uint_le(kept, most);
    ck_assert_uint_ge(kept + block, most);
    fill_and_reset(mp, (size_t)40 << 20);
    mp_trim(mp, keep);
    kept = mp_trim(mp, 0);
    ck_assert_uint_le(kept, keep);
    ck_assert(kept + block > keep && (!cached || kept > 0));
    ck_assert_uint_eq(mp_trim(mp, 0), 0);
    /* What was freed into caches is gathered first. */
    static void *objects[200];
    for (unsigned i = 0; i < 200; i++) {
        objects[i] = mp_allocate(mp, 1000);
        POOLS_EXPECT(objects[i] != NULL);
    }
    for (unsigned i = 0; i < 200; i++) {
        free_memory(mp, objects[i]);
    }
    mp_trim(mp, 0);
    mp_stats_t stats;
    ck_assert_int_eq(mp_stats(mp, &stats), 0);
    ck_assert_uint_eq(stats.cached_bytes, 0);
    ck_assert_uint_le(stats.backing_bytes, 4096);
    ck_assert_int_eq(mp_check(mp), 0);
    destroy_memory_pool(mp);
}
END_TEST

#define SHARES 8
#define SHARE_CAPACITY 1000003u

static void *take_share(void *argument)
{
    return (void *)pools_take_all(argument, false);
}

START_TEST(threads_fill_a_shared_capacity_to_the_byte)
{
    mp_options_t options = {.capacity = SHARE_CAPACITY};
    memory_pool_t *mp = mp_create(&options);

    ck_assert_ptr_nonnull(mp);
    for (unsigned round = 0; round < 5; round++) {
        size_t taken = threads_run(SHARES, take_share, mp, 0);
        ck_assert_uint_eq(taken, SHARE_CAPACITY);
        ck_assert_int_eq(mp_check(mp), 0);
        free_all_memory(mp);
        ck_assert_int_eq(mp_check(mp), 0);
    }
    destroy_memory_pool(mp);
}
END_TEST

START_TEST(memory_is_zeroed_in_every_way_that_frees_it)
{
    static unsigned char buffer[1 << 20];
    mp_backing_t backing = mp_backing_buffer(buffer, sizeof buffer);
    mp_options_t options = {.backing = &backing,
                            .flags = MP_ZERO_ON_FREE,
                            .threads = (mp_threads_t)_i};

    for (unsigned way = 0; way < 4; way++) {
        memory_pool_t *mp = mp_create(&options);
        unsigned char *objects[300];
        ck_assert_ptr_nonnull(mp);
        for (unsigned i = 0; i < 300; i++) {
            size_t size = 1 + i * 7;
            objects[i] = mp_allocate(mp, size);
            ck_assert_ptr_nonnull(objects[i]);
            support_put_word(objects[i], size);
        }
        ck_assert(!support_word_is_gone(buffer, sizeof buffer));
        for (unsigned i = 0; i < 300 && way < 2; i++) {
            if (way == 1 && i > 0) {
                objects[i] = mp_realloc(mp, objects[i], 1);
                ck_assert_ptr_nonnull(objects[i]);
            } else if (way == 0) {
                free_memory(mp, objects[i * 7 % 300]);
            }
        }
        if (way == 2) {
            free_all_memory(mp);
        } else if (way == 3) {
            destroy_memory_pool(mp);
        }
        ck_assert_msg(support_word_is_gone(buffer, sizeof buffer), "way %u",
                      way);
        if (way < 3) {
            destroy_memory_pool(mp);
        }
    }
}
END_TEST

START_TEST(a_buffer_is_used_within_its_bounds)
{
    static unsigned char buffer[20000];

    for (size_t size = 0; size < sizeof buffer; size += 1 + size / 20) {
        for (unsigned shift = 0; shift < 17; shift += 5) {
            mp_backing_t backing = mp_backing_buffer(buffer + shift, size);
            mp_options_t options = {.backing = &backing};
            memset(buffer, 0x77, sizeof buffer);
            backing = mp_backing_buffer(buffer + shift, size);
            memory_pool_t *mp = mp_create(&options);
            POOLS_EXPECT(mp != NULL || size < 4000);
            if (mp == NULL) {
                continue;
            }
            errno = 0;
            POOLS_EXPECT(mp_create(&options) == NULL && errno == ENOMEM);
            unsigned char *at;
            unsigned count = 0;
            while ((at = mp_allocate(mp, 40)) != NULL) {
                POOLS_EXPECT(at >= buffer + shift &&
                             at + 40 <= buffer + shift + size);
                memset(at, 1, 40);
                count++;
            }
            POOLS_EXPECT(errno == ENOMEM && mp_check(mp) == 0);
            POOLS_EXPECT(size < 4000 || count * 40 > size / 3);
            destroy_memory_pool(mp);
            for (size_t i = 0; i < shift; i++) {
                POOLS_EXPECT(buffer[i] == 0x77);
            }
            POOLS_EXPECT(buffer[shift + size] == 0x77);
        }
    }
}
END_TEST

/* What mp_backing(3) states: the pool with its name, and 17 bytes for each 16
 * of objects.  With assertions a lock knows its holder, too. */
#ifdef MP_CHECKS
#define BUFFER_FIXED 1728u
#else
#define BUFFER_FIXED 1680u
#endif

START_TEST(a_buffer_has_room_for_what_the_manual_states)
{
    static unsigned char buffer[17 + BUFFER_FIXED + 200 * 17];
    char name[64];

    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    for (size_t count = 1; count <= 200; count++) {
        unsigned char *at = buffer + count % 17;
        mp_backing_t backing =
            mp_backing_buffer(at, BUFFER_FIXED + count * 17);
        mp_options_t options = {.backing = &backing, .name = name};
        memory_pool_t *mp = mp_create(&options);
        POOLS_EXPECT(mp != NULL);
        for (size_t i = 0; i < count; i++) {
            POOLS_EXPECT(mp_allocate(mp, 16) != NULL);
        }
        destroy_memory_pool(mp);
    }
}
END_TEST

/* So many objects of one length fit into a buffer. */
static void fill_buffer(unsigned char *buffer, size_t size, size_t length,
                        size_t count)
{
    mp_backing_t backing = mp_backing_buffer(buffer, size);
    mp_options_t options = {.backing = &backing};
    memory_pool_t *mp = mp_create(&options);

    POOLS_EXPECT(mp != NULL);
    for (size_t i = 0; i < count; i++) {
        POOLS_EXPECT(mp_allocate(mp, length) != NULL);
    }
    mp_destroy(mp);
}

START_TEST(a_buffer_has_room_for_what_its_size_was_asked_for)
{
    static unsigned char constant[MP_BUFFER_SIZE(10000)];
    static unsigned char buffer[16 + MP_BUFFER_SIZE(2000000)];
    const size_t lengths[] = {1, 16, 17, 100, 1024, 1025, 5000, 20000};

    fill_buffer(constant, sizeof constant, 1, 625);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        size_t whole = (lengths[i] + 15) / 16 * 16;
        for (size_t count = 1; count <= 64; count += 7) {
            fill_buffer(buffer + count % 16, MP_BUFFER_SIZE(count * whole),
                        lengths[i], count);
        }
    }
#if SIZE_MAX > UINT_MAX
    /* A product that no unsigned int holds. */
    ck_assert_uint_gt(MP_BUFFER_SIZE(0xfffffff0u), 0xfffffff0u);
#endif
    mp_backing_t backing = mp_backing_buffer(buffer, 2048);
    mp_options_t options = {.backing = &backing};
    memory_pool_t *mp = mp_create(&options);
    ck_assert_ptr_nonnull(mp);
    mp_destroy(mp);
}
END_TEST

/* Still a constant. */
enum { BUFFER_NONE = MP_BUFFER_SIZE(SIZE_MAX) == SIZE_MAX };

START_TEST(a_buffer_whose_size_no_size_t_holds_makes_no_pool)
{
    static unsigned char buffer[16384];
    const size_t most = (SIZE_MAX - 2048) / 17 * 16; /* bytes that may fit */
    size_t last = 0;

    ck_assert(BUFFER_NONE);
    for (size_t bytes = most - 1000; bytes < most + 1000; bytes++) {
        size_t size = MP_BUFFER_SIZE(bytes);
        ck_assert(size >= last && size > bytes);
        last = size;
    }
    ck_assert_uint_eq(last, SIZE_MAX);
    ck_assert_uint_lt(MP_BUFFER_SIZE(most - 1000), SIZE_MAX);
    ck_assert_uint_eq(MP_BUFFER_SIZE(SIZE_MAX / 2 * 2), SIZE_MAX);
    ck_assert(MP_BUFFER_SIZE(UINT64_MAX) == SIZE_MAX);
    for (size_t back = 0; back < 100; back++) {
        mp_backing_t backing = mp_backing_buffer(buffer, SIZE_MAX - back);
        mp_options_t options = {.backing = &backing};
        errno = 0;
        POOLS_EXPECT(mp_create(&options) == NULL && errno == ENOMEM);
    }
    for (size_t i = 0; i < sizeof buffer; i++) {
        POOLS_EXPECT(buffer[i] == 0);
    }
}
END_TEST

/* What the manual says of marks there. */
START_TEST(a_mark_takes_no_more_of_a_buffer_than_stated)
{
    static unsigned char buffer[BUFFER_FIXED + 10 * 2200];
    mp_backing_t backing = mp_backing_buffer(buffer, sizeof buffer);
    mp_options_t options = {.backing = &backing};
    memory_pool_t *mp = mp_create(&options);

    for (unsigned i = 0; i < 10; i++) {
        mp_mark_t mark = mp_mark(mp);
        ck_assert(!MP_MARK_FAILED(mark));
        /* It has room of its own for some objects. */
        ck_assert_ptr_nonnull(mp_allocate(mp, 900));
    }
    mp_destroy(mp);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("options");
    TCase *creation = support_case(suite, "creation");
    TCase *reports = support_case(suite, "reports");
    TCase *memory = support_case(suite, "memory");

    tcase_add_test(creation, impossible_options_are_refused_by_name);
    tcase_add_test(creation,
                   options_of_other_lengths_are_read_as_far_as_they_are_known);
    tcase_add_loop_test(creation, the_largest_object_is_exact_to_the_byte, 0,
                        3);
    tcase_add_loop_test(reports, each_refusal_is_reported_once_with_its_event,
                        0, 3);
    tcase_add_test(reports, a_name_is_copied_and_begins_each_report);
    tcase_add_loop_test(memory,
                        a_pool_whose_backing_fails_says_so_and_stays_whole, 0,
                        3);
    tcase_add_loop_test(memory, a_trim_gives_back_all_but_the_first_block, 0,
                        3);
    tcase_add_loop_test(memory, a_reset_and_a_trim_keep_no_more_than_promised,
                        0, 2);
    tcase_add_test(memory, threads_fill_a_shared_capacity_to_the_byte);
    tcase_add_loop_test(memory, memory_is_zeroed_in_every_way_that_frees_it, 0,
                        3);
    tcase_add_test(memory, a_buffer_is_used_within_its_bounds);
    tcase_add_test(memory, a_buffer_has_room_for_what_the_manual_states);
    tcase_add_test(memory, a_buffer_has_room_for_what_its_size_was_asked_for);
    tcase_add_test(memory,
                   a_buffer_whose_size_no_size_t_holds_makes_no_pool);
    tcase_add_test(memory, a_mark_takes_no_more_of_a_buffer_than_stated);
    return support_run(suite);
}
