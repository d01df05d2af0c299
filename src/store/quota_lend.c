/* SPDX-License-Identifier: MIT
 *
 * quota_lend.c - credit that a quota lends.
 *
 * A loan is a charge like any other, of the quota and of those above.  Once it
 * is settled, what was never used of it is as if it had never been charged: the
 * high-water marks fall back by so much.
 *
 * What it cannot do: take credit back, since it does not know who has it.
 * recall.c does.
 */
#include "store/quota_parts.h"

/* As much as every quota on the way up can spare, of which none is tight. */
static size_t quota_spare(struct quota *quota, size_t least, size_t part)
{
    size_t spare = SIZE_MAX;

    for (; quota != NULL; quota = quota->above) {
        size_t room = quota_free(quota);
        if (quota->state == QUOTA_TIGHT && room >= quota->capacity / 8 &&
            room / part >= least) {
            quota->state = QUOTA_ROOMY;
        }
        if (quota->state != QUOTA_ROOMY) {
            return 0;
        }
        spare = room / part < spare ? room / part : spare;
    }
    return spare;
}

/* Charges for a loan. */
static void quota_take_loan(struct quota *quota, size_t bytes)
{
    quota_take_all(quota, bytes);
    /* The raise is the loan's from now on.  Were it the last charge's, too, the
     * end of another loan could lower the mark by it, and then the end of this
     * loan would do so a second time. */
    quota->lent_raised = quota->raised;
    quota->raised = 0;
}

size_t quota_lend(struct quota *quota, size_t least, size_t most, size_t part)
{
    ASSERT(least > 0 && part > 0);
    bool taken = quota_enter(quota);
    size_t bytes = quota_spare(quota, least, part);

    most = most < least ? least : most;
    bytes = bytes < least ? 0 : bytes < most ? bytes : most;
    if (bytes > 0) {
        quota_take_loan(quota, bytes);
    }
    quota_leave(quota, taken);
    return bytes;
}

size_t quota_lend_first(struct quota *quota, size_t most, size_t part)
{
    ASSERT(most > 0 && part > 0);
    bool taken = quota_enter(quota);
    struct quota *up = quota;
    size_t bytes = 0;

    while (up != NULL && up->near_bytes == SIZE_MAX) {
        up = up->above;
    }
    if (up == NULL) {
        bytes = quota_spare(quota, 1, part);
        bytes = bytes < most ? bytes : most;
        if (bytes > 0) {
            quota_take_loan(quota, bytes);
        }
    }
    quota_leave(quota, taken);
    return bytes;
}

void quota_settle(struct quota *quota, size_t bytes, size_t unused)
{
    ASSERT(unused <= bytes);
    bool taken = quota_enter(quota);

    quota_give(quota, bytes, false);
    /* Whatever was charged since: before the loan the mark was no higher than
     * that, and after it the bytes were never held. */
    quota->free_to_peak -= unused;
    quota->beyond_peak += unused;
    for (struct quota *up = quota->above; up != NULL; up = up->above) {
        quota_lower(up, unused);
    }
    quota_leave(quota, taken);
}
