/* SPDX-License-Identifier: MIT
 *
 * tree.h - pools below pools, and what is called when one goes.
 *
 * A pool has a struct tree from the moment it has a parent, a child or a
 * cleanup, and keeps it to its end.
 */
#ifndef MP_TREE_H
#define MP_TREE_H

#include "pool/pool.h"

struct tree_cleanup;

/* A reset or destroy under way: a thread's own, in a chain, the innermost
 * first. */
struct tree_run {
    struct memory_pool *mp;
    struct tree_run *outer;
    struct tree_run *first; /* the outermost of what is ended at once */
    unsigned late; /* in that: cleanups and children that cleanups made */
    bool dropping; /* runs no cleanup any more */
    bool dropped;  /* has left one out */
};

/* The lists are owned by the lock of the pool that they hang on. */
struct tree {
    struct memory_pool *parent;   /* fixed; NULL: none */
    struct memory_pool *newer;    /* its neighbours among the children of */
    struct memory_pool *older;    /* the parent, whose lock owns these */
    bool listed;                  /* it is among them; so this */
    bool late;                    /* fixed; made by a cleanup of the parent */
    struct memory_pool *children; /* the newest first */
    struct tree_cleanup *cleanups; /* so these */
    size_t charged; /* bytes of the capacity that pools below it hold */
    const struct mp_inline_thread *runner; /* atomic; the thread that began
                                            * last to end or reset it, until
                                            * it is done */
    struct tree_run run; /* only the thread that destroys it with its parent */
};

/* True: what a child of this pool holds is counted by a capacity. */
bool tree_is_bounding(const struct memory_pool *parent);

/* Makes a new pool the newest child; false: no memory, and nothing done. */
bool tree_join(struct memory_pool *mp, struct memory_pool *parent);

/* The end of a pool's struct tree; it has no children any more. */
void tree_leave(struct memory_pool *mp);

/* Takes bytes out of the room of every pool above that has a capacity, or
 * false, and out of none; and gives them back.  No lock may be held. */
bool tree_charge(struct memory_pool *mp, size_t bytes);
void tree_uncharge(struct memory_pool *mp, size_t bytes);

/* Before a reset or destroy, with no lock held: destroys the children and
 * runs the cleanups until neither is left.  False, reported and nothing
 * done: the caller is a cleanup of this pool or of one below. */
bool tree_prepare(struct memory_pool *mp);

/* The newest child, the next older one, and the parent; NULL: none.  The lock
 * of the pool, or of the parent where that is next, is held. */
struct memory_pool *tree_first(const struct memory_pool *mp);
struct memory_pool *tree_next(const struct memory_pool *mp);
struct memory_pool *tree_parent(const struct memory_pool *mp);

/* For the functions of the same names.  add: 0, or ENOMEM.  remove: false:
 * there is none. */
int tree_add_cleanup(struct memory_pool *mp, void (*fn)(void *arg),
                     void *arg);
bool tree_remove_cleanup(struct memory_pool *mp, void (*fn)(void *arg),
                         void *arg);

#endif /* MP_TREE_H */
