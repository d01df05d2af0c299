/* SPDX-License-Identifier: MIT
 *
 * check_set_parent.c - a pool gets another parent, with all below it.
 *
 * What the pools hold counts, to the byte, where they are, and a move that has
 * no room changes nothing.  check_tree_model.c has random moves, and
 * check_moves.c those beside other threads.
 */
#include <errno.h>
#include <string.h>

#include "cleanups.h"
#include "inject.h"

static memory_pool_t *limited(size_t capacity, memory_pool_t *parent)
{
    const mp_options_t options = {.capacity = capacity,
                                  .parent = parent,
                                  .report = pools_report};
    memory_pool_t *mp = mp_create(&options);

    ck_assert_ptr_nonnull(mp);
    return mp;
}

/* Counts its bytes, and has no limit. */
static memory_pool_t *counted(memory_pool_t *parent)
{
    return limited(SIZE_MAX, parent);
}

/* Statistics of a pool take the credit of its caches back. */
static int settle(memory_pool_t *mp, void *unused)
{
    mp_stats_t stats;

    (void)unused;
    return mp_stats(mp, &stats);
}

static size_t free_of(memory_pool_t *mp)
{
    mp_stats_t stats;

    ck_assert_int_eq(mp_each_pool(settle, NULL), 0);
    ck_assert_int_eq(mp_check(mp), 0);
    ck_assert_int_eq(mp_stats(mp, &stats), 0);
    return stats.capacity_free;
}

static size_t children_of(memory_pool_t *mp)
{
    mp_stats_t stats;

    ck_assert_int_eq(mp_stats(mp, &stats), 0);
    return stats.children;
}

static void move(memory_pool_t *mp, memory_pool_t *parent)
{
    errno = SUPPORT_ERRNO;
    ck_assert_int_eq(mp_set_parent(mp, parent), 0);
    ck_assert_int_eq(errno, SUPPORT_ERRNO);
    ck_assert_ptr_eq(mp_parent(mp), parent);
    ck_assert_int_eq(mp_check(mp), 0);
    if (parent != NULL) {
        ck_assert_int_eq(mp_check(parent), 0);
    }
}

static void expect_refusal(memory_pool_t *mp, memory_pool_t *parent,
                           mp_event_t event, const char *message, int error)
{
    memory_pool_t *before = mp_parent(mp);

    pools_forget_reports();
    ck_assert_int_eq(mp_set_parent(mp, parent), -1);
    pools_expect_report(mp, event, message, NULL, error);
    ck_assert_ptr_eq(mp_parent(mp), before);
    ck_assert_int_eq(mp_check(mp), 0);
}

static void expect_full(memory_pool_t *mp, memory_pool_t *parent)
{
    expect_refusal(mp, parent, MP_EVENT_FULL,
                   "the memory pool holds more than is free in the parent",
                   ENOBUFS);
}

/* A pool of each kind goes through three parents, and works on. */
START_TEST(a_pool_of_each_kind_moves_and_counts_where_it_is)
{
    memory_pool_t *mp = pools_make(_i);
    memory_pool_t *plain = mp_create(NULL);
    memory_pool_t *first = limited(2 * POOLS_CAPACITY, NULL);
    memory_pool_t *second = limited(2 * POOLS_CAPACITY, NULL);
    char *object = mp_allocate(mp, 1000);

    ck_assert_ptr_nonnull(object);
    strcpy(object, "object");
    move(mp, plain);
    ck_assert_uint_eq(children_of(plain), 1);
    if (mp_kind(mp, NULL) == MP_KIND_CACHED) {
        SUPPORT_REFUSED(mp_set_parent(mp, first), -1);
        ck_assert_ptr_eq(mp_parent(mp), plain);
    } else {
        move(mp, first);
        ck_assert_uint_eq(free_of(first), 2 * POOLS_CAPACITY - 1000);
        ck_assert_ptr_nonnull(mp_allocate(mp, 500));
        ck_assert_uint_eq(free_of(first), 2 * POOLS_CAPACITY - 1500);
        move(mp, second);
        ck_assert_uint_eq(free_of(first), 2 * POOLS_CAPACITY);
        ck_assert_uint_eq(free_of(second), 2 * POOLS_CAPACITY - 1500);
        mp_free(mp, object);
        ck_assert_uint_eq(free_of(second), 2 * POOLS_CAPACITY - 500);
        object = mp_allocate(mp, 7);
        strcpy(object, "object");
    }
    move(mp, NULL);
    ck_assert_uint_eq(free_of(second), 2 * POOLS_CAPACITY);
    ck_assert_uint_eq(children_of(plain), 0);
    mp_destroy(second);
    mp_destroy(first);
    mp_destroy(plain);
    ck_assert_str_eq(object, "object");
    ck_assert_ptr_nonnull(mp_allocate(mp, 100));
    pools_end(mp, _i);
}
END_TEST

