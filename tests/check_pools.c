/* SPDX-License-Identifier: MIT
 *
 * check_pools.c - what every public function does, on every kind of pool.
 *
 * The same battery for each: sizes, alignment, frees in any order, resizing,
 * zeroed and aligned objects, and what an address is to the pool.  What only
 * some options promise is in check_options.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pools.h"

#define SIZES 5000u

/* Objects up to this, alone in a pool, lie in its first block. */
#define FIRST_BLOCK 500u

static bool is_power(size_t n)
{
    return (n & (n - 1)) == 0;
}

/* The alignment that mp_allocate() promises. */
static size_t promised(size_t size)
{
    size_t alignment = 16;

    while (alignment > size) {
        alignment /= 2;
    }
    return alignment;
}

static void *allocate(memory_pool_t *mp, size_t size, uint32_t tag)
{
    errno = SUPPORT_ERRNO;
    unsigned char *at = mp_allocate(mp, size);
    POOLS_EXPECT(at != NULL);
    POOLS_EXPECT(errno == SUPPORT_ERRNO);
    POOLS_EXPECT((uintptr_t)at % promised(size) == 0);
    POOLS_EXPECT(mp_usable_size(mp, at) >= size);
    POOLS_EXPECT(mp_locate(mp, at) == MP_LIVE);
    support_fill(at, size, tag);
    return at;
}

static void release(memory_pool_t *mp, void *at, size_t size, uint32_t tag)
{
    POOLS_EXPECT(support_holds(at, size, tag));
    errno = SUPPORT_ERRNO;
    free_memory(mp, at);
    POOLS_EXPECT(errno == SUPPORT_ERRNO);
    POOLS_EXPECT(mp_locate(mp, at) != MP_LIVE);
}

/* Which of some 16 steps ends with a check of the whole pool: each, or fewer
 * where that is slow. */
static bool is_checked(unsigned step)
{
    return step % (16 / support_times(16, 8)) == 0;
}

static int by_address(const void *a, const void *b)
{
    uintptr_t one = *(const uintptr_t *)a;
    uintptr_t two = *(const uintptr_t *)b;

    return (one > two) - (one < two);
}

START_TEST(objects_of_every_size_lie_apart_and_keep_their_bytes)
{
    memory_pool_t *mp = pools_make(_i);
    static unsigned char *objects[SIZES + 1];
    static uintptr_t sorted[SIZES][2];
    uint64_t random = 1;

    for (unsigned size = 1; size <= SIZES; size++) {
        objects[size] = allocate(mp, size, size);
        sorted[size - 1][0] = (uintptr_t)objects[size];
        sorted[size - 1][1] = size;
    }
    ck_assert_int_eq(mp_check(mp), 0);
    qsort(sorted, SIZES, sizeof sorted[0], by_address);
    for (unsigned i = 1; i < SIZES; i++) {
        POOLS_EXPECT(sorted[i - 1][0] + sorted[i - 1][1] <= sorted[i][0]);
    }
    for (unsigned left = SIZES; left > 0; left--) {
        size_t pick = 1 + support_below(&random, left);
        uint32_t size = (uint32_t)sorted[pick - 1][1];
        release(mp, objects[size], size, size);
        sorted[pick - 1][1] = sorted[left - 1][1];
        if (left % 500 == 0) {
            ck_assert_int_eq(mp_check(mp), 0);
        }
    }
    pools_end(mp, _i);
}
END_TEST

START_TEST(all_bytes_that_are_usable_belong_to_the_object)
{
    memory_pool_t *mp = pools_make(_i);
    unsigned char *one = NULL, *two = NULL;

    /* All that may be used is the object's own. */
    for (size_t size = 1; size < 3000; size += 7) {
        one = allocate(mp, size, 1);
        two = allocate(mp, size, 2);
        support_fill(one, mp_usable_size(mp, one), 3);
        support_fill(two, mp_usable_size(mp, two), 4);
        POOLS_EXPECT(support_holds(one, mp_usable_size(mp, one), 3));
        free_memory(mp, one);
        POOLS_EXPECT(support_holds(two, mp_usable_size(mp, two), 4));
        free_memory(mp, two);
    }
    SUPPORT_REFUSED(mp_usable_size(mp, two), 0);
    SUPPORT_REFUSED(mp_usable_size(mp, NULL), 0);
    pools_end(mp, _i);
}
END_TEST

