/* SPDX-License-Identifier: MIT
 *
 * quota.c - the bytes that a pool may hold, and what it holds.
 *
 * A tree of quotas has one lock, the topmost's.  A charge looks at every
 * quota on its way up first, and writes only when all of them have room: so
 * it is all or nothing, and no pool sees a "full" that another pool's failing
 * charge made.  Locks of several levels, taken one after the other, would
 * show the lower levels charged before the upper ones refuse.
 *
 * Invariants, for each quota:
 *
 *     capacity == held + charged_below + free_to_peak + beyond_peak
 *     peak     == max(capacity - beyond_peak, past_peak)
 *     raised   <= capacity - beyond_peak
 *
 * and for a quota with a capacity
 *
 *     charged_below == sum of held and charged_below over the quotas whose
 *                      above it is
 *
 * Why quota_undo() never takes the mark too low: let the last charge raise the
 * mark by r to m, and let f be the bytes that are charged then and undone
 * later.  Without the failed charges m - f would have been held, so the mark
 * would be at least max(m - r, m - f) only.  Each undo takes as much off the
 * mark as it gives back, until r is used up: min(r, f) in all.
 *
 * What it cannot do: wait for bytes, or say which pool used them up.
 */
#include "store/quota_parts.h"

bool quota_take(struct quota *quota, size_t bytes)
{
    ASSERT(bytes <= quota_free(quota));
    /* Each charge sets it anew, so that quota_undo() takes back what the last
     * one raised and nothing that an object was there for. */
    quota->raised = 0;
    if (bytes > quota->free_to_peak) {
        quota->raised = bytes - quota->free_to_peak;
        quota->beyond_peak -= quota->raised;
        quota->free_to_peak = bytes;
    }
    quota->free_to_peak -= bytes;
    ASSERT(quota_is_whole(quota));
    quota_arm(quota);
    if (quota->near != QUOTA_NEAR_ARMED ||
        quota_used(quota) < quota->near_bytes) {
        return false;
    }
    quota->near = QUOTA_NEAR_DUE;
    return true;
}

void quota_lower(struct quota *quota, size_t bytes)
{
    size_t lower = bytes < quota->raised ? bytes : quota->raised;

    ASSERT(lower <= quota->free_to_peak);
    quota->free_to_peak -= lower;
    quota->beyond_peak += lower;
    quota->raised -= lower;
    ASSERT(quota_is_whole(quota));
}

void quota_start(struct quota *quota, size_t capacity, struct quota *above)
{
    lock_start(&quota->lock, LOCK_QUOTA);
    lock_start(&quota->recall, LOCK_RECALL);
    quota_restart(quota, capacity, above);
}

/* All bytes begin beyond the peak.  So the first charge does not take the
 * shortest way, which cannot raise the mark. */
void quota_restart(struct quota *quota, size_t capacity,
                   struct quota *above)
{
    ASSERT(quota != above);
    quota->limits = capacity != QUOTA_NONE;
    capacity = quota->limits ? capacity : QUOTA_UNLIMITED;
    sync_put(&quota->capacity, capacity);
    quota->past_peak = 0;
    quota->free_to_peak = 0;
    quota->beyond_peak = capacity;
    quota->charged_below = 0;
    quota->raised = 0;
    quota->lent_raised = 0;
    quota->near = QUOTA_NEAR_ARMED;
    quota->near_bytes = SIZE_MAX;
    sync_put(&quota->due, false);
    /* A pool without capacity refuses nobody, so nobody charges it. */
    if (above != NULL && !above->limits) {
        above = above->above;
    }
    ASSERT(above == NULL || above->tree != NULL);
    ASSERT(above == NULL || above->limits);
    sync_put(&quota->above, above);
    quota->tree = above == NULL ? NULL : above->tree;
    quota->state = QUOTA_ROOMY;
    quota->borrowers.first = NULL;
    quota->borrower = (struct list_link){NULL, NULL};
    ASSERT(quota_is_whole(quota));
}