/* The options of pools that are moved, with a child each. */
static const mp_options_t moved_kinds[] = {
    {.report = pools_report},
    {.report = pools_report, .capacity = 40000},
    {.report = pools_report, .threads = MP_THREADS_LOCKED},
    {.report = pools_report, .threads = MP_THREADS_LOCKED, .capacity = 40000},
    {.report = pools_report, .flags = MP_ZERO_ON_FREE},
    {.report = pools_report, .flags = MP_REDZONE},
    {.report = pools_report, .max_object = 500},
};
#define MOVED_KINDS ((int)(sizeof moved_kinds / sizeof moved_kinds[0]))

/* Two pools, one below the other, of kinds i; the upper one has a parent whose
 * limit makes both count. */
static memory_pool_t *make_two(int i, memory_pool_t *above,
                               memory_pool_t **child)
{
    mp_options_t options = moved_kinds[i % MOVED_KINDS];

    options.parent = above;
    memory_pool_t *mp = mp_create(&options);
    options = moved_kinds[i / MOVED_KINDS];
    options.parent = mp;
    *child = mp_create(&options);
    ck_assert_ptr_nonnull(*child);
    return mp;
}

START_TEST(what_the_whole_tree_holds_fits_to_the_byte_or_does_not_move)
{
    memory_pool_t *above = limited(100000, NULL);
    memory_pool_t *child;
    memory_pool_t *mp = make_two(_i, above, &child);
    memory_pool_t *other = limited(50000, NULL);
    mp_stats_t stats;

    for (unsigned i = 0; i < 30; i++) {
        ck_assert_ptr_nonnull(mp_allocate(mp, 100));
        ck_assert_ptr_nonnull(mp_allocate(child, 203));
        mp_free(child, mp_allocate(child, 300)); /* leaves credit */
    }
    void *filler = mp_allocate(other, 50000 - 9090 + 1);
    expect_full(mp, other);
    ck_assert_uint_eq(free_of(above), 100000 - 9090);
    ck_assert_uint_eq(free_of(other), 9089);
    ck_assert_int_eq(mp_stats(other, &stats), 0);
    ck_assert_uint_eq(stats.refused_full, 0); /* no object was refused */
    mp_free(other, filler);
    filler = mp_allocate(other, 50000 - 9090);
    move(mp, other);
    ck_assert_uint_eq(free_of(above), 100000);
    ck_assert_uint_eq(free_of(other), 0);
    mp_stats(other, &stats);
    ck_assert_uint_eq(stats.peak_bytes, 50000);
    ck_assert_ptr_null(mp_allocate(child, 1));
    ck_assert_int_eq(errno, ENOBUFS);
    mp_free(other, filler);
    ck_assert_ptr_nonnull(mp_allocate(child, 500));
    ck_assert_uint_eq(free_of(other), 50000 - 9590);
    mp_reset(child);
    ck_assert_uint_eq(free_of(other), 50000 - 3000);
    move(mp, NULL);
    ck_assert_uint_eq(free_of(other), 50000);
    ck_assert_ptr_nonnull(mp_allocate(child, 400));
    move(child, above);
    ck_assert_uint_eq(free_of(above), 100000 - 400);
    ck_assert_uint_eq(children_of(mp), 0);
    mp_destroy(above); /* and the child */
    mp_destroy(mp);
    mp_destroy(other);
}
END_TEST