START_TEST(large_objects_come_and_go_in_any_order)
{
    static const size_t sizes[] = {100000, 1u << 20, 10000000, 262144,
                                   262145, 65536,    1025};
    enum { COUNT = sizeof sizes / sizeof sizes[0] };
    memory_pool_t *mp = pools_make(_i);
    unsigned char *objects[COUNT];

    for (unsigned round = 0; round < support_times(COUNT, 3); round++) {
        for (unsigned i = 0; i < COUNT; i++) {
            objects[i] = allocate(mp, sizes[i], i);
            ck_assert_int_eq(mp_check(mp), 0);
        }
        for (unsigned i = 0; i < COUNT; i++) {
            unsigned j = (i * 3 + round) % COUNT;
            unsigned char *at = objects[j];
            POOLS_EXPECT(mp_locate(mp, at + sizes[j] - 1) == MP_INTERIOR);
            POOLS_EXPECT(mp_locate(mp, at + sizes[j] / 2) == MP_INTERIOR);
            POOLS_EXPECT(mp_owner(at + sizes[j] / 3) == mp);
            release(mp, at, sizes[j], j);
            ck_assert_int_eq(mp_check(mp), 0);
        }
    }
    pools_end(mp, _i);
}
END_TEST

START_TEST(a_reset_frees_every_object)
{
    memory_pool_t *mp = pools_make(_i);
    void *objects[300];
    void *big;

    for (unsigned round = 0; round < support_times(8, 2); round++) {
        for (unsigned i = 0; i < 300; i++) {
            objects[i] = allocate(mp, 1 + i * 11, i);
        }
        big = allocate(mp, 1000000, round);
        for (unsigned i = 0; i < 300; i += 1 + round) {
            free_memory(mp, objects[i]);
        }
        errno = SUPPORT_ERRNO;
        free_all_memory(mp);
        ck_assert_int_eq(errno, SUPPORT_ERRNO);
        ck_assert_int_eq(mp_check(mp), 0);
        for (unsigned i = 0; i < 300; i++) {
            POOLS_EXPECT(!is_mp_ptr(mp, objects[i]));
            POOLS_EXPECT(mp_locate(mp, objects[i]) != MP_INTERIOR);
        }
        POOLS_EXPECT(!is_mp_ptr(mp, big));
        if (round % 3 == 0) {
            mp_trim(mp, 0);
            ck_assert_int_eq(mp_check(mp), 0);
        }
    }
    pools_end(mp, _i);
}
END_TEST

START_TEST(mp_calloc_zeroes_and_refuses_a_product_that_overflows)
{
    memory_pool_t *mp = pools_make(_i);
    volatile size_t most = SIZE_MAX;

    for (size_t size = 1; size <= 70000; size += 1 + size / 3) {
        unsigned char *dirty = mp_allocate(mp, size);
        POOLS_EXPECT(dirty != NULL);
        memset(dirty, 0xee, mp_usable_size(mp, dirty));
        free_memory(mp, dirty);
        for (size_t count = 1; count <= 4; count += 3) {
            errno = SUPPORT_ERRNO;
            unsigned char *at = mp_calloc(mp, count, size);
            POOLS_EXPECT(at != NULL && errno == SUPPORT_ERRNO);
            for (size_t i = 0; i < count * size; i++) {
                POOLS_EXPECT(at[i] == 0);
            }
            memset(at, 0xdd, count * size);
            free_memory(mp, at);
        }
    }
    for (size_t k = 1; k <= SIZE_MAX / 2; k *= 2) {
        errno = 0;
        POOLS_EXPECT(mp_calloc(mp, most / k + 1, k + (k == 1)) == NULL);
        POOLS_EXPECT(errno == EINVAL);
    }
    SUPPORT_REFUSED(mp_calloc(mp, most & 0, 5), NULL);
    SUPPORT_REFUSED(mp_calloc(mp, 5, most & 0), NULL);
    pools_end(mp, _i);
}
END_TEST

