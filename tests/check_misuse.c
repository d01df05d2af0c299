/* SPDX-License-Identifier: MIT
 *
 * check_misuse.c - the answer to every misuse, word for word.
 *
 * Each test makes one mistake, and looks at four things: the line on standard
 * error, errno, the result, and that the pool holds afterwards what it held
 * before.  check_memory.c does the same for a system without memory.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support.h"

#define CAPACITY ((size_t)MAX_BLOCK_SIZE)

/* Some objects of different sizes, and room left. */
static struct support_shadow *misuse_pool(void)
{
    struct support_shadow *shadow = shadow_new();

    shadow_allocate(shadow, 1);
    shadow_allocate(shadow, 17);
    shadow_allocate(shadow, 3);
    shadow_allocate(shadow, CAPACITY / 4);
    return shadow;
}

/* Sizes come through here: the compiler knows what too much is, and warns. */
static size_t misuse_size(size_t size)
{
    volatile size_t hidden = size;

    return hidden;
}

static void misuse_allocate(struct support_shadow *shadow, size_t size,
                            const char *line, int error)
{
    memory_pool_t *mp = shadow != NULL ? shadow->mp : NULL;

    support_capture();
    errno = SUPPORT_ERRNO;
    void *at = mp_allocate(mp, misuse_size(size));
    int seen = errno;
    support_release_lines(line, 1);
    ck_assert_ptr_null(at);
    ck_assert_int_eq(seen, error);
    if (shadow != NULL) {
        shadow_verify(shadow);
    }
}

static void misuse_free_once(memory_pool_t *mp, const void *ptr,
                             const char *line)
{
    support_capture();
    errno = SUPPORT_ERRNO;
    free_memory(mp, ptr);
    int seen = errno;
    support_release_lines(line, 1);
    ck_assert_int_eq(seen, EINVAL);
}

/* A pointer that is not the start of a live object is refused by free, and
 * is_mp_ptr says no without a word. */
static void misuse_free(struct support_shadow *shadow, const void *ptr)
{
    support_capture();
    errno = SUPPORT_ERRNO;
    bool known = is_mp_ptr(shadow->mp, (void *)(uintptr_t)ptr);
    int seen = errno;
    support_release_lines("", 0);
    ck_assert(!known);
    ck_assert_int_eq(seen, SUPPORT_ERRNO);
    misuse_free_once(shadow->mp, ptr, SUPPORT_NOT_IN_POOL);
    shadow_verify(shadow);
}

START_TEST(a_null_pool_is_reported)
{
    int object = 0;

    misuse_allocate(NULL, 1, SUPPORT_ALLOCATE_NO_POOL, EINVAL);
    misuse_allocate(NULL, 0, SUPPORT_ALLOCATE_NO_POOL, EINVAL);
    misuse_allocate(NULL, SIZE_MAX, SUPPORT_ALLOCATE_NO_POOL, EINVAL);
    misuse_free_once(NULL, &object, SUPPORT_NO_POOL);
    misuse_free_once(NULL, NULL, SUPPORT_NO_POOL);

    support_capture();
    errno = SUPPORT_ERRNO;
    free_all_memory(NULL);
    support_release_lines(SUPPORT_NO_POOL, 1);
    ck_assert_int_eq(errno, EINVAL);

    support_capture();
    errno = SUPPORT_ERRNO;
    destroy_memory_pool(NULL);
    support_release_lines(SUPPORT_NO_POOL, 1);
    ck_assert_int_eq(errno, EINVAL);

    for (int i = 0; i < 2; i++) {
        support_capture();
        errno = SUPPORT_ERRNO;
        ck_assert(!is_mp_ptr(NULL, i == 0 ? &object : NULL));
        support_release_lines(SUPPORT_NO_POOL, 1);
        ck_assert_int_eq(errno, EINVAL);
    }
}
END_TEST