START_TEST(credit_below_the_new_parent_is_recalled_before_a_refusal)
{
    memory_pool_t *parent = limited(100000, NULL);
    memory_pool_t *old = limited(100000, NULL);
    const mp_options_t options = {.parent = parent};
    memory_pool_t *mp = counted(old);

    for (unsigned i = 0; i < 4; i++) {
        memory_pool_t *child = mp_create(&options);
        ck_assert_ptr_nonnull(mp_allocate(child, 10));
    }
    ck_assert_ptr_nonnull(mp_allocate(mp, 99961));
    expect_full(mp, parent);
    mp_reset(mp);
    ck_assert_ptr_nonnull(mp_allocate(mp, 99960));
    move(mp, parent);
    ck_assert_uint_eq(free_of(parent), 0);
    mp_destroy(parent);
    mp_destroy(old);
}
END_TEST

/* What counts in a pool above already needs no room there. */
START_TEST(a_limit_above_both_parents_needs_no_room)
{
    memory_pool_t *top = limited(10000, NULL);
    memory_pool_t *left = limited(8000, top);
    memory_pool_t *right = mp_create(&(mp_options_t){.parent = top});
    memory_pool_t *mp = counted(left);

    ck_assert_ptr_nonnull(mp_allocate(mp, 7000));
    ck_assert_ptr_nonnull(mp_allocate(top, 3000));
    ck_assert_uint_eq(free_of(top), 0);
    move(mp, right);
    ck_assert_uint_eq(free_of(left), 8000);
    ck_assert_uint_eq(free_of(top), 0);
    move(mp, left);
    ck_assert_uint_eq(free_of(left), 1000);
    move(mp, top);
    ck_assert_uint_eq(free_of(left), 8000);
    ck_assert_uint_eq(free_of(top), 0);
    move(mp, top); /* which it is */
    move(mp, NULL);
    ck_assert_uint_eq(free_of(top), 7000);
    ck_assert_ptr_nonnull(mp_allocate(mp, 20000));
    move(top, mp);
    ck_assert_uint_eq(free_of(top), 7000);
    mp_destroy(mp);
}
END_TEST

START_TEST(a_pool_does_not_come_below_itself)
{
    const char *below = "a memory pool cannot be below itself";
    memory_pool_t *mp = limited(10000, NULL);
    memory_pool_t *child = counted(mp);
    memory_pool_t *last = counted(child);

    SUPPORT_REFUSED(mp_set_parent(NULL, mp), -1);
    SUPPORT_REFUSED(mp_set_parent(NULL, NULL), -1);
    expect_refusal(mp, mp, MP_EVENT_OPTION, below, EINVAL);
    expect_refusal(mp, child, MP_EVENT_OPTION, below, EINVAL);
    expect_refusal(mp, last, MP_EVENT_OPTION, below, EINVAL);
    expect_refusal(child, last, MP_EVENT_OPTION, below, EINVAL);
    move(mp, NULL);
    move(last, mp);
    move(child, last);
    mp_destroy(mp);
}
END_TEST

START_TEST(a_pool_that_counts_no_bytes_stays_out_of_limits)
{
    const mp_options_t options = {.report = pools_report};
    memory_pool_t *top = limited(10000, NULL);
    memory_pool_t *mp = counted(NULL);
    memory_pool_t *plain = mp_create(&options);
    memory_pool_t *middle = mp_create(
        &(mp_options_t){.threads = MP_THREADS_LOCKED,
                        .report = pools_report});

    if (mp_kind(plain, NULL) == MP_KIND_CACHED) {
        const char *words =
            "the memory pool does not count bytes for a capacity";
        expect_refusal(plain, top, MP_EVENT_OPTION, words, EINVAL);
        move(plain, middle);
        expect_refusal(middle, mp, MP_EVENT_OPTION, words, EINVAL);
        ck_assert_uint_eq(free_of(top), 10000);
        move(plain, NULL);
    }
    ck_assert_ptr_nonnull(mp_allocate(middle, 100));
    move(middle, mp);
    move(mp, top);
    ck_assert_uint_eq(free_of(top), 9900);
    mp_destroy(top);
    mp_destroy(plain);
}
END_TEST

