/* SPDX-License-Identifier: MIT
 *
 * tree.h - pools below pools, and the cleanups of a pool.
 *
 * A pool has a struct tree from the moment it has a parent, a child or a
 * cleanup, and keeps it to its end.
 *
 * What it cannot do: end a pool.  end.c takes the lists apart.
 */
#ifndef MP_TREE_H
#define MP_TREE_H

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

/* Before a new pool is known to others: it and its parent get a struct tree,
 * and a parent with a capacity gets ready to be charged by it.  No lock held.
 * From then on the parent is pinned.  RESULT_NO_MEMORY, and nothing done. */
MP_INNER enum result tree_start(struct memory_pool *mp,
                                struct memory_pool *parent);

/* Makes it the newest child, and unpins the parent; everything else in it is
 * done.  No lock held. */
MP_INNER void tree_join(struct memory_pool *mp);

/* For pool/rejoin.c, with the parent's lock held: a pool that nobody else
 * knows, and which kept the struct tree of its life before, becomes the newest
 * child of a pool that has a struct tree; and the end of a child whose tree has
 * nothing but a parent, which tree_may_go() says of a quiet pool.  The struct
 * tree is kept. */
MP_INNER void tree_come(struct memory_pool *mp, struct memory_pool *parent);
MP_INNER bool tree_may_go(const struct memory_pool *mp);
MP_INNER void tree_go(struct memory_pool *mp);

/* Frees what a pool kept, as its memory goes. */
MP_INNER void tree_free_spare(struct memory_pool *mp);

/* tree_start() for a pool that may be moved: it and its parent, unless NULL,
 * get a struct tree.  RESULT_NO_MEMORY.  No lock held. */
MP_INNER enum result tree_prepare(struct memory_pool *mp,
                                  struct memory_pool *parent);

/* True: the pool or one above it is half ended, or ended by the caller, whose
 * frame it is: so it gets no child.  The lock of moves is held. */
MP_INNER bool tree_is_ending(const struct memory_pool *mp, uintptr_t frame);

/* True: no reset or destroy of a pool above has come to the pool.  The parent's
 * lock is held. */
MP_INNER bool tree_is_open(const struct memory_pool *mp);

/* Gives the pool, which is open, another parent, NULL: none.  The locks of
 * moves, of the pool and of both parents are held. */
MP_INNER void tree_move(struct memory_pool *mp, struct memory_pool *parent);

/* Where that added to the work of a reset or destroy of a pool above, it is
 * told.  No lock held. */
MP_INNER void tree_reopen(struct memory_pool *mp);

/* The end of a pool's struct tree; it has no children any more.  No lock
 * held. */
MP_INNER void tree_leave(struct memory_pool *mp);

/* How many children there are; the newest, and the next older one; NULL: none.
 * The lock of the pool, or of the parent where that is next, is held. */
MP_INNER size_t tree_count(const struct memory_pool *mp);
MP_INNER struct memory_pool *tree_first(const struct memory_pool *mp);
MP_INNER struct memory_pool *tree_next(const struct memory_pool *mp);

/* NULL: none.  A caller that goes on from the parent holds a lock that keeps it,
 * has pinned the pool, or works at one that is closing. */
static inline struct memory_pool *tree_parent(const struct memory_pool *mp)
{
    const struct tree *tree = sync_get_acquire(&mp->tree);

    return tree == NULL ? NULL : sync_get(&tree->parent);
}

/* The newest child of a stage, which is closing from now on, by the caller with
 * that frame; NULL: there is none.  No lock held. */
MP_INNER struct memory_pool *tree_take_child(struct memory_pool *mp,
                                             enum tree_stage stage,
                                             uintptr_t frame);

/* A child that the caller took is closed, or open again.  No lock held. */
MP_INNER void tree_put_child(struct memory_pool *child, enum tree_stage stage);

/* Children that a reset or destroy left half way are open again: all, or those
 * that the calling thread was at.  No lock held. */
MP_INNER void tree_open_again(struct memory_pool *mp, bool all);

/* Notes, or with frame 0 undoes, that the caller ends or resets this pool. */
MP_INNER void tree_set_runner(struct tree *tree, uintptr_t frame);

/* Takes the newest cleanup off its list; NULL: there is none.  No lock held. */
MP_INNER struct cleanup *tree_take_cleanup(struct memory_pool *mp);

/* True: the call of that frame comes from a cleanup of this pool, or of one
 * below that the calling thread ends or resets together with it. */
MP_INNER bool tree_is_run(const struct memory_pool *mp, uintptr_t frame);

/* True: what is added to the pool now is added by a cleanup of the run that is
 * under way, which counts it. */
MP_INNER bool tree_is_late(const struct memory_pool *mp);

/* How many cleanups were added to the pool so far.  No lock held. */
MP_INNER uint64_t tree_count_added(struct memory_pool *mp);

/* tree_take_cleanup() for the newest cleanup of that owner's marks from this
 * one on. */
MP_INNER struct cleanup *tree_take_marked(struct memory_pool *mp,
                                               uint64_t owner, uint64_t mark);

/* No lock held; mark 0: it is the pool's.  RESULT_NO_MEMORY; false: there is
 * no such cleanup. */
MP_INNER enum result tree_add_cleanup(struct memory_pool *mp, uint64_t owner,
                                      uint64_t mark, void (*fn)(void *arg),
                                      void *arg);
MP_INNER bool tree_remove_cleanup(struct memory_pool *mp,
                                  void (*fn)(void *arg), void *arg);

/* In the child of fork(), with all locks held: what threads that are gone were
 * resetting or destroying is open again.  The other is for a pool that such a
 * thread was making or ending: it has no parent any more. */
MP_INNER void tree_forked(struct memory_pool *mp);
MP_INNER void tree_strand(struct memory_pool *mp);

/* Links of parent and children agree; the lock is held. */
MP_INNER bool tree_is_sound(const struct memory_pool *mp);

#endif /* MP_TREE_H */
