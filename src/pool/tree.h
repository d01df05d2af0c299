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

#include "pool/tree_stage.h"
#include "pool/tree_type.h"

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

/* Gives the pool, which is open, another parent, NULL: none.  The locks of
 * moves, of the pool and of both parents are held. */
MP_INNER void tree_move(struct memory_pool *mp, struct memory_pool *parent);

/* The end of a pool's struct tree; it has no children any more.  No lock
 * held. */
MP_INNER void tree_leave(struct memory_pool *mp);

/* It has children, or cleanups.  No lock held; the second for its holder. */
MP_INNER bool tree_has_more(struct memory_pool *mp);
MP_INNER bool tree_holds_more(const struct memory_pool *mp);

/* How many children there are; the newest, and the next older one; NULL: none.
 * The lock of the pool, or of the parent where that is next, is held. */
MP_INNER size_t tree_count(const struct memory_pool *mp);
MP_INNER struct memory_pool *tree_first(const struct memory_pool *mp);
MP_INNER struct memory_pool *tree_next(const struct memory_pool *mp);

/* Takes the newest cleanup off its list; NULL: there is none.  No lock held. */
MP_INNER struct cleanup *tree_take_cleanup(struct memory_pool *mp);

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

/* In the child of fork(), with all locks held, for a pool that a thread which is
 * gone was making or ending: it has no parent any more. */
MP_INNER void tree_strand(struct memory_pool *mp);

/* Links of parent and children agree; the lock is held. */
MP_INNER bool tree_is_sound(const struct memory_pool *mp);

#endif /* MP_TREE_H */