static void expect_why(memory_pool_t *mp, const char *expected)
{
    const char *why;

    if (mp_kind(mp, &why) == MP_KIND_COUNTED) {
        ck_assert_str_eq(why, expected);
    }
}

START_TEST(the_reason_of_the_kind_is_that_of_the_new_place)
{
    const char *above = "counted: a pool above has a capacity";
    memory_pool_t *top = limited(10000, NULL);
    memory_pool_t *mp = mp_create(&(mp_options_t){.parent = top});
    memory_pool_t *child = mp_create(&(mp_options_t){.parent = mp});
    memory_pool_t *small = mp_create(&(mp_options_t){.max_object = 100});
    memory_pool_t *zero = mp_create(
        &(mp_options_t){.parent = mp, .flags = MP_ZERO_ON_FREE});

    expect_why(child, above);
    expect_why(small, "counted: max_object is below 1024");
    move(small, child);
    expect_why(small, above);
    move(mp, NULL);
    expect_why(mp, "counted: a pool above had a capacity");
    expect_why(child, "counted: a pool above had a capacity");
    expect_why(small, "counted: max_object is below 1024");
    expect_why(zero, "counted: MP_ZERO_ON_FREE was asked for");
    move(mp, top);
    expect_why(child, above);
    expect_why(zero, "counted: MP_ZERO_ON_FREE was asked for");
    mp_destroy(top);
}
END_TEST

/* It is the newest child, and its cleanups are called with those of the new
 * parent alone. */
START_TEST(a_moved_pool_ends_with_its_new_parent)
{
    memory_pool_t *old = cleanups_pool(_i, NULL);
    memory_pool_t *parent = cleanups_pool(_i, NULL);
    memory_pool_t *mp = cleanups_pool(_i, old);
    mp_stats_t stats;

    cleanups_start();
    cleanups_add(parent, 'a');
    cleanups_add(mp, 'c');
    cleanups_add(cleanups_pool(_i, mp), 'd');
    cleanups_add(cleanups_pool(_i, parent), 'b');
    for (unsigned i = 0; i < 10; i++) {
        ck_assert_ptr_nonnull(mp_allocate(mp, 20));
    }
    move(mp, parent);
    mp_destroy(old);
    ck_assert_str_eq(cleanups_called, "");
    if (_i < CLEANUPS_KINDS) {
        mp_reset(parent);
        mp_stats(parent, &stats);
        ck_assert_uint_eq(stats.gone_children, 3);
        ck_assert_uint_eq(stats.gone_allocations, 10);
        mp_destroy(parent);
    } else {
        mp_destroy(parent);
    }
    ck_assert_str_eq(cleanups_called, "dcba");
}
END_TEST

/* Moves that a cleanup makes: .mp below .other. */
static void move_in_cleanup(void *arg)
{
    struct cleanups_work *work = arg;

    errno = 0;
    work->calls = (unsigned)(mp_set_parent(work->mp, work->other) == 0 ? 0
                                                                       : errno);
}

/* Pools that end, or are reset, are not moved, and get no child.  One that the
 * end has not come to yet is saved. */