START_TEST(a_null_pointer_is_reported)
{
    struct support_shadow *shadow = misuse_pool();

    misuse_free_once(shadow->mp, NULL, SUPPORT_NO_POINTER);
    shadow_verify(shadow);
    support_capture();
    errno = SUPPORT_ERRNO;
    ck_assert(!is_mp_ptr(shadow->mp, NULL));
    support_release_lines(SUPPORT_NO_POINTER, 1);
    ck_assert_int_eq(errno, EINVAL);
    shadow_verify(shadow);
    shadow_end(shadow);
}
END_TEST

START_TEST(a_size_of_0_or_above_the_largest_is_reported)
{
    struct support_shadow *shadow = misuse_pool();

    for (int full = 0; full < 2; full++) {
        misuse_allocate(shadow, 0, SUPPORT_SIZE, EINVAL);
        for (size_t i = 1; i < 300; i++) {
            misuse_allocate(shadow, CAPACITY + i, SUPPORT_SIZE, EINVAL);
            misuse_allocate(shadow, SIZE_MAX - i + 1, SUPPORT_SIZE, EINVAL);
        }
        for (size_t bit = CAPACITY * 2; bit != 0; bit <<= 1) {
            misuse_allocate(shadow, bit, SUPPORT_SIZE, EINVAL);
            misuse_allocate(shadow, bit + 1, SUPPORT_SIZE, EINVAL);
        }
        if (full == 0) { /* then a wrong size is still the wrong size */
            shadow_allocate(shadow, CAPACITY - shadow->bytes);
        }
    }
    shadow_end(shadow);
}
END_TEST

START_TEST(a_full_pool_is_reported)
{
    struct support_shadow *shadow = misuse_pool();
    size_t left = CAPACITY - shadow->bytes;

    misuse_allocate(shadow, left + 1, SUPPORT_FULL, ENOBUFS);
    misuse_allocate(shadow, CAPACITY, SUPPORT_FULL, ENOBUFS);
    shadow_allocate(shadow, left);
    misuse_allocate(shadow, 1, SUPPORT_FULL, ENOBUFS);
    misuse_allocate(shadow, CAPACITY, SUPPORT_FULL, ENOBUFS);
    shadow_end(shadow);
}
END_TEST

static int misuse_static;
static const char misuse_constant[] = "constant";

START_TEST(a_foreign_pointer_is_refused)
{
    struct support_shadow *shadow = misuse_pool();
    struct support_shadow *other = misuse_pool();
    int local = 0;
    void *heap = malloc(64);

    ck_assert_ptr_nonnull(heap);
    misuse_free(shadow, &local);
    misuse_free(shadow, &misuse_static);
    misuse_free(shadow, misuse_constant);
    misuse_free(shadow, (void *)(uintptr_t)misuse_pool); /* code */
    misuse_free(shadow, heap);
    misuse_free(shadow, shadow);
    misuse_free(shadow, shadow->mp);
    misuse_free(shadow, stderr);
    misuse_free(shadow, &errno);
    for (size_t i = 0; i < other->count; i++) {
        misuse_free(shadow, other->objects[i].at);
        misuse_free(other, shadow->objects[i].at);
    }
    free(heap);
    shadow_end(other);
    shadow_end(shadow);
}
END_TEST

