/* SPDX-License-Identifier: MIT
 *
 * fork.h - the child of a process with threads can use every pool.
 */
#ifndef MP_FORK_H
#define MP_FORK_H

#include "base/compiler.h"

struct memory_pool;

/* Registers the handlers of fork(). */
MP_INNER void fork_start(void);

/* Takes the pools, linked by kept_next, that threads were making or ending
 * which this process, the child of a fork, does not have; NULL: there are none.
 * The caller destroys each.  No lock held. */
MP_INNER struct memory_pool *fork_take_left(void);

#endif /* MP_FORK_H */
