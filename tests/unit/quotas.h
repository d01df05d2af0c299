/* SPDX-License-Identifier: MIT
 *
 * quotas.h - a tree of quotas, and what their numbers should be.
 *
 * What it cannot do: enter a pool's lock, which the callers of quotas hold.
 */
#ifndef MP_TESTS_UNIT_QUOTAS_H
#define MP_TESTS_UNIT_QUOTAS_H

#include "../support.h"
#include "store/quota.h"

/* Numbers as they should be now. */
static void expect(const struct quota *quota, size_t held, size_t below,
                   size_t peak)
{
    ck_assert_uint_eq(quota_held(quota), held);
    ck_assert_uint_eq(quota->charged_below, below);
    ck_assert_uint_eq(quota_peak(quota), peak);
    ck_assert_uint_eq(quota->capacity, held + below + quota->free_to_peak +
                                           quota->beyond_peak);
    ck_assert(quota_is_sound(quota, held));
    ck_assert(!quota_is_sound(quota, held + 1));
}

/* root (1,000) - middle (no capacity) - upper (500) - leaf (no capacity). */
static struct quota root;
static struct quota middle;
static struct quota upper;
static struct quota leaf;

static void start_tree(void)
{
    quota_start(&root, 1000, NULL);
    ck_assert(quota_share(&root));
    quota_start(&middle, QUOTA_NONE, &root);
    ck_assert(quota_share(&middle));
    quota_start(&upper, 500, &middle);
    ck_assert(quota_share(&upper));
    quota_start(&leaf, QUOTA_NONE, &upper);
}

#endif /* MP_TESTS_UNIT_QUOTAS_H */
