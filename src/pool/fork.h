/* SPDX-License-Identifier: MIT
 *
 * fork.h - the child of a process with threads can use every pool.
 */
#ifndef MP_FORK_H
#define MP_FORK_H

#include "base/compiler.h"

/* Registers the handlers of fork(). */
MP_INNER void fork_start(void);

#endif /* MP_FORK_H */