START_TEST(mp_aligned_alloc_aligns_as_asked_and_refuses_other_alignments)
{
    static const size_t sizes[] = {1, 15, 16, 17, 100, 1024, 5000, 300000};
    enum { COUNT = sizeof sizes / sizeof sizes[0] };
    memory_pool_t *mp = pools_make(_i);
    unsigned char *objects[COUNT][17], *between[COUNT][17];
    volatile size_t wrong[] = {0, 3, 131072, 48, SIZE_MAX, SIZE_MAX / 2 + 1};

    for (unsigned s = 0; s < COUNT; s++) {
        for (unsigned a = 0; a <= 16; a++) {
            size_t alignment = (size_t)1 << a;
            between[s][a] = allocate(mp, 33, 100 * s + a);
            errno = SUPPORT_ERRNO;
            unsigned char *at = mp_aligned_alloc(mp, alignment, sizes[s]);
            POOLS_EXPECT(at != NULL && errno == SUPPORT_ERRNO);
            POOLS_EXPECT((uintptr_t)at % alignment == 0);
            POOLS_EXPECT(is_mp_ptr(mp, at));
            POOLS_EXPECT(mp_usable_size(mp, at) >= sizes[s]);
            POOLS_EXPECT(is_power(alignment));
            support_fill(at, sizes[s], a);
            objects[s][a] = at;
            POOLS_EXPECT(!is_checked(s + a) || mp_check(mp) == 0);
        }
    }
    for (unsigned a = 0; a <= 16; a++) {
        for (unsigned s = 0; s < COUNT; s++) {
            release(mp, objects[s][a], sizes[s], a);
            POOLS_EXPECT(!is_checked(s + a) || mp_check(mp) == 0);
            release(mp, between[s][a], 33, 100 * s + a);
        }
    }
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        SUPPORT_REFUSED(mp_aligned_alloc(mp, wrong[i], 100), NULL);
    }
    SUPPORT_REFUSED(mp_aligned_alloc(mp, 64, wrong[0]), NULL);
    ck_assert_int_eq(mp_check(mp), 0);
    pools_end(mp, _i);
}
END_TEST

START_TEST(mp_locate_tells_objects_their_inside_and_freed_ones_apart)
{
    memory_pool_t *mp = pools_make(_i);
    memory_pool_t *other = mp_create(NULL);
    unsigned char local;

    ck_assert_ptr_nonnull(other);
    for (size_t size = 1; size < 3000; size += size < 40 ? 1 : 371) {
        unsigned char *at = allocate(mp, size, 1);
        unsigned char *apart = allocate(other, size, 1);
        POOLS_EXPECT(is_mp_ptr(mp, at));
        POOLS_EXPECT(mp_owner(at) == mp);
        for (size_t i = 1; i < size; i++) {
            POOLS_EXPECT(mp_locate(mp, at + i) == MP_INTERIOR);
            POOLS_EXPECT(!is_mp_ptr(mp, at + i));
        }
        POOLS_EXPECT(mp_owner(at + size - 1) == mp);
        POOLS_EXPECT(mp_locate(mp, apart) == MP_FOREIGN);
        POOLS_EXPECT(mp_locate(other, at) == MP_FOREIGN);
        POOLS_EXPECT(mp_owner(apart) == other);
        free_memory(mp, at);
        /* An empty block but the first may be no longer the pool's. */
        mp_where_t gone = mp_locate(mp, at);
        POOLS_EXPECT(gone == MP_FREED ||
                     (gone == MP_FOREIGN &&
                      (size > FIRST_BLOCK || pools_tracked(_i))));
        for (size_t i = 0; i < size; i++) {
            POOLS_EXPECT(mp_locate(mp, at + i) == gone);
        }
        POOLS_EXPECT((mp_owner(at) == mp) == (gone == MP_FREED));
        free_memory(other, apart);
    }
    ck_assert_int_eq(mp_locate(mp, &local), MP_FOREIGN);
    ck_assert_int_eq(mp_locate(mp, NULL), MP_FOREIGN);
    ck_assert_ptr_null(mp_owner(&local));
    ck_assert_ptr_null(mp_owner(NULL));
    destroy_memory_pool(other);
    pools_end(mp, _i);
}
END_TEST

