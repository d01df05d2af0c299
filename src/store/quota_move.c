/* SPDX-License-Identifier: MIT
 *
 * quota_move.c - a quota gets another capacity, or other quotas above it.
 *
 * A capacity that becomes less takes bytes from beyond_peak first.  If these do
 * not suffice, the high-water mark lies above the new capacity: past_peak keeps
 * it, and beyond_peak begins anew at 0.
 *
 * A pool that gets another parent is charged to other quotas.  Its bytes go
 * from the old ones to the new ones in one hold of the locks of both trees.
 * Those that are above it before and after stay as they are.
 *
 * What it cannot do: recall the credit that is in the way.
 */
#include "store/quota_parts.h"

/* The bytes that go come from beyond_peak, then from free_to_peak. */
static enum quota_change quota_narrow(struct quota *quota, size_t bytes)
{
    size_t peak = quota->capacity - quota->beyond_peak;

    if (bytes > quota_free(quota)) {
        /* Credit may be what is in the way. */
        return quota->state == QUOTA_TIGHT ? QUOTA_LESS_HELD
                                           : QUOTA_LESS_PEAK;
    }
    if (bytes > quota->beyond_peak) {
        if (quota->state != QUOTA_TIGHT) {
            return QUOTA_LESS_PEAK;
        }
        quota->past_peak = peak > quota->past_peak ? peak : quota->past_peak;
        quota->free_to_peak -= bytes - quota->beyond_peak;
        quota->beyond_peak = 0;
        /* A charge that is undone later raised the mark that is past. */
        quota->raised = 0;
        return QUOTA_CHANGED;
    }
    quota->beyond_peak -= bytes;
    return QUOTA_CHANGED;
}

/* Where the mark stays below the capacity no credit has to be recalled: a loan
 * that is settled later lowers the mark as it would have before. */
enum quota_change quota_set_capacity(struct quota *quota, size_t capacity)
{
    ASSERT(quota->limits && capacity > 0);
    enum quota_change change = QUOTA_CHANGED;
    bool taken = quota_enter(quota);

    if (capacity < quota->capacity) {
        change = quota_narrow(quota, quota->capacity - capacity);
    } else {
        quota->beyond_peak += capacity - quota->capacity;
    }
    if (change == QUOTA_CHANGED) {
        sync_put(&quota->capacity, capacity);
    }
    quota_leave(quota, taken);
    return change;
}

size_t quota_moved(const struct quota *quota, const struct quota *above)
{
    return quota->above == above ? quota_used(quota) : 0;
}

/* Enters the locks of two trees, which may be one, or none. */
static void quota_enter_both(const struct quota *one, const struct quota *other,
                             bool taken[2])
{
    taken[0] = one != NULL && lock_enter(one->tree);
    taken[1] = other != NULL && (one == NULL || one->tree != other->tree) &&
               lock_enter(other->tree);
}

static void quota_leave_both(const struct quota *one, const struct quota *other,
                             const bool taken[2])
{
    if (other != NULL && (one == NULL || one->tree != other->tree)) {
        lock_leave(other->tree, taken[1]);
    }
    if (one != NULL) {
        lock_leave(one->tree, taken[0]);
    }
}

/* Which of the quotas from one up is the first that the other charges, too. */
static struct quota *quota_common(struct quota *from, struct quota *to)
{
    while (to != NULL && !quota_is_below(from, to)) {
        to = to->above;
    }
    return to;
}

/* The locks keep all other charges out, so the order of the two walks that
 * write does not matter to anybody. */
struct quota *quota_transfer(struct quota *from, struct quota *to,
                             size_t bytes, enum quota_state *state, bool *due)
{
    bool taken[2];

    quota_enter_both(from, to, taken);
    struct quota *common = quota_common(from, to);
    struct quota *refuser = to;
    *due = false;
    while (refuser != common && bytes <= quota_free(refuser)) {
        refuser = refuser->above;
    }
    if (refuser != common) {
        *state = refuser->state;
        quota_leave_both(from, to, taken);
        return refuser;
    }
    for (struct quota *up = from; up != common; up = up->above) {
        ASSERT(bytes <= up->charged_below);
        up->charged_below -= bytes;
        up->free_to_peak += bytes;
        quota_arm(up);
        ASSERT(quota_is_whole(up));
    }
    for (struct quota *up = to; up != common; up = up->above) {
        *due = quota_take(up, bytes) || *due;
        up->charged_below += bytes;
        ASSERT(quota_is_whole(up));
    }
    quota_leave_both(from, to, taken);
    return NULL;
}

void quota_relink(struct quota *quota, struct quota *from, struct quota *to,
                  bool parent)
{
    struct quota *above = quota->above == from ? to : quota->above;

    ASSERT(above != quota);
    sync_put(&quota->above, above);
    if (above != NULL) {
        ASSERT(above->limits && above->tree != NULL);
        quota->tree = above->tree;
    } else {
        /* The topmost one, as quota_share() has it. */
        quota->tree = quota->limits && parent ? &quota->lock : NULL;
    }
}