START_TEST(a_cleanup_moves_only_what_is_not_being_ended)
{
    memory_pool_t *top = cleanups_pool(_i, NULL);
    memory_pool_t *safe = cleanups_pool(_i, NULL);
    memory_pool_t *older = cleanups_pool(_i, top);
    memory_pool_t *newer = cleanups_pool(_i, top);
    memory_pool_t *last = cleanups_pool(_i, newer);
    struct cleanups_work work[] = {
        {.mp = last, .other = safe},  {.mp = newer, .other = safe},
        {.mp = top, .other = safe},   {.mp = safe, .other = last},
        {.mp = safe, .other = newer}, {.mp = safe, .other = top},
        {.mp = older, .other = safe},
    };
    const size_t count = sizeof work / sizeof work[0];
    char *object = mp_allocate(older, 10);

    strcpy(object, "object");
    for (size_t i = 0; i < count; i++) {
        work[i].calls = 99;
        ck_assert_int_eq(mp_add_cleanup(last, move_in_cleanup, &work[i]), 0);
    }
    pools_forget_reports();
    cleanups_end(_i, top);
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_eq(work[i].calls, i == count - 1 ? 0 : EBUSY);
    }
    ck_assert_ptr_eq(mp_parent(older), safe);
    ck_assert_ptr_null(mp_parent(safe));
    ck_assert_str_eq(object, "object");
    ck_assert_uint_eq(pools_reported.count, count - 1);
    ck_assert_int_eq(pools_reported.event, MP_EVENT_BUSY);
    mp_destroy(safe);
}
END_TEST

/* The cleanup of a pool that ends alone may move those above it. */
START_TEST(a_cleanup_moves_a_pool_above_the_one_that_ends)
{
    memory_pool_t *top = cleanups_pool(_i, NULL);
    memory_pool_t *safe = cleanups_pool(_i, NULL);
    memory_pool_t *middle = cleanups_pool(_i, top);
    memory_pool_t *mp = cleanups_pool(_i, middle);
    struct cleanups_work work = {.mp = middle, .other = safe, .calls = 99};

    ck_assert_ptr_nonnull(mp_allocate(mp, 100));
    ck_assert_int_eq(mp_add_cleanup(mp, move_in_cleanup, &work), 0);
    cleanups_end(_i, mp);
    ck_assert_uint_eq(work.calls, 0);
    ck_assert_ptr_eq(mp_parent(middle), safe);
    mp_destroy(top);
    ck_assert_int_eq(mp_check(safe), 0);
    ck_assert_int_eq(mp_check(middle), 0);
    mp_destroy(safe);
}
END_TEST

static unsigned told;

static void tell(memory_pool_t *mp, size_t used, void *context)
{
    (void)mp;
    POOLS_EXPECT(used == 600);
    told++;
    if (context != NULL) { /* once more, from within */
        POOLS_EXPECT(mp_set_parent(context, NULL) == 0);
    }
}

START_TEST(a_move_brings_a_parent_near_its_limit)
{
    memory_pool_t *parent = limited(1000, NULL);
    memory_pool_t *mp = counted(NULL);

    told = 0;
    ck_assert_int_eq(mp_set_near_limit(parent, 600, tell, NULL), 0);
    ck_assert_ptr_nonnull(mp_allocate(mp, 600));
    move(mp, parent);
    ck_assert_uint_eq(told, 1);
    move(mp, NULL);
    move(mp, parent);
    ck_assert_uint_eq(told, 2);
    move(mp, NULL);
    ck_assert_int_eq(mp_set_near_limit(parent, 600, tell, mp), 0);
    ck_assert_int_eq(mp_set_parent(mp, parent), 0);
    ck_assert_uint_eq(told, 3);
    ck_assert_ptr_null(mp_parent(mp));
    ck_assert_uint_eq(free_of(parent), 1000);
    mp_destroy(mp);
    mp_destroy(parent);
}
END_TEST

/* Each request for memory that a move makes fails once. */
START_TEST(a_move_without_memory_changes_nothing)
{
    unsigned long failures = 0;
    bool moved = false;

    for (unsigned long at = 1; !moved; at++) {
        memory_pool_t *mp = limited(1000, NULL);
        memory_pool_t *parent = limited(1000, NULL);
        ck_assert_ptr_nonnull(mp_allocate(mp, 10));
        errno = 0;
        inject_start(at, false);
        moved = mp_set_parent(mp, parent) == 0;
        inject_stop();
        ck_assert(moved || errno == ENOMEM);
        failures += !moved;
        ck_assert_ptr_eq(mp_parent(mp), moved ? parent : NULL);
        ck_assert_uint_eq(free_of(parent), moved ? 990 : 1000);
        mp_destroy(mp);
        mp_destroy(parent);
    }
    ck_assert_uint_eq(failures, 2);
}
END_TEST

