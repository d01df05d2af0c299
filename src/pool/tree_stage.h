/* SPDX-License-Identifier: MIT
 *
 * tree_stage.h - how far a reset or destroy has come with the pools below.
 *
 * What it cannot do: call a cleanup.  end.c does.
 */
#ifndef MP_TREE_STAGE_H
#define MP_TREE_STAGE_H

#include "pool/tree_type.h"

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

/* True: the call of that frame comes from a cleanup of this pool, or of one
 * below that the calling thread ends or resets together with it. */
MP_INNER bool tree_is_run(const struct memory_pool *mp, uintptr_t frame);

/* True: what is added to the pool now is added by a cleanup of the run that is
 * under way, which counts it. */
MP_INNER bool tree_is_late(const struct memory_pool *mp);

/* True: the pool or one above it is half ended, or ended by the caller, whose
 * frame it is: so it gets no child.  The lock of moves is held. */
MP_INNER bool tree_is_ending(const struct memory_pool *mp, uintptr_t frame);

/* True: no reset or destroy of a pool above has come to the pool.  The parent's
 * lock is held. */
MP_INNER bool tree_is_open(const struct memory_pool *mp);

/* Where that added to the work of a reset or destroy of a pool above, it is
 * told.  No lock held. */
MP_INNER void tree_reopen(struct memory_pool *mp);

/* In the child of fork(), with all locks held: what threads that are gone were
 * resetting or destroying is open again. */
MP_INNER void tree_forked(struct memory_pool *mp);

#endif /* MP_TREE_STAGE_H */
