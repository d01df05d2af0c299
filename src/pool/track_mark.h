/* SPDX-License-Identifier: MIT
 *
 * track_mark.h - the marks of a tracked pool.
 *
 * Each has a list of the objects that were allocated since.
 *
 * What it cannot do: lock.  The pool's lock is held in every function.
 */
#ifndef MP_TRACK_MARK_H
#define MP_TRACK_MARK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/treap.h"

struct track_mark {
    struct treap_node node;  /* of the pool's, by owner and number */
    struct track_mark *next; /* once it is off the tree: of those that go */
    uint64_t owner;
    uint64_t number;
    struct list live;        /* struct record by link, and then the end */
    struct list_link end;    /* behind them all, so that two lists are joined
                              * in one step */
};

MP_INNER void track_mark_add(struct treap_node **marks,
                             struct track_mark *mark);
MP_INNER void track_mark_remove(struct treap_node **marks,
                                struct track_mark *mark);

/* The owner's newest mark up to that number; NULL: it has none. */
MP_INNER struct track_mark *track_mark_search(struct treap_node *marks,
                                              uint64_t owner, uint64_t most);

/* The mark with that very number; NULL: the owner has no such mark open. */
MP_INNER struct track_mark *track_mark_get(struct treap_node *marks,
                                           uint64_t owner, uint64_t number);

/* Takes any mark off; NULL: there is none. */
MP_INNER struct track_mark *track_mark_take(struct treap_node **marks);

#endif /* MP_TRACK_MARK_H */