/* Refused: errno is EINVAL and the object as it was. */
static void expect_kept(memory_pool_t *mp, void *at, void *given,
                        size_t size)
{
    errno = 0;
    POOLS_EXPECT(mp_realloc(mp, given, size) == NULL);
    POOLS_EXPECT(errno == EINVAL);
    POOLS_EXPECT(support_holds(at, 300, 7) && is_mp_ptr(mp, at));
    POOLS_EXPECT(mp_check(mp) == 0);
}

START_TEST(mp_realloc_keeps_the_bytes_and_refuses_what_is_no_object)
{
    memory_pool_t *mp = pools_make(_i);
    volatile size_t zero = 0, most = SIZE_MAX;
    unsigned char *at = NULL;
    size_t before = 0;
    unsigned char local;

    /* Up and down, with others in the way or not. */
    for (unsigned n = 0; n < support_times(400, 4); n++) {
        size_t size = 1 + (n * n * 131) % (n % 10 == 0 ? 400000 : 3000);
        void *other = n % 3 == 0 ? mp_allocate(mp, 40) : NULL;
        errno = SUPPORT_ERRNO;
        unsigned char *next = mp_realloc(mp, at, size);
        POOLS_EXPECT(next != NULL && errno == SUPPORT_ERRNO);
        POOLS_EXPECT(support_holds(next, before < size ? before : size,
                                   n - 1));
        POOLS_EXPECT(next == at || at == NULL || mp_locate(mp, at) != MP_LIVE);
        POOLS_EXPECT(mp_usable_size(mp, next) >= size);
        POOLS_EXPECT((uintptr_t)next % promised(size) == 0);
        support_fill(next, size, n);
        POOLS_EXPECT(mp_check(mp) == 0);
        if (other != NULL && n % 2 == 0) {
            free_memory(mp, other);
        }
        at = next;
        before = size;
    }
    free_memory(mp, at);
    unsigned char *kept = allocate(mp, 300, 7);
    expect_kept(mp, kept, kept, zero);
    expect_kept(mp, kept, NULL, zero);
    expect_kept(mp, kept, kept + 16, 1000);
    expect_kept(mp, kept, kept + 1, 1000);
    expect_kept(mp, kept, &local, 1000);
    expect_kept(mp, kept, at == kept ? &local : at, 1000);
    for (size_t k = 0; k < 70; k++) {
        errno = 0;
        POOLS_EXPECT(mp_realloc(mp, kept, most - k) == NULL);
        POOLS_EXPECT(errno == EINVAL || errno == ENOMEM);
        POOLS_EXPECT(support_holds(kept, 300, 7));
    }
    pools_end(mp, _i);
}
END_TEST