/* There is no way back, even when the last pool below is gone: another one may
 * be made at any moment, and would charge beside the short way. */
bool quota_share(struct quota *quota)
{
    if (!quota_is_limited(quota)) {
        return false;
    }
    /* Without a tree yet it has nobody above: so it is the topmost. */
    if (quota->tree == NULL) {
        ASSERT(quota->above == NULL);
        quota->tree = &quota->lock;
    }
    ASSERT(quota->above == NULL || quota->above->tree == quota->tree);
    return true;
}

void quota_take_all(struct quota *quota, size_t bytes)
{
    bool due = quota_take(quota, bytes);

    for (struct quota *up = quota->above; up != NULL; up = up->above) {
        due = quota_take(up, bytes) || due;
        up->charged_below += bytes;
        ASSERT(bytes <= up->charged_below && quota_is_whole(up));
    }
    if (due) {
        sync_put(&quota->due, true);
    }
}

/* The first walk only reads, so a refusal leaves no trace.  Both walks are in
 * one hold of the tree's lock: what had room still has it. */
bool quota_charge(struct quota *quota, size_t bytes)
{
    bool taken = quota_enter(quota);
    bool fits = bytes <= quota_free(quota);

    for (struct quota *up = quota->above; up != NULL && fits; up = up->above) {
        ASSERT(up->tree == quota->tree && quota_is_whole(up));
        fits = bytes <= quota_free(up);
    }
    if (fits) {
        quota_take_all(quota, bytes);
    }
    quota_leave(quota, taken);
    return fits;
}

void quota_give(struct quota *quota, size_t bytes, bool failed)
{
    ASSERT(bytes <= quota->capacity - quota->charged_below -
                        quota_free(quota));
    quota->free_to_peak += bytes;
    for (struct quota *up = quota->above; up != NULL && bytes > 0;
         up = up->above) {
        ASSERT(up->tree == quota->tree);
        ASSERT(bytes <= up->charged_below);
        up->charged_below -= bytes;
        up->free_to_peak += bytes;
        ASSERT(quota_is_whole(up));
    }
    /* After all is given back: the mark must not fall below what is held. */
    for (; failed && quota != NULL; quota = quota->above) {
        quota_lower(quota, bytes);
    }
}

/* The peak stays where it is: the object was there. */
void quota_uncharge(struct quota *quota, size_t bytes)
{
    bool taken = quota_enter(quota);

    quota_give(quota, bytes, false);
    for (struct quota *up = quota; up != NULL; up = up->above) {
        quota_arm(up);
    }
    quota_leave(quota, taken);
}

/* A heir without a capacity is charged for nothing below, and the next one that
 * has one is the quota's own, too: so there the heir takes the bytes over. */
void quota_end(struct quota *quota, struct quota *heir)
{
    bool taken = quota_enter(quota);
    struct lock *tree = quota->tree;
    size_t bytes = quota->capacity - quota_free(quota);

    ASSERT(heir == NULL || quota->above == heir ||
           quota->above == heir->above);
    if (heir == NULL || quota->above == NULL) {
        quota->charged_below = 0;
        quota_give(quota, bytes, false);
    } else {
        quota->charged_below = 0;
        quota->free_to_peak += bytes;
        if (quota->above != heir) {
            quota_take(heir, bytes);
            heir->charged_below += bytes;
        }
    }
    ASSERT(quota_is_whole(quota));
    sync_put(&quota->above, (struct quota *)NULL);
    quota->tree = NULL;
    if (tree != NULL) {
        lock_leave(tree, taken);
    }
}

size_t quota_end_quiet(struct quota *quota, size_t unused)
{
    bool taken = quota_enter(quota);
    struct lock *tree = quota->tree;

    ASSERT(quota->charged_below == 0 && unused <= quota_used(quota));
    quota_give(quota, quota_used(quota), false);
    quota->free_to_peak -= unused;
    quota->beyond_peak += unused;
    for (struct quota *up = quota->above; up != NULL; up = up->above) {
        quota_lower(up, unused);
    }
    size_t peak = quota->capacity - quota->beyond_peak;
    peak = peak > quota->past_peak ? peak : quota->past_peak;
    ASSERT(quota_is_whole(quota));
    sync_put(&quota->above, (struct quota *)NULL);
    quota->tree = NULL;
    if (tree != NULL) {
        lock_leave(tree, taken);
    }
    return peak;
}

