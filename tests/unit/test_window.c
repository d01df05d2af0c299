/* SPDX-License-Identifier: MIT
 *
 * test_window.c - how a cache finds the map of an address outside of the range.
 */
#include "set.h"

#include "cache/window.h"

#define BLOCKS (WINDOW_MOST + 3)
#define GRANULES 40

static struct windows windows;
static struct block blocks[BLOCKS];
static _Alignas(16) unsigned char memory[BLOCKS][(GRANULES + 1) * 17 + 80];

static void start(void)
{
    memset(&windows, 0, sizeof windows);
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks_lay(&blocks[i], memory[i], GRANULES);
    }
}

/* The map byte of each granule is found, and of no address between. */
static bool shows(size_t i)
{
    bool shown = window_shows(&windows, &blocks[i]);

    for (uint32_t g = 0; g < GRANULES; g++) {
        unsigned char *at = block_address(&blocks[i], g);
        const struct window *window = window_find(&windows, at, true);
        ck_assert((window != NULL) == shown);
        ck_assert(window == NULL ||
                  window_map(window, at) == &blocks[i].map[g]);
        ck_assert_ptr_eq(window_reach(NULL, &windows, NULL, at),
                         shown ? &blocks[i].map[g] : NULL);
        ck_assert_ptr_null(window_find(&windows, at + 1, true));
        ck_assert_ptr_null(window_find(&windows, at + 8, true));
    }
    return shown;
}

START_TEST(a_window_leads_to_the_map_of_its_block)
{
    start();
    ck_assert(!shows(0));
    ck_assert_ptr_null(window_find(&windows, NULL, true));
    for (size_t i = 0; i < 5; i++) {
        window_open(&windows, &blocks[i]);
        window_open(&windows, &blocks[i]); /* it is the same */
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        ck_assert(shows(i) == (i < 5));
        const unsigned char *base = blocks[i].base;
        ck_assert_ptr_null(window_find(&windows, base - 16, true));
        ck_assert_ptr_null(
            window_find(&windows, base + (size_t)GRANULES * SIZES_GRANULE, true));
    }
    ck_assert_ptr_null(window_find(&windows, NULL, true));
    ck_assert_ptr_null(window_find(&windows, (void *)UINTPTR_MAX, true));
}
END_TEST

START_TEST(a_window_that_is_closed_shows_nothing)
{
    start();
    for (size_t i = 0; i < 5; i++) {
        window_open(&windows, &blocks[i]);
    }
    ck_assert(shows(2));
    window_close(&windows, &blocks[2]);
    window_close(&windows, &blocks[7]); /* there is none */
    for (size_t i = 0; i < 8; i++) {
        ck_assert(shows(i) == (i < 5 && i != 2));
    }
    window_open(&windows, &blocks[2]);
    ck_assert(shows(2));
    window_close_all(&windows);
    for (size_t i = 0; i < 8; i++) {
        ck_assert(!shows(i));
    }
}
END_TEST

START_TEST(a_block_that_has_become_longer_is_shown_whole)
{
    start();
    blocks[0].granules = GRANULES / 2;
    window_open(&windows, &blocks[0]);
    unsigned char *last = block_address(&blocks[0], GRANULES - 1);
    ck_assert_ptr_null(window_find(&windows, last, true));
    blocks[0].granules = GRANULES;
    window_open(&windows, &blocks[0]);
    ck_assert_ptr_nonnull(window_find(&windows, last, true));
    window_close(&windows, &blocks[0]); /* there is one window, not two */
    ck_assert(!shows(0));
}
END_TEST

START_TEST(where_there_are_too_many_blocks_the_oldest_is_not_shown)
{
    start();
    for (size_t i = 0; i < BLOCKS; i++) {
        window_open(&windows, &blocks[i]);
        ck_assert(shows(i));
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        ck_assert(shows(i) == (i >= BLOCKS - WINDOW_MOST));
    }
}
END_TEST

/* What was lent to a mark goes back into its chunk while the mark is open, and
 * may be lent again a little further on, or go with the block around it.  So
 * nothing there is freed by a window. */
START_TEST(a_block_that_was_lent_is_not_shown_beside_what_came_after)
{
    struct block lent[2];

    start();
    for (uint32_t i = 0; i < 2; i++) {
        blocks_lay(&lent[i], block_address(&blocks[0], 2 + 3 * i), 20);
        lent[i].lent = true;
        window_open(&windows, &lent[i]);
        for (uint32_t g = 0; g < 20; g++) {
            unsigned char *at = block_address(&lent[i], g);
            ck_assert_ptr_eq(window_map(window_find(&windows, at, true), at),
                             &lent[i].map[g]);
            ck_assert_ptr_null(window_reach(NULL, &windows, NULL, at));
        }
    }
    ck_assert_ptr_null(window_find(&windows, lent[0].base, true));
    ck_assert(window_shows(&windows, &blocks[0]));
    ck_assert(!window_shows(&windows, &blocks[1]));
    window_close(&windows, &blocks[0]);
    ck_assert_ptr_null(window_find(&windows, lent[1].base, true));
    ck_assert(!shows(0));
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, a_window_leads_to_the_map_of_its_block);
    tcase_add_test(tcase, a_window_that_is_closed_shows_nothing);
    tcase_add_test(tcase, a_block_that_has_become_longer_is_shown_whole);
    tcase_add_test(tcase,
                   where_there_are_too_many_blocks_the_oldest_is_not_shown);
    tcase_add_test(tcase,
                   a_block_that_was_lent_is_not_shown_beside_what_came_after);
}

int main(void)
{
    return fixture_run("window", add);
}