START_TEST(mp_realloc_grows_into_free_room_behind_the_object)
{
    memory_pool_t *mp = pools_make(_i);

    /* Behind long objects nothing but what is freed here: no run of a
     * cache, which only short ones come from. */
    unsigned char *one = allocate(mp, 5000, 1);
    unsigned char *two = allocate(mp, 5000, 2);
    unsigned char *three = allocate(mp, 5000, 3);
    bool joined = two - one == 5008 && three - two == 5008;
    free_memory(mp, two);
    unsigned char *grown = mp_realloc(mp, one, 9000);
    POOLS_EXPECT(grown != NULL &&
                 (!joined || grown == one || pools_tracked(_i)));
    POOLS_EXPECT(support_holds(grown, 5000, 1));
    unsigned char *shrunk = mp_realloc(mp, grown, 100);
    POOLS_EXPECT(shrunk == grown || (shrunk != NULL && pools_tracked(_i)));
    POOLS_EXPECT(support_holds(shrunk, 100, 1));
    POOLS_EXPECT(support_holds(three, 5000, 3));
    POOLS_EXPECT(mp_check(mp) == 0);
    pools_end(mp, _i);
}
END_TEST

START_TEST(sizes_near_the_largest_are_refused)
{
    memory_pool_t *mp = pools_make(_i);
    const mp_options_t *options = &pools_kinds[_i].options;
    bool bounded = options->capacity != 0 || options->max_object != 0;
    volatile size_t most = SIZE_MAX;
    int error = bounded ? EINVAL : ENOMEM;

    POOLS_EXPECT(mp_allocate(mp, 10) != NULL);
    for (size_t k = 0; k < 70000; k += k < 100 ? 1 : 977) {
        errno = 0;
        POOLS_EXPECT(mp_allocate(mp, most - k) == NULL && errno == error);
        /* Half of all addresses may be had, where those are few.  A tracked
         * pool writes all of such an object, so once is enough, and that in
         * the others. */
        if (SIZE_MAX > UINT32_MAX || (k == 0 && !pools_tracked(_i))) {
            errno = 0;
            void *half = mp_allocate(mp, most / 2 - k);
            POOLS_EXPECT(half == NULL ? errno == error
                                      : SIZE_MAX <= UINT32_MAX);
            if (half != NULL) {
                free_memory(mp, half);
            }
        }
        errno = 0;
        POOLS_EXPECT(mp_calloc(mp, 1, most - k) == NULL && errno == error);
        errno = 0;
        POOLS_EXPECT(mp_aligned_alloc(mp, 4096, most - k) == NULL &&
                     errno == error);
    }
    ck_assert_int_eq(mp_check(mp), 0);
    POOLS_EXPECT(mp_allocate(mp, 1000) != NULL);
    pools_end(mp, _i);
}
END_TEST

START_TEST(any_word_as_a_pointer_is_refused)
{
    memory_pool_t *mp = pools_make(_i);
    unsigned char *object = allocate(mp, 100, 1);
    uint64_t random = support_seed();

    for (unsigned n = support_times(3000, 3); n > 0; n--) {
        uint64_t word = support_random(&random);
        void *ptr = (void *)(uintptr_t)(
            n % 3 == 0 ? word
                       : (uintptr_t)object + (word >> (16 + n % 48)));
        if (ptr == object) {
            continue;
        }
        errno = 0;
        free_memory(mp, ptr);
        POOLS_EXPECT(errno == EINVAL);
        POOLS_EXPECT(mp_locate(mp, ptr) != MP_LIVE);
        POOLS_EXPECT(mp_usable_size(mp, ptr) == 0);
        POOLS_EXPECT(ptr == NULL || mp_realloc(mp, ptr, 10) == NULL);
        memory_pool_t *owner = mp_owner(ptr);
        POOLS_EXPECT(owner == NULL || owner == mp);
    }
    release(mp, object, 100, 1);
    pools_end(mp, _i);
}
END_TEST

