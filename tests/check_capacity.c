/* SPDX-License-Identifier: MIT
 *
 * check_capacity.c - a pool holds MAX_BLOCK_SIZE bytes, exactly.
 *
 * Whatever sizes were asked for, in whatever order objects were freed: what
 * adds up to the capacity fits, one byte more does not, and live objects are
 * aligned and apart.  Random cases print their seed; MP_SEED repeats one.
 * Nothing here depends on how a pool keeps its memory, but for the addresses
 * after a free of the newest object, which is what "at once" means.
 */
#include "support.h"

#define CAPACITY ((size_t)MAX_BLOCK_SIZE)

/* Repetitions of a random case: about as many bytes whatever the size.  make
 * check-long has more. */
static unsigned capacity_rounds(unsigned at_1024)
{
    unsigned rounds = (unsigned)(at_1024 * (size_t)1024 / CAPACITY);

    return support_times(rounds > 4 ? rounds : 4, 3);
}

/* Fills the pool to the last byte with sizes up to most. */
static void capacity_fill(struct support_shadow *shadow, uint64_t *random,
                          size_t most)
{
    while (shadow->bytes < CAPACITY) {
        size_t size = 1 + support_below(random, most);
        if (size > CAPACITY - shadow->bytes) {
            size = CAPACITY - shadow->bytes;
        }
        ck_assert_ptr_nonnull(shadow_allocate(shadow, size));
    }
    ck_assert_ptr_null(shadow_allocate(shadow, 1));
}

/* Largest size for one round: small, medium and large ones take turns. */
static size_t capacity_most(uint64_t *random, unsigned round)
{
    static const size_t bounds[] = {1, 3, 17, 40, 100, 400};
    size_t most = bounds[round % 6];

    return round % 7 == 6 ? 1 + support_below(random, CAPACITY)
           : most < CAPACITY ? most : CAPACITY;
}

START_TEST(one_byte_objects_fill_the_whole_pool)
{
    struct support_shadow *shadow = shadow_new();

    shadow_capture();
    for (size_t i = 0; i < CAPACITY; i++) {
        ck_assert_ptr_nonnull(shadow_allocate(shadow, 1));
    }
    ck_assert_ptr_null(shadow_allocate(shadow, 1));
    shadow_verify_apart(shadow);
    shadow_verify(shadow);
    shadow_end(shadow);
    shadow_release();
}
END_TEST

START_TEST(one_object_fills_the_whole_pool)
{
    struct support_shadow *shadow = shadow_new();

    for (int i = 0; i < 3; i++) {
        ck_assert_ptr_nonnull(shadow_allocate(shadow, CAPACITY));
        ck_assert_ptr_null(shadow_allocate(shadow, 1));
        ck_assert_ptr_null(shadow_allocate(shadow, CAPACITY));
        shadow_verify(shadow);
        shadow_free(shadow, 0);
    }
    shadow_end(shadow);
}
END_TEST

START_TEST(equal_objects_of_every_size_fill_the_pool)
{
    struct support_shadow *shadow = shadow_new();
    size_t step = CAPACITY > 2048 ? CAPACITY / 1024 - 1 : 1;

    shadow_capture();
    for (size_t size = 1; size <= CAPACITY;
         size += size < 300 ? 1 : step) {
        while (CAPACITY - shadow->bytes >= size) {
            shadow_allocate(shadow, size);
        }
        ck_assert_ptr_null(shadow_allocate(shadow, size));
        shadow_verify_apart(shadow);
        if (shadow->bytes < CAPACITY) {
            shadow_allocate(shadow, CAPACITY - shadow->bytes);
        }
        ck_assert_ptr_null(shadow_allocate(shadow, 1));
        shadow_reset(shadow);
        if (size > 300 && CAPACITY > 4096) {
            size += CAPACITY / 256;
        }
    }
    shadow_end(shadow);
    shadow_release();
}
END_TEST

START_TEST(random_sizes_that_add_up_to_the_capacity_fit)
{
    uint64_t random = support_seed();
    unsigned rounds = capacity_rounds(150);

    shadow_capture();
    for (unsigned round = 0; round < rounds; round++) {
        struct support_shadow *shadow = shadow_new();
        capacity_fill(shadow, &random, capacity_most(&random, round));
        shadow_verify_apart(shadow);
        shadow_verify(shadow);
        shadow_end(shadow);
    }
    shadow_release();
}
END_TEST

/* Rounds of a pool that is filled, and emptied in one way; then it has its
 * whole capacity again. */
