/* SPDX-License-Identifier: MIT
 *
 * test_depot.c - batches of chunks that caches exchange.
 */
#include "set.h"

#include <errno.h>

static struct fixture f;
static struct depot depot;

/* A chain of chunks of that length out of the heap, as a cache has them. */
static void *chain_of(unsigned chunks, size_t granules)
{
    void *chain = NULL;

    while (chunks-- > 0) {
        struct heap_chunk chunk = heap_take(&f.heap, (uint32_t)granules);
        ck_assert_ptr_nonnull(chunk.block);
        void **start = block_address(chunk.block, chunk.granule);
        *start = chain;
        chain = start;
        chunk.block->map[chunk.granule] =
            (unsigned char)(BLOCK_CACHED + granules - 1);
    }
    return chain;
}

/* Leaves the lock taken. */
static void open_depot(void)
{
    ck_assert_ptr_null(depot_get_lists(&depot));
    ck_assert(!depot_is_open(&depot));
    void **lists = depot_get_lists(&depot);
    ck_assert_ptr_nonnull(lists);
    lock_take(&f.lock);
    ck_assert_ptr_null(depot_open(&depot, lists));
    ck_assert(depot_is_open(&depot));
}

static void begin(void)
{
    fixture_start(&f);
    open_depot();
}

START_TEST(a_depot_that_was_not_opened_has_nothing)
{
    struct depot closed = {NULL, false, false, NULL};

    fixture_start(&f);
    ck_assert_ptr_null(depot_pop(&closed, 1));
    depot_forget(&closed);
    depot_finish(&closed);
    ck_assert_ptr_null(closed.lists);
}
END_TEST

START_TEST(opening_keeps_errno_and_what_is_there)
{
    void *other[SIZES_SHORT] = {NULL};

    begin();
    depot_push(&depot, 2, chain_of(1, 2));
    ck_assert_ptr_eq(depot_open(&depot, other), other);
    ck_assert_ptr_nonnull(depot_pop(&depot, 2));
    lock_drop(&f.lock);
    errno = 77;
    /* Nobody wants more lists than there are. */
    ck_assert_ptr_null(depot_get_lists(&depot));
    depot_finish(&depot);
    ck_assert_ptr_null(depot.lists);
    open_depot();
    ck_assert_int_eq(errno, 77);
    ck_assert_ptr_null(depot_pop(&depot, 2));
}
END_TEST

START_TEST(a_batch_comes_back_whole)
{
    void *chain;

    begin();
    chain = chain_of(sizes_batch(4), 4);
    depot_push(&depot, 4, chain);
    ck_assert_ptr_eq(depot_pop(&depot, 4), chain);
    ck_assert_uint_eq(fixture_length(chain), sizes_batch(4));
    ck_assert_ptr_null(depot_pop(&depot, 4));
}
END_TEST

START_TEST(a_chain_of_any_length_is_one_batch)
{
    static const unsigned granules[] = {1, 8, SIZES_SHORT};

    begin();
    for (unsigned i = 0; i < 3; i++) {
        unsigned length = 2 * sizes_batch(granules[i]) + 3;
        void *chain = chain_of(length, granules[i]);
        depot_push(&depot, granules[i], chain);
        ck_assert_ptr_eq(depot_pop(&depot, granules[i]), chain);
        ck_assert_uint_eq(fixture_length(chain), length);
        ck_assert_ptr_null(depot_pop(&depot, granules[i]));
    }
    ck_assert(!depot.damaged);
}
END_TEST

/* What a program can write over are the links of chains in a chain's first
 * word and of batches in the second. */
START_TEST(a_link_that_was_written_over_is_not_followed)
{
    uint64_t foreign[2] = {0, 0};
    void *bad[] = {foreign, (void *)(uintptr_t)1, NULL};

    begin();
    bad[2] = (char *)chain_of(1, 9); /* free, and of another length */
    for (unsigned i = 0; i < 3; i++) {
        void **under = chain_of(1, 4);
        void **over = chain_of(1, 4);
        depot_push(&depot, 4, under);
        depot_push(&depot, 4, over);
        over[1] = bad[i];
        ck_assert_ptr_eq(depot_pop(&depot, 4), over);
        ck_assert(!depot.damaged);
        ck_assert_ptr_null(depot_pop(&depot, 4));
        ck_assert(depot.damaged);
        depot.damaged = false;
        ck_assert_ptr_null(depot_pop(&depot, 4));
        ck_assert(!depot.damaged);
        depot_push(&depot, 4, bad[i]);
        ck_assert_ptr_null(depot_pop(&depot, 4));
    }
    ck_assert(foreign[0] == 0 && foreign[1] == 0);
}
END_TEST

START_TEST(lengths_are_kept_apart)
{
    void *short_one, *long_one;

    begin();
    depot_push(&depot, 1, short_one = chain_of(1, 1));
    depot_push(&depot, SIZES_SHORT, long_one = chain_of(1, SIZES_SHORT));
    ck_assert_ptr_null(depot_pop(&depot, 2));
    ck_assert_ptr_eq(depot_pop(&depot, SIZES_SHORT), long_one);
    ck_assert_ptr_eq(depot_pop(&depot, 1), short_one);
}
END_TEST

START_TEST(an_empty_chain_is_no_batch)
{
    begin();
    depot_push(&depot, 3, NULL);
    ck_assert_ptr_null(depot_pop(&depot, 3));
}
END_TEST

START_TEST(forgetting_leaves_no_batch_and_the_heap_as_it_is)
{
    begin();
    depot_push(&depot, 9, chain_of(3, 9));
    size_t taken = f.heap.taken;
    depot_forget(&depot);
    ck_assert_ptr_null(depot_pop(&depot, 9));
    ck_assert_uint_eq(f.heap.taken, taken);
    ck_assert_ptr_nonnull(depot.lists);
}
END_TEST

static bool count_until_two(const void *batch, void *arg)
{
    ck_assert_ptr_nonnull(batch);
    return ++*(unsigned *)arg < 2;
}

static bool count_all(const void *batch, void *arg)
{
    *(size_t *)arg += fixture_length(batch);
    return true;
}

START_TEST(each_batch_is_visited_until_one_is_refused)
{
    unsigned visits = 0;
    size_t chunks = 0;

    begin();
    for (unsigned i = 0; i < 3; i++) {
        depot_push(&depot, 60, chain_of(sizes_batch(60), 60));
    }
    depot_push(&depot, 59, chain_of(1, 59));
    ck_assert(!depot_each(&depot, 60, count_until_two, &visits));
    ck_assert_uint_eq(visits, 2);
    ck_assert(depot_each(&depot, 60, count_all, &chunks));
    ck_assert_uint_eq(chunks, 3 * sizes_batch(60));
    ck_assert(depot_each(&depot, 58, count_until_two, &visits));
    ck_assert_uint_eq(visits, 2);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, a_depot_that_was_not_opened_has_nothing);
    tcase_add_test(tcase, opening_keeps_errno_and_what_is_there);
    tcase_add_test(tcase, a_batch_comes_back_whole);
    tcase_add_test(tcase, a_chain_of_any_length_is_one_batch);
    tcase_add_test(tcase, a_link_that_was_written_over_is_not_followed);
    tcase_add_test(tcase, lengths_are_kept_apart);
    tcase_add_test(tcase, an_empty_chain_is_no_batch);
    tcase_add_test(tcase, forgetting_leaves_no_batch_and_the_heap_as_it_is);
    tcase_add_test(tcase, each_batch_is_visited_until_one_is_refused);
}

int main(void)
{
    return fixture_run("depot", add);
}