START_TEST(resizing_and_alignment_cost_no_capacity)
{
    memory_pool_t *mp = pools_make(_i);
    size_t left = pools_kinds[_i].options.capacity;
    void *last = NULL;

    /* Odd sizes, so that no rounding could be paid from the capacity. */
    while (left > 0) {
        size_t size = left > 1000003 ? 1000003 : left;
        last = mp_allocate(mp, size);
        POOLS_EXPECT(last != NULL);
        left -= size;
    }
    errno = 0;
    POOLS_EXPECT(mp_allocate(mp, 1) == NULL && errno == ENOBUFS);
    size_t size = mp_usable_size(mp, last);
    POOLS_EXPECT(mp_realloc(mp, last, size + 1) == NULL && errno == ENOBUFS);
    last = mp_realloc(mp, last, size - 33);
    POOLS_EXPECT(last != NULL && mp_allocate(mp, 34) == NULL);
    void *small = mp_aligned_alloc(mp, 1024, 33);
    POOLS_EXPECT(small != NULL && mp_allocate(mp, 1) == NULL);
    free_memory(mp, small);
    last = mp_realloc(mp, last, size);
    POOLS_EXPECT(last != NULL && mp_allocate(mp, 1) == NULL);
    POOLS_EXPECT(mp_check(mp) == 0);
    free_all_memory(mp);
    POOLS_EXPECT(mp_allocate(mp, 1000003) != NULL);
    pools_end(mp, _i);
}
END_TEST

START_TEST(a_null_pool_is_refused_by_every_function)
{
    char local;

    SUPPORT_REFUSED(mp_calloc(NULL, 1, 1), NULL);
    SUPPORT_REFUSED(mp_realloc(NULL, &local, 1), NULL);
    SUPPORT_REFUSED(mp_aligned_alloc(NULL, 16, 1), NULL);
    SUPPORT_REFUSED(mp_usable_size(NULL, &local), 0);
    SUPPORT_REFUSED(mp_locate(NULL, &local), MP_FOREIGN);
    SUPPORT_REFUSED(mp_check(NULL), -1);
    SUPPORT_REFUSED(mp_trim(NULL, 0), 0);
}
END_TEST

START_TEST(mp_version_is_the_headers_version)
{
    char text[64];

    snprintf(text, sizeof text, "%d.%d.%d", MP_VERSION_MAJOR,
             MP_VERSION_MINOR, MP_VERSION_PATCH);
    ck_assert_str_eq(mp_version(), text);
}
END_TEST

static void add_all(TCase *test_case)
{
    tcase_add_loop_test(test_case,
                        objects_of_every_size_lie_apart_and_keep_their_bytes,
                        0, pools_count);
    tcase_add_loop_test(test_case,
                        all_bytes_that_are_usable_belong_to_the_object, 0,
                        pools_count);
    tcase_add_loop_test(test_case, large_objects_come_and_go_in_any_order, 0,
                        pools_count);
    tcase_add_loop_test(test_case, a_reset_frees_every_object, 0, pools_count);
    tcase_add_loop_test(test_case,
                        mp_calloc_zeroes_and_refuses_a_product_that_overflows,
                        0, pools_count);
    tcase_add_loop_test(
        test_case,
        mp_aligned_alloc_aligns_as_asked_and_refuses_other_alignments, 0,
        pools_count);
    tcase_add_loop_test(
        test_case, mp_locate_tells_objects_their_inside_and_freed_ones_apart,
        0, pools_count);
    tcase_add_loop_test(
        test_case, mp_realloc_keeps_the_bytes_and_refuses_what_is_no_object, 0,
        pools_count);
    tcase_add_loop_test(test_case,
                        mp_realloc_grows_into_free_room_behind_the_object, 0,
                        pools_count);
    tcase_add_loop_test(test_case, sizes_near_the_largest_are_refused, 0,
                        pools_count);
    tcase_add_loop_test(test_case, any_word_as_a_pointer_is_refused, 0,
                        pools_count);
    for (int i = 0; i < pools_count; i++) {
        if (pools_kinds[i].options.capacity != 0) {
            tcase_add_loop_test(test_case,
                                resizing_and_alignment_cost_no_capacity, i,
                                i + 1);
        }
    }
    tcase_add_test(test_case, a_null_pool_is_refused_by_every_function);
    tcase_add_test(test_case, mp_version_is_the_headers_version);
}

int main(void)
{
    Suite *suite = suite_create("every kind of pool");

    add_all(support_case(suite, "every kind"));
    return support_run(suite);
}