static void capacity_empty_often(
    unsigned at_1024,
    void (*empty)(struct support_shadow *, uint64_t *random, unsigned round))
{
    uint64_t random = support_seed();
    unsigned rounds = capacity_rounds(at_1024);
    struct support_shadow *shadow = shadow_new();

    shadow_capture();
    for (unsigned round = 0; round < rounds; round++) {
        capacity_fill(shadow, &random, capacity_most(&random, round));
        empty(shadow, &random, round);
        shadow_verify(shadow);
    }
    shadow_end(shadow);
    shadow_release();
}

static void capacity_free_newest(struct support_shadow *shadow,
                                 uint64_t *random, unsigned round)
{
    (void)random;
    (void)round;
    while (shadow->count > 0) {
        shadow_free(shadow, shadow->count - 1);
    }
}

static void capacity_free_any(struct support_shadow *shadow,
                              uint64_t *random, unsigned round)
{
    (void)round;
    while (shadow->count > 0) {
        shadow_free(shadow, support_below(random, shadow->count));
    }
}

static void capacity_free_oldest(struct support_shadow *shadow,
                                 uint64_t *random, unsigned round)
{
    (void)random;
    (void)round;
    for (size_t i = 0; i < shadow->count; i++) {
        free_memory(shadow->mp, shadow->objects[i].at);
    }
    shadow->count = 0;
    shadow->bytes = 0;
}

/* Some objects are freed; one reset drops the others, the next one nothing. */
static void capacity_reset(struct support_shadow *shadow, uint64_t *random,
                           unsigned round)
{
    for (size_t i = round % 3 * shadow->count / 3; i > 0; i--) {
        shadow_free(shadow, support_below(random, shadow->count));
    }
    shadow_reset(shadow);
    shadow_verify(shadow);
    shadow_reset(shadow);
}

START_TEST(frees_in_reverse_order_give_the_whole_capacity_back)
{
    capacity_empty_often(150, capacity_free_newest);
}
END_TEST

START_TEST(frees_in_random_order_give_the_whole_capacity_back)
{
    capacity_empty_often(150, capacity_free_any);
}
END_TEST

START_TEST(frees_in_order_of_allocation_give_the_whole_capacity_back)
{
    capacity_empty_often(75, capacity_free_oldest);
}
END_TEST

/* Every other object goes; then what is free, in one piece or in larger
 * pieces than the holes, must still be there to the byte. */
START_TEST(a_fragmented_pool_is_not_full_before_its_capacity_is_used)
{
    uint64_t random = support_seed();
    unsigned rounds = capacity_rounds(150);
    struct support_shadow *shadow = shadow_new();

    shadow_capture();
    for (unsigned round = 0; round < rounds; round++) {
        size_t most = capacity_most(&random, round);
        capacity_fill(shadow, &random, most);
        for (size_t i = shadow->count; i > 0; i--) {
            if (i % 2 == round / 6 % 2) {
                shadow_free_in_order(shadow, i - 1);
            }
        }
        shadow_verify(shadow);
        while (shadow->bytes < CAPACITY) {
            size_t left = CAPACITY - shadow->bytes;
            size_t size = most + 1 + support_below(&random, most);
            shadow_allocate(shadow, size < left ? size : left);
        }
        ck_assert_ptr_null(shadow_allocate(shadow, 1));
        shadow_verify_apart(shadow);
        if (round % 2 == 0) {
            shadow_reset(shadow);
        } else {
            capacity_free_any(shadow, &random, round);
        }
    }
    shadow_end(shadow);
    shadow_release();
}
END_TEST

START_TEST(every_size_is_aligned_as_promised)
{
    struct support_shadow *shadow = shadow_new();
    size_t step = CAPACITY / 2048 + 1;

    for (size_t before = 1; before < 34; before++) {
        for (size_t size = 1; size <= CAPACITY - before;
             size += size < 70 ? 1 : step) {
            shadow_allocate(shadow, before);
            shadow_allocate(shadow, size); /* asserts the alignment */
            shadow_reset(shadow);
        }
    }
    shadow_end(shadow);
}
END_TEST

START_TEST(the_newest_objects_room_is_the_next_to_be_used)
{
    struct support_shadow *shadow = shadow_new();

    shadow_allocate(shadow, 7);
    for (size_t size = 1; size <= CAPACITY - 7; size = size * 2 + 1) {
        unsigned char *first = shadow_allocate(shadow, size);
        shadow_free(shadow, 1);
        ck_assert_ptr_eq(shadow_allocate(shadow, size), first);
        shadow_free(shadow, 1);
    }
    shadow_verify(shadow);
    shadow_end(shadow);
}
END_TEST

/* Four objects of 16; the second and third first, in both orders: nothing may
 * come down yet.  With the newest the top comes down over all three.  A pool
 * that was looked at in between may have taken a second block for it, whose
 * room comes next, so only the others are held to the address. */