START_TEST(an_address_without_memory_is_refused)
{
    struct support_shadow *shadow = misuse_pool();
    size_t length = 4 * (size_t)sysconf(_SC_PAGESIZE);
    unsigned char *page = mmap(NULL, length, PROT_NONE,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    ck_assert(page != MAP_FAILED);
    for (size_t i = 0; i < length; i += length / 8) {
        misuse_free(shadow, page + i);
        misuse_free(shadow, page + i + 1);
    }
    ck_assert_int_eq(munmap(page, length), 0);
    misuse_free(shadow, page);
    for (uintptr_t word = 1; word < 300; word++) {
        misuse_free(shadow, (void *)word);
        misuse_free(shadow, (void *)(UINTPTR_MAX - word + 1));
    }
    for (uintptr_t bit = 1; bit != 0; bit <<= 1) {
        misuse_free(shadow, (void *)bit);
        misuse_free(shadow, (void *)~bit);
    }
    shadow_end(shadow);
}
END_TEST

START_TEST(an_interior_pointer_is_refused_at_each_offset)
{
    struct support_shadow *shadow = misuse_pool();

    shadow_allocate(shadow, 16);
    for (size_t i = 0; i < shadow->count; i++) {
        struct support_object *object = &shadow->objects[i];
        size_t step = object->size > 1024 ? 7 : 1;
        for (size_t offset = 1; offset < object->size; offset += step) {
            misuse_free(shadow, object->at + offset);
        }
    }
    shadow_end(shadow);
}
END_TEST

static bool misuse_is_live(const struct support_shadow *shadow,
                           const void *ptr)
{
    for (size_t i = 0; i < shadow->count; i++) {
        if (shadow->objects[i].at == ptr) {
            return true;
        }
    }
    return false;
}

START_TEST(every_address_around_the_objects_is_refused)
{
    struct support_shadow *shadow = misuse_pool();

    for (size_t object = 0; object < shadow->count; object++) {
        uintptr_t at = (uintptr_t)shadow->objects[object].at;
        uintptr_t end = at + shadow->objects[object].size;
        for (uintptr_t word = at - 300; word < at + 64; word++) {
            if (!misuse_is_live(shadow, (void *)word)) {
                misuse_free(shadow, (void *)word);
            }
        }
        for (uintptr_t word = end; word < end + 300; word++) {
            if (!misuse_is_live(shadow, (void *)word)) {
                misuse_free(shadow, (void *)word);
            }
        }
    }
    shadow_end(shadow);
}
END_TEST

START_TEST(an_address_with_one_bit_wrong_is_refused)
{
    struct support_shadow *shadow = misuse_pool();

    for (size_t i = 0; i < shadow->count; i++) {
        for (uintptr_t bit = 1; bit != 0; bit <<= 1) {
            uintptr_t word = (uintptr_t)shadow->objects[i].at ^ bit;
            if (!misuse_is_live(shadow, (void *)word)) {
                misuse_free(shadow, (void *)word);
            }
        }
    }
    shadow_end(shadow);
}
END_TEST

START_TEST(random_words_are_refused)
{
    uint64_t random = support_seed();
    struct support_shadow *shadow = misuse_pool();
    unsigned words = support_times(2000000, 10);
    size_t freed = 0;

    support_capture();
    for (unsigned i = 0; i < words; i++) {
        uintptr_t word = (uintptr_t)support_random(&random);
        uintptr_t object =
            (uintptr_t)shadow->objects[i % shadow->count].at;
        if (i % 4 == 1) {
            word = object + word % (8 * CAPACITY) - 4 * CAPACITY;
        } else if (i % 4 == 2) {
            word = object ^ (uintptr_t)1 << word % (sizeof word * 8);
        }
        if (word == 0 || misuse_is_live(shadow, (void *)word)) {
            continue;
        }
        ck_assert(!is_mp_ptr(shadow->mp, (void *)word));
        if (i % 8 == 1) {
            freed++;
            errno = SUPPORT_ERRNO;
            free_memory(shadow->mp, (void *)word);
            ck_assert_int_eq(errno, EINVAL);
        }
    }
    support_release_lines(SUPPORT_NOT_IN_POOL, freed);
    shadow_verify(shadow);
    shadow_end(shadow);
}
END_TEST

START_TEST(a_second_free_is_refused)
{
    struct support_shadow *shadow = misuse_pool();

    for (size_t i = 0; i < 4; i++) { /* the first, the newest, between */
        static const size_t order[] = {3, 0, 1, 0};
        unsigned char *at = shadow->objects[order[i]].at;
        shadow_free_in_order(shadow, order[i]);
        misuse_free(shadow, at);
        misuse_free(shadow, at);
    }
    shadow_end(shadow);
}
END_TEST

START_TEST(a_second_free_after_other_frees_is_refused)
{
    uint64_t random = support_seed();
    struct support_shadow *shadow = shadow_new();
    unsigned char *at[16];

    for (int round = 0; round < 50; round++) {
        for (size_t i = 0; i < 16; i++) {
            at[i] = shadow_allocate(
                shadow, 1 + support_below(&random, CAPACITY / 16));
        }
        while (shadow->count > 0) {
            shadow_free(shadow, support_below(&random, shadow->count));
            for (size_t i = 0; i < 16; i++) {
                if (!misuse_is_live(shadow, at[i])) {
                    misuse_free(shadow, at[i]);
                }
            }
        }
    }
    shadow_end(shadow);
}
END_TEST

static void *misuse_free_thread(void *argument)
{
    struct support_shadow *shadow = argument;

    free_memory(shadow->mp, shadow->objects[shadow->count].at);
    return NULL;
}

START_TEST(a_second_free_by_another_thread_is_refused)
{
    struct support_shadow *shadow = misuse_pool();

    shadow_free(shadow, 3); /* the record behind the last stays readable */
    support_capture();
    support_join(support_start(misuse_free_thread, shadow));
    support_release_lines(SUPPORT_NOT_IN_POOL, 1);
    shadow_verify(shadow);
    shadow_end(shadow);
}
END_TEST

START_TEST(a_pointer_from_before_a_reset_is_refused)
{
    struct support_shadow *shadow = misuse_pool();
    unsigned char *at[8];

    while (shadow->count < 8) {
        shadow_allocate(shadow, 1);
    }
    for (size_t i = 0; i < 8; i++) {
        at[i] = shadow->objects[i].at;
    }
    shadow_reset(shadow);
    for (size_t i = 0; i < 8; i++) {
        misuse_free(shadow, at[i]);
    }
    shadow_allocate(shadow, CAPACITY);
    for (size_t i = 0; i < 8; i++) {
        if (!misuse_is_live(shadow, at[i])) {
            misuse_free(shadow, at[i]);
        }
    }
    shadow_end(shadow);
}
END_TEST

/* Refused with a line, and the pool holds what it held. */
static void misuse_rewind(struct support_shadow *shadow, mp_mark_t mark)
{
    support_capture();
    errno = SUPPORT_ERRNO;
    int result = mp_rewind(shadow->mp, mark);
    int seen = errno;
    support_release_lines("no such mark\n", 1);
    ck_assert_int_eq(result, -1);
    ck_assert_int_eq(seen, EINVAL);
    shadow_verify(shadow);
}

START_TEST(a_mark_that_is_none_is_refused)
{
    struct support_shadow *shadow = misuse_pool();
    struct support_shadow *other = misuse_pool();
    mp_mark_t none = {0};
    mp_mark_t mark = mp_mark(shadow->mp);

    ck_assert_uint_ne(mark.number, 0);
    misuse_rewind(shadow, none);
    misuse_rewind(other, mark);
    for (unsigned bit = 0; bit < 64; bit++) {
        mp_mark_t wrong = {mark.number ^ (uint64_t)1 << bit};
        misuse_rewind(shadow, wrong);
    }
    ck_assert_int_eq(mp_rewind(shadow->mp, mark), 0);
    misuse_rewind(shadow, mark);
    mark = mp_mark(shadow->mp);
    shadow_reset(shadow);
    misuse_rewind(shadow, mark);
    shadow_end(other);
    shadow_end(shadow);
}
END_TEST

/* Then a report fails, whose own errno is none of the caller's business. */
START_TEST(errno_is_right_where_standard_error_is_closed)
{
    struct support_shadow *shadow = misuse_pool();
    int seen[4] = {0};
    int saved = dup(STDERR_FILENO);

    ck_assert_int_ge(saved, 0);
    ck_assert_int_eq(close(STDERR_FILENO), 0);
    seen[0] = mp_allocate(NULL, 1) == NULL ? errno : 0;
    seen[1] = mp_allocate(shadow->mp, 0) == NULL ? errno : 0;
    seen[2] = mp_allocate(shadow->mp, CAPACITY) == NULL ? errno : 0;
    free_memory(shadow->mp, &saved);
    seen[3] = errno;
    ck_assert_int_ge(dup2(saved, STDERR_FILENO), 0);
    close(saved);
    clearerr(stderr);
    ck_assert_int_eq(seen[0], EINVAL);
    ck_assert_int_eq(seen[1], EINVAL);
    ck_assert_int_eq(seen[2], ENOBUFS);
    ck_assert_int_eq(seen[3], EINVAL);
    shadow_verify(shadow);
    shadow_end(shadow);
}
END_TEST

START_TEST(is_mp_ptr_knows_live_objects_and_nothing_else)
{
    struct support_shadow *shadow = misuse_pool();
    unsigned char *at = shadow->objects[1].at;
    int local = 0;

    support_capture();
    errno = SUPPORT_ERRNO;
    ck_assert(is_mp_ptr(shadow->mp, at));
    ck_assert(!is_mp_ptr(shadow->mp, at + 1));
    ck_assert(!is_mp_ptr(shadow->mp, at + 16));
    ck_assert(!is_mp_ptr(shadow->mp, &local));
    ck_assert(is_mp_ptr(shadow->mp, at));
    shadow_free(shadow, 1);
    ck_assert(!is_mp_ptr(shadow->mp, at));
    at = shadow_allocate(shadow, 2);
    ck_assert(is_mp_ptr(shadow->mp, at));
    shadow_reset(shadow);
    ck_assert(!is_mp_ptr(shadow->mp, at));
    support_release_lines("", 0);
    ck_assert_int_eq(errno, SUPPORT_ERRNO);
    shadow_end(shadow);
}
END_TEST

START_TEST(what_succeeds_prints_nothing_and_leaves_errno)
{
    support_capture();
    errno = SUPPORT_ERRNO;
    memory_pool_t *mp = init_memory_pool();
    ck_assert_ptr_nonnull(mp);
    ck_assert_int_eq(errno, SUPPORT_ERRNO);
    for (size_t size = 1; size <= 16; size++) {
        void *first = mp_allocate(mp, size);
        void *second = mp_allocate(mp, CAPACITY - size);
        ck_assert(first != NULL && second != NULL);
        ck_assert(is_mp_ptr(mp, first));
        free_memory(mp, size % 2 == 0 ? first : second);
        free_memory(mp, size % 2 == 0 ? second : first);
        ck_assert_ptr_nonnull(mp_allocate(mp, CAPACITY));
        free_all_memory(mp);
    }
    destroy_memory_pool(mp);
    ck_assert_int_eq(errno, SUPPORT_ERRNO);
    support_release_lines("", 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("misuse");
    TCase *argument = support_case(suite, "arguments");
    TCase *pointer = support_case(suite, "pointers");

    tcase_add_test(argument, a_null_pool_is_reported);
    tcase_add_test(argument, a_null_pointer_is_reported);
    tcase_add_test(argument, a_size_of_0_or_above_the_largest_is_reported);
    tcase_add_test(argument, a_full_pool_is_reported);
    tcase_add_test(argument, what_succeeds_prints_nothing_and_leaves_errno);
    tcase_add_test(argument, errno_is_right_where_standard_error_is_closed);
    tcase_add_test(pointer, a_foreign_pointer_is_refused);
    tcase_add_test(pointer, an_address_without_memory_is_refused);
    tcase_add_test(pointer, an_interior_pointer_is_refused_at_each_offset);
    tcase_add_test(pointer, every_address_around_the_objects_is_refused);
    tcase_add_test(pointer, an_address_with_one_bit_wrong_is_refused);
    tcase_add_test(pointer, random_words_are_refused);
    tcase_add_test(pointer, a_second_free_is_refused);
    tcase_add_test(pointer, a_second_free_after_other_frees_is_refused);
    tcase_add_test(pointer, a_second_free_by_another_thread_is_refused);
    tcase_add_test(pointer, a_pointer_from_before_a_reset_is_refused);
    tcase_add_test(pointer, a_mark_that_is_none_is_refused);
    tcase_add_test(pointer, is_mp_ptr_knows_live_objects_and_nothing_else);
    return support_run(suite);
}
