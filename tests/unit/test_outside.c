/* SPDX-License-Identifier: MIT
 *
 * test_outside.c - whose memory outside of the range is, beside a model that
 * looks at each plot.
 *
 * What it cannot do: take the lock in several threads; check_owners.c does.
 */
#include "store/outside.h"

#include <string.h>

#include "../support.h"

#define PLOTS 200u
#define BYTES 4096u

/* An owner is a name only: the address of its plot. */
static struct outside plots[PLOTS];
static unsigned char memory[BYTES];

/* The shortest plot that has an address; plots lie one within the other, or
 * apart. */
static const struct outside *model(size_t at)
{
    const struct outside *found = NULL;

    for (size_t i = 0; i < PLOTS; i++) {
        const struct outside *p = &plots[i];
        if (p->bytes > 0 &&
            (uintptr_t)(memory + at) - outside_start(p) < p->bytes &&
            (found == NULL || p->bytes < found->bytes)) {
            found = p;
        }
    }
    return found;
}

static void expect_owners(void)
{
    bool agrees = true;

    for (size_t at = 0; at < BYTES; at += 3) {
        agrees = agrees && outside_owner(memory + at) ==
                               (const struct memory_pool *)(const void *)
                                   model(at);
    }
    ck_assert(agrees);
    ck_assert_ptr_null(outside_owner(NULL));
    ck_assert_ptr_null(outside_owner(&agrees));
}

static void put(size_t i, size_t start, size_t bytes)
{
    outside_add(&plots[i], memory + start, bytes,
                (struct memory_pool *)(void *)&plots[i]);
}

/* A place that is wholly within each other plot, or around it, or apart. */
static bool find_place(uint64_t *seed, size_t *start, size_t *bytes)
{
    *start = support_below(seed, BYTES);
    *bytes = 1 + support_below(seed, 1 + support_below(seed, BYTES - *start));
    for (size_t i = 0; i < PLOTS; i++) {
        size_t from = outside_start(&plots[i]) - (uintptr_t)memory;
        size_t to = from + plots[i].bytes;
        bool apart = *start >= to || *start + *bytes <= from;
        bool within = *start > from && *start + *bytes < to;
        bool around = *start < from && *start + *bytes > to;
        if (plots[i].bytes > 0 && !apart && !within && !around) {
            return false;
        }
    }
    return true;
}

/* Also where one is noted around others that are, and goes before them. */
START_TEST(the_innermost_plot_has_an_address)
{
    uint64_t seed = support_seed();

    for (size_t n = 0; n < 3000; n++) {
        size_t i = support_below(&seed, PLOTS);
        size_t start;
        size_t bytes;
        if (plots[i].bytes > 0 && support_below(&seed, 3) != 0) {
            outside_remove(&plots[i]);
            outside_remove(&plots[i]); /* which is noted no more */
        } else if (plots[i].bytes == 0 &&
                   find_place(&seed, &start, &bytes)) {
            put(i, start, bytes);
        }
        if (n % 10 == 0) {
            expect_owners();
        }
    }
    for (size_t i = 0; i < PLOTS; i++) {
        outside_remove(&plots[i]);
    }
    expect_owners();
}
END_TEST

/* As where a program uses a buffer again while a pool is in it.  Whatever is
 * answered, nothing is left behind of what goes. */
START_TEST(plots_that_overlap_do_no_harm)
{
    uint64_t seed = support_seed();

    for (size_t n = 0; n < 20000; n++) {
        size_t i = support_below(&seed, PLOTS);
        if (plots[i].bytes == 0) {
            size_t start = support_below(&seed, 64) * 16;
            put(i, start, 1 + support_below(&seed, 512));
        } else if (n % 3 == 0) {
            outside_resize(&plots[i], 1 + support_below(&seed, 512));
        } else {
            outside_remove(&plots[i]);
            memset(&plots[i], 0xff, sizeof plots[i]);
            plots[i].bytes = 0;
        }
        size_t at = support_below(&seed, BYTES);
        const struct memory_pool *owner = outside_owner(memory + at);
        const struct outside *plot = (const void *)owner;
        ck_assert(plot == NULL || (uintptr_t)(memory + at) -
                                       outside_start(plot) < plot->bytes);
    }
    for (size_t i = 0; i < PLOTS; i++) {
        outside_remove(&plots[i]);
    }
    expect_owners();
}
END_TEST

START_TEST(a_plot_changes_its_length)
{
    put(0, 100, 50);
    put(1, 110, 10);
    outside_resize(&plots[0], 60);
    expect_owners();
    outside_resize(&plots[0], 5);
    expect_owners();
    outside_remove(&plots[0]);
    expect_owners();
    outside_remove(&plots[1]);
    expect_owners();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("outside");
    TCase *tc = support_case(suite, "outside");

    tcase_add_test(tc, the_innermost_plot_has_an_address);
    tcase_add_test(tc, plots_that_overlap_do_no_harm);
    tcase_add_test(tc, a_plot_changes_its_length);
    return support_run(suite);
}
