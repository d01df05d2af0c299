/* SPDX-License-Identifier: MIT
 *
 * check_owners.c - whose an address is, in memory that other pools had before.
 *
 * What it cannot do: tell where the library puts a long object.  So each test
 * uses so much memory that some of it was another pool's.
 */
#include <stdint.h>
#include <string.h>

#include "pools.h"

#define MIB ((size_t)1 << 20)

/* Each address in a long object is the pool's, whoever had the memory before,
 * and none but the first is an object of any pool. */
static void expect_interior(memory_pool_t *mp, memory_pool_t *other,
                            char *object, size_t size)
{
    for (size_t i = 16; i < size; i += 2048 + 16) {
        POOLS_EXPECT(mp_owner(object + i) == mp);
        POOLS_EXPECT(!is_mp_ptr(mp, object + i));
        POOLS_EXPECT(!is_mp_ptr(other, object + i));
        free_memory(other, object + i);
        free_memory(mp, object + i);
    }
    POOLS_EXPECT(mp_owner(object) == mp && is_mp_ptr(mp, object));
}

/* What a shrunk object leaves is cut into short ones, which caches take, but
 * none of another pool that had the memory before. */
static void use_the_rest(memory_pool_t *mp, memory_pool_t *other)
{
    static void *rest[20000];

    for (size_t i = 0; i < 20000; i++) {
        rest[i] = mp_allocate(mp, 16 + i % 100);
        POOLS_EXPECT(rest[i] != NULL && mp_owner(rest[i]) == mp);
    }
    free_memory(other, mp_allocate(other, 16)); /* its cache is at hand */
    for (size_t i = 0; i < 20000; i += 7) {
        free_memory(other, rest[i]);
    }
    for (size_t i = 0; i < 20000; i++) {
        POOLS_EXPECT(is_mp_ptr(mp, rest[i]));
        free_memory(mp, rest[i]);
    }
    ck_assert_int_eq(mp_check(mp), 0);
    ck_assert_int_eq(mp_check(other), 0);
}

static void no_report(memory_pool_t *mp, mp_event_t event, const char *line,
                      const void *ptr, void *context)
{
    (void)mp;
    (void)event;
    (void)line;
    (void)ptr;
    (void)context;
}

START_TEST(a_long_object_in_memory_of_another_pool_is_its_own_pool_s)
{
    mp_options_t options = {.report = no_report};
    memory_pool_t *other = mp_create(&options);
    memory_pool_t *mp = mp_create(&options);

    ck_assert(other != NULL && mp != NULL);
    for (size_t i = 0; i < 100; i++) {
        ck_assert_ptr_nonnull(mp_allocate(other, 200000));
    }
    free_all_memory(other);
    (void)mp_trim(other, 0);
    char *object = mp_allocate(mp, MIB);
    char *second = mp_aligned_alloc(mp, 65536, MIB);
    ck_assert(object != NULL && second != NULL);
    expect_interior(mp, other, object, MIB);
    expect_interior(mp, other, second, MIB);
    object = mp_realloc(mp, object, 5 * MIB);
    ck_assert_ptr_nonnull(object);
    expect_interior(mp, other, object, 5 * MIB);
    object = mp_realloc(mp, object, 70000);
    use_the_rest(mp, other);
    expect_interior(mp, other, object, 70000);
    mp_mark_t mark = mp_mark(mp);
    char *third = mp_allocate(mp, MIB);
    ck_assert_ptr_nonnull(third);
    expect_interior(mp, other, third, MIB);
    third = mp_realloc(mp, third, 30000);
    use_the_rest(mp, other);
    ck_assert_int_eq(mp_rewind(mp, mark), 0);
    use_the_rest(mp, other);
    destroy_memory_pool(mp);
    destroy_memory_pool(other);
}
END_TEST

#define GONE 100u

/* The pools' own slots become part of long objects, while the memory that they
 * had elsewhere is still free under their names.  What the objects hold would be
 * taken for the parts of a pool that is in use. */
START_TEST(a_name_of_a_pool_that_is_gone_leads_nowhere)
{
    memory_pool_t *gone[GONE];
    char *old[GONE];
    memory_pool_t *mp = mp_create(NULL);

    for (size_t i = 0; i < GONE; i++) {
        gone[i] = mp_create(NULL);
        old[i] = mp_allocate(gone[i], 250000);
        ck_assert_ptr_nonnull(old[i]);
    }
    for (size_t i = 0; i < GONE; i++) {
        destroy_memory_pool(gone[i]);
    }
    for (size_t n = 0; n < GONE / 2; n++) {
        uint64_t *object = mp_allocate(mp, 300000);
        ck_assert_ptr_nonnull(object);
        for (size_t i = 0; i < 300000 / sizeof *object; i++) {
            object[i] = UINT64_C(0xffff) << 48;
        }
        for (size_t i = 0; i < GONE; i++) {
            memory_pool_t *owner = mp_owner(old[i] + 1000);
            POOLS_EXPECT(owner == NULL || owner == mp);
        }
    }
    destroy_memory_pool(mp);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("owners");
    TCase *owners = support_case(suite, "owners");

    tcase_add_test(owners,
                   a_long_object_in_memory_of_another_pool_is_its_own_pool_s);
    tcase_add_test(owners, a_name_of_a_pool_that_is_gone_leads_nowhere);
    return support_run(suite);
}