START_TEST(the_parent_that_a_pool_has_needs_no_memory)
{
    memory_pool_t *parent = limited(1000, NULL);
    memory_pool_t *mp = limited(1000, parent);

    errno = 0;
    inject_start(1, true);
    ck_assert_int_eq(mp_set_parent(mp, parent), 0);
    ck_assert_int_eq(mp_set_parent(parent, NULL), 0);
    inject_stop();
    ck_assert(!inject.failed && errno == 0);
    /* This one has no note of parents yet. */
    memory_pool_t *alone = limited(1000, NULL);
    inject_start(1, true);
    ck_assert_int_eq(mp_set_parent(alone, NULL), 0);
    inject_stop();
    ck_assert(!inject.failed && errno == 0);
    mp_destroy(alone);
    mp_destroy(parent);
}
END_TEST

/* Objects of marks count, too, and a rewind gives their bytes back where the
 * pool is then. */
START_TEST(an_open_mark_moves_along)
{
    memory_pool_t *old = limited(10000, NULL);
    memory_pool_t *parent = limited(5000, NULL);
    memory_pool_t *mp = counted(old);

    ck_assert_ptr_nonnull(mp_allocate(mp, 100));
    mp_mark_t mark = mp_mark(mp);
    for (unsigned i = 0; i < 10; i++) {
        ck_assert_ptr_nonnull(mp_allocate(mp, 30));
    }
    move(mp, parent);
    ck_assert_uint_eq(free_of(parent), 4600);
    ck_assert_ptr_nonnull(mp_allocate(mp, 50));
    ck_assert_uint_eq(free_of(parent), 4550);
    ck_assert_int_eq(mp_rewind(mp, mark), 0);
    ck_assert_uint_eq(free_of(parent), 4900);
    ck_assert_uint_eq(free_of(old), 10000);
    mp_destroy(parent);
    mp_destroy(old);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("set parent");
    TCase *places = support_case(suite, "places");
    TCase *ends = support_case(suite, "ends");

    tcase_add_loop_test(places,
                        a_pool_of_each_kind_moves_and_counts_where_it_is, 0,
                        pools_count);
    tcase_add_loop_test(
        places, what_the_whole_tree_holds_fits_to_the_byte_or_does_not_move, 0,
        MOVED_KINDS * MOVED_KINDS);
    tcase_add_test(places,
                   credit_below_the_new_parent_is_recalled_before_a_refusal);
    tcase_add_test(places, a_limit_above_both_parents_needs_no_room);
    tcase_add_test(places, a_pool_does_not_come_below_itself);
    tcase_add_test(places, a_pool_that_counts_no_bytes_stays_out_of_limits);
    tcase_add_test(places, the_reason_of_the_kind_is_that_of_the_new_place);
    tcase_add_test(places, a_move_brings_a_parent_near_its_limit);
    tcase_add_test(places, a_move_without_memory_changes_nothing);
    tcase_add_test(places, the_parent_that_a_pool_has_needs_no_memory);
    tcase_add_test(places, an_open_mark_moves_along);
    tcase_add_loop_test(ends, a_moved_pool_ends_with_its_new_parent, 0,
                        CLEANUPS_BOTH);
    /* Cleanups' kinds without a capacity: those that have one count. */
    tcase_add_loop_test(ends, a_cleanup_moves_only_what_is_not_being_ended, 0,
                        CLEANUPS_BOTH);
    tcase_add_loop_test(ends, a_cleanup_moves_a_pool_above_the_one_that_ends,
                        0, CLEANUPS_BOTH);
    return support_run(suite);
}
