/* SPDX-License-Identifier: MIT
 *
 * quota_parts.h - what the files of quotas share.
 *
 * The owner's lock is held in all of it but quota_enter(): that of the quota's
 * tree, or the pool's, if the quota is in no tree.
 *
 * What it cannot do: serve other files.  They include quota.h.
 */
#ifndef MP_QUOTA_PARTS_H
#define MP_QUOTA_PARTS_H

#include "store/quota.h"

/* Bytes that the capacity has left. */
static inline size_t quota_free(const struct quota *quota)
{
    ASSERT(quota->free_to_peak <= SIZE_MAX - quota->beyond_peak);
    return quota->free_to_peak + quota->beyond_peak;
}

/* The numbers do not exceed the capacity, so that held is not negative. */
static inline bool quota_is_whole(const struct quota *quota)
{
    return quota->beyond_peak <= quota->capacity &&
           quota->free_to_peak <= quota->capacity - quota->beyond_peak &&
           quota->charged_below <= quota->capacity - quota_free(quota) &&
           quota->raised <= quota->capacity - quota->beyond_peak;
}

/* Enters the owner's lock.  The pool's is held already, so only the tree's is
 * left to take. */
static inline bool quota_enter(const struct quota *quota)
{
    bool taken = quota->tree != NULL && lock_enter(quota->tree);

    ASSERT(quota_is_whole(quota));
    return taken;
}

/* It asserts on the way out, too: the call that broke the numbers is then
 * still on the stack. */
static inline void quota_leave(const struct quota *quota, bool taken)
{
    ASSERT(quota_is_whole(quota));
    if (quota->tree != NULL) {
        lock_leave(quota->tree, taken);
    }
}

/* Bytes of the capacity that are charged. */
static inline size_t quota_used(const struct quota *quota)
{
    return quota->capacity - quota_free(quota);
}

/* The next time that use comes near the limit, somebody is told again.  Credit
 * that goes back does not arm, since as much may be lent at once: a cache that
 * borrows gives the rest of its last credit back first. */
static inline void quota_arm(struct quota *quota)
{
    if (quota_used(quota) < quota->near_bytes) {
        quota->near = QUOTA_NEAR_ARMED;
    }
}

/* Takes bytes, which are there, and raises the mark where it must.  True: use
 * has come near the limit by that. */
MP_INNER bool quota_take(struct quota *quota, size_t bytes);

/* The same for a quota and those above. */
MP_INNER void quota_take_all(struct quota *quota, size_t bytes);

/* Gives back to a quota and those above; failed: and lowers their marks. */
MP_INNER void quota_give(struct quota *quota, size_t bytes, bool failed);

/* Lets the mark fall back by the bytes of a charge that is undone. */
MP_INNER void quota_lower(struct quota *quota, size_t bytes);

#endif /* MP_QUOTA_PARTS_H */
