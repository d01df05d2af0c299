/* SPDX-License-Identifier: MIT
 *
 * cleanup.h - the cleanups of a pool, found without a search of all.
 *
 * What it cannot do: lock.  The pool's lock is held in every function.
 */
#ifndef MP_CLEANUP_H
#define MP_CLEANUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/treap.h"

struct cleanup {
    struct list_link link;    /* among all */
    struct treap_node same;   /* in the order of fn, arg, and number */
    struct treap_node marked; /* of a mark's: of owner, mark, and number */
    struct treap_node owned;  /* and of owner and number */
    void (*fn)(void *arg);
    void *arg;
    uint64_t owner; /* of the mark that it belongs to, a user's number */
    uint64_t mark;  /* number of that, which may be committed by now; 0: it is
                     * the pool's */
    uint64_t number; /* among all that were added to the pool */
    bool late; /* added by a cleanup of the same run */
};

/* All zero: none. */
struct cleanups {
    struct list all; /* the newest first */
    struct treap_node *same;
    struct treap_node *marked;
    struct treap_node *owned;
};

/* Adds one that has all but its links, and is the newest. */
MP_INNER void cleanup_add(struct cleanups *cleanups, struct cleanup *cleanup);
MP_INNER void cleanup_remove(struct cleanups *cleanups,
                             struct cleanup *cleanup);

/* The newest of all, of those with that function and argument, and of that
 * owner's marks from this one on; NULL: there is none. */
MP_INNER struct cleanup *cleanup_newest(const struct cleanups *cleanups);
MP_INNER struct cleanup *cleanup_find_same(const struct cleanups *cleanups,
                                           void (*fn)(void *arg), void *arg);
MP_INNER struct cleanup *cleanup_find_marked(const struct cleanups *cleanups,
                                           uint64_t owner, uint64_t mark);

/* Each cleanup of the list is in its trees. */
MP_INNER bool cleanup_are_sound(const struct cleanups *cleanups);

#endif /* MP_CLEANUP_H */
