/* SPDX-License-Identifier: MIT
 *
 * tree_type.h - what a pool has that is above or below others, or has cleanups.
 *
 *     tree.c -> tree_stage.c -> this
 *
 * What it cannot do: change any of it.  tree.h and tree_stage.h do.
 */
#ifndef MP_TREE_TYPE_H
#define MP_TREE_TYPE_H

#include "pool/cleanup.h"
#include "pool/pool.h"

/* Cleanups and children that cleanups may add in one reset, destroy or
 * rewind. */
#define TREE_LATE_MOST 65536u

/* How far a reset or destroy of a pool above has come with a child.  Each stage
 * is a list of the parent's. */
enum tree_stage {
    TREE_OPEN,    /* it has not come here, or has to come again */
    TREE_CLOSING, /* it is at this pool or at one below */
    TREE_CLOSED,  /* no cleanup is left here or below; the memory is there */
    TREE_STAGES
};

/* A reset or destroy of a pool, with all that is below.  It lies in that
 * pool's struct tree, so that the thread's list of them never leads to a dead
 * stack, however a cleanup is left.  end.c alone, and tree_leave(). */
struct tree_run {
    struct list_link link;  /* in the thread's list, the innermost first */
    struct memory_pool *mp; /* atomic; NULL: it is over, or the pool is gone */
    const struct mp_inline_thread *thread; /* whose it is; fixed while mp is not
                             * NULL */
    uintptr_t frame; /* of the call that does it; its thread alone */
    unsigned late;   /* cleanups and children that cleanups made */
};

/* What pools that are gone did; see totals.h. */
struct tree_totals {
    uint64_t pools;
    uint64_t allocations; /* as many were freed */
    uint64_t refused[POOL_REFUSALS];
    size_t peak_bytes;    /* the highest of them */
};

/* The same of pools below by one name. */
struct tree_gone {
    struct tree_gone *next;
    struct tree_totals totals;
    char name[POOL_NAME];
};

/* Names of pools below that are told apart once they are gone. */
#define TREE_NAMES 16
/* Bytes of stack that end.c keeps free between its own frame and that of a
 * cleanup. */
#define TREE_PAD ((size_t)2048)

/* True: a call from a frame here comes from below the call of that other frame,
 * which has not returned.  Stacks grow down. */
static inline bool tree_is_within(uintptr_t frame, uintptr_t other)
{
    return frame < other && other - frame >= TREE_PAD;
}

/* The lock of the pool that a list hangs on owns that list. */
struct tree {
    struct memory_pool *mp;       /* fixed; whose it is */
    struct memory_pool *parent;   /* atomic; NULL: none.  Who changes it holds
                                   * the locks of moves, of the pool, and of the
                                   * parents before and after; it does not
                                   * change while the pool is closing or
                                   * closed */
    struct list_link link;        /* in a list of the parent's; its lock */
    enum tree_stage stage;        /* atomic; which list; the parent's lock */
    struct list children[TREE_STAGES]; /* struct tree by link, the newest
                                        * first */
    size_t count;                 /* in all of these */
    struct cleanups cleanups;
    struct tree_gone *gone;       /* totals.c; the pool's lock */
    unsigned gone_names;          /* in that */
    struct tree_totals gone_unnamed; /* totals.c; the pool's lock */
    struct tree_totals gone_other;   /* and of further names */
    uint64_t added;               /* cleanups so far, with those that went */
    bool late;                    /* only the runner; made by a cleanup of the
                                   * parent, and not counted yet */
    const struct mp_inline_thread *runner; /* atomic; the thread whose reset or
                                            * destroy is at it; NULL: none */
    uintptr_t frame; /* atomic; of the runner's call */
    bool dropping;   /* only the runner: no cleanup is called any more */
    bool reported;   /* only the runner: its leaks were */
    struct tree_run own; /* of a reset or destroy that begins with this pool:
                          * the lock, by which one thread gets it */
};

/* NULL: none.  A caller that goes on from the parent holds a lock that keeps it,
 * has pinned the pool, or works at one that is closing. */
static inline struct memory_pool *tree_parent(const struct memory_pool *mp)
{
    const struct tree *tree = sync_get_acquire(&mp->tree);

    return tree == NULL ? NULL : sync_get(&tree->parent);
}

#endif /* MP_TREE_TYPE_H */
