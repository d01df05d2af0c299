/* SPDX-License-Identifier: MIT
 *
 * outside.h - whose memory outside of the range is, by address.
 *
 * The range has a table of owners.  What pools have elsewhere is noted here,
 * all pools' plots together: the granules of a block that a backing gave.  So
 * the pool of any address is found in logarithmic time, however many pools
 * there are.
 *
 * What it cannot do: say whether an object is live.  Objects of tracked pools
 * are no plots, since to note each would cost as much as all else that such a
 * pool does.
 */
#ifndef MP_OUTSIDE_H
#define MP_OUTSIDE_H

#include <stddef.h>

#include "base/treap.h"

struct memory_pool;

/* A plot of memory that belongs to one pool, noted or not.  It is a part of
 * what the pool has anyway, so noting takes no memory and cannot fail.  The
 * lock in outside.c owns all of it while it is noted. */
struct outside {
    struct treap_node node;
    struct outside *around; /* the innermost other plot that it begins in;
                             * NULL: it begins in none */
    uintptr_t hidden;       /* ~ of its start, see record.h */
    size_t bytes;           /* 0: it is not noted */
    struct memory_pool *owner;
};

static inline uintptr_t outside_start(const struct outside *plot)
{
    return ~plot->hidden;
}

/* Notes a plot, which is not noted; takes one out, if it is; and notes that it
 * is longer or shorter now.  The lock of the owner is held. */
MP_INNER void outside_add(struct outside *plot, const void *start,
                          size_t bytes, struct memory_pool *owner);
MP_INNER void outside_remove(struct outside *plot);
MP_INNER void outside_resize(struct outside *plot, size_t bytes);

/* The owner of the innermost plot that an address lies in; NULL: it lies in
 * none.  Reads only plots. */
MP_INNER struct memory_pool *outside_owner(const void *ptr);

/* Tells the lock, see lock_tell_all(). */
MP_INNER void outside_tell_lock(void);

/* For the fork handlers. */
MP_INNER void outside_fork_prepare(void);
MP_INNER void outside_fork_done(void);

#endif /* MP_OUTSIDE_H */