START_TEST(the_top_comes_down_over_what_is_already_free)
{
    for (int variant = 0; variant < 4; variant++) {
        struct support_shadow *shadow = shadow_new();
        unsigned char *at[4];
        for (int i = 0; i < 4; i++) {
            at[i] = shadow_allocate(shadow, 16);
        }
        shadow_free_in_order(shadow, variant % 2 == 0 ? 1 : 2);
        shadow_free_in_order(shadow, 1);
        if (variant < 2) {
            shadow_verify(shadow);
        }
        ck_assert_uint_eq(shadow->count, 2);
        shadow_free_in_order(shadow, 1);
        unsigned char *next = shadow_allocate(shadow, 48);
        ck_assert(variant < 2 || next == at[1]);
        shadow_verify(shadow);
        shadow_end(shadow);
    }
}
END_TEST

/* The original's fault: a free of an older object took all newer ones. */
START_TEST(a_free_of_an_older_object_leaves_the_newer_ones)
{
    struct support_shadow *shadow = shadow_new();
    size_t size = CAPACITY / 8;

    for (size_t i = 0; i < 8; i++) {
        shadow_allocate(shadow, size);
    }
    for (size_t i = 0; i < 7; i++) {
        shadow_free_in_order(shadow, 0);
        shadow_allocate(shadow, size);
        shadow_verify_apart(shadow);
        shadow_verify(shadow);
    }
    shadow_end(shadow);
}
END_TEST

START_TEST(a_reset_gives_everything_back)
{
    struct support_shadow *shadow = shadow_new();

    shadow_reset(shadow); /* of a pool that was never used */
    shadow_verify(shadow);
    shadow_end(shadow);
    capacity_empty_often(150, capacity_reset);
}
END_TEST

START_TEST(pools_do_not_share_their_capacity)
{
    struct support_shadow *one = shadow_new();
    struct support_shadow *two = shadow_new();

    shadow_allocate(one, CAPACITY);
    shadow_allocate(two, CAPACITY);
    shadow_reset(one);
    shadow_verify(two);
    shadow_allocate(one, CAPACITY - 1);
    shadow_end(one);
    shadow_verify(two);
    shadow_end(two);
}
END_TEST

START_TEST(a_long_random_walk_agrees_with_the_model)
{
    uint64_t random = support_seed();
    unsigned steps = support_times(100000, 5);
    struct support_shadow *shadow = shadow_new();
    size_t most = CAPACITY;

    shadow_capture();
    for (unsigned step = 0; step < steps; step++) {
        size_t choice = support_below(&random, 1000);
        if (step % 1000 == 0) {
            most = capacity_most(&random, step / 1000);
            shadow_verify_apart(shadow);
            shadow_verify(shadow);
        }
        if (choice == 0) {
            shadow_reset(shadow);
        } else if (choice < 550) {
            shadow_allocate(shadow, 1 + support_below(&random, most));
        } else if (shadow->count > 0) {
            size_t last = shadow->count - 1;
            shadow_free(shadow, choice % 2 == 0
                                    ? last
                                    : support_below(&random, last + 1));
        }
    }
    shadow_verify(shadow);
    shadow_end(shadow);
    shadow_release();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("capacity");
    TCase *exact = support_case(suite, "exact");
    TCase *order = support_case(suite, "order of frees");
    TCase *model = support_case(suite, "model");

    tcase_add_test(exact, one_byte_objects_fill_the_whole_pool);
    tcase_add_test(exact, one_object_fills_the_whole_pool);
    tcase_add_test(exact, equal_objects_of_every_size_fill_the_pool);
    tcase_add_test(exact, random_sizes_that_add_up_to_the_capacity_fit);
    tcase_add_test(exact, every_size_is_aligned_as_promised);
    tcase_add_test(exact, pools_do_not_share_their_capacity);
    tcase_add_test(order, frees_in_reverse_order_give_the_whole_capacity_back);
    tcase_add_test(order, frees_in_random_order_give_the_whole_capacity_back);
    tcase_add_test(
        order, frees_in_order_of_allocation_give_the_whole_capacity_back);
    tcase_add_test(
        order, a_fragmented_pool_is_not_full_before_its_capacity_is_used);
    tcase_add_test(order, the_newest_objects_room_is_the_next_to_be_used);
    tcase_add_test(order, the_top_comes_down_over_what_is_already_free);
    tcase_add_test(order, a_free_of_an_older_object_leaves_the_newer_ones);
    tcase_add_test(order, a_reset_gives_everything_back);
    tcase_add_test(model, a_long_random_walk_agrees_with_the_model);
    return support_run(suite);
}