/* Nothing was ever held for the charge, so the peak must not show it. */
void quota_undo(struct quota *quota, size_t bytes)
{
    bool taken = quota_enter(quota);

    quota_give(quota, bytes, true);
    for (struct quota *up = quota; up != NULL; up = up->above) {
        quota_arm(up);
    }
    quota_leave(quota, taken);
}

void quota_set_near(struct quota *quota, size_t bytes)
{
    bool taken = quota_enter(quota);

    quota->near_bytes = bytes;
    quota->near = QUOTA_NEAR_ARMED;
    quota_leave(quota, taken);
}

bool quota_take_due(struct quota *quota, size_t *used)
{
    bool taken = quota_enter(quota);
    bool due = quota->near == QUOTA_NEAR_DUE;

    if (due) {
        quota->near = QUOTA_NEAR_TOLD;
        *used = quota_used(quota);
    }
    quota_leave(quota, taken);
    return due;
}

/* Both in one hold of the lock: a quota that is tight a moment later may have
 * refused because of credit that was taken back in between. */
struct quota *quota_refuser(struct quota *quota, size_t bytes,
                            enum quota_state *state)
{
    bool taken = quota_enter(quota);
    struct quota *refuser = quota;

    while (refuser != NULL && bytes <= quota_free(refuser)) {
        refuser = refuser->above;
    }
    *state = refuser == NULL ? QUOTA_ROOMY : refuser->state;
    quota_leave(quota, taken);
    return refuser;
}

enum quota_state quota_state(const struct quota *quota)
{
    bool taken = quota_enter(quota);
    enum quota_state state = quota->state;

    quota_leave(quota, taken);
    return state;
}

void quota_set_state(struct quota *quota, enum quota_state state)
{
    bool taken = quota_enter(quota);

    quota->state = state;
    quota_leave(quota, taken);
}

struct quota *quota_top(const struct quota *quota)
{
    return quota->tree == NULL
               ? NULL
               : LIST_ENTRY(quota->tree, struct quota, lock);
}

struct quota *quota_top_shared(struct quota *quota)
{
    /* With a quota above it has the tree's lock from the start. */
    return quota->above == NULL ? quota : quota_top(quota);
}

bool quota_is_below(const struct quota *quota, const struct quota *above)
{
    while (quota != NULL && quota != above) {
        quota = quota->above;
    }
    return quota != NULL;
}

size_t quota_held(const struct quota *quota)
{
    bool taken = quota_enter(quota);
    size_t held =
        quota->capacity - quota->charged_below - quota_free(quota);

    quota_leave(quota, taken);
    return held;
}

size_t quota_capacity(const struct quota *quota, size_t *room)
{
    bool taken = quota_enter(quota);
    size_t capacity = quota->capacity;

    *room = quota_free(quota);
    quota_leave(quota, taken);
    return capacity;
}

size_t quota_peak(const struct quota *quota)
{
    bool taken = quota_enter(quota);
    size_t peak = quota->capacity - quota->beyond_peak;

    peak = peak > quota->past_peak ? peak : quota->past_peak;
    quota_leave(quota, taken);
    return peak;
}

/* It enters the lock directly: quota_enter() asserts what is to be found out
 * here, and mp_check() has to answer damage without an abort. */
bool quota_is_sound(const struct quota *quota, size_t held)
{
    bool taken = quota->tree != NULL && lock_enter(quota->tree);
    bool sound = quota_is_whole(quota) &&
                 held == quota->capacity - quota->charged_below -
                             quota_free(quota);

    if (quota->tree != NULL) {
        lock_leave(quota->tree, taken);
    }
    return sound;
}
