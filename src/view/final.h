/* SPDX-License-Identifier: MIT
 *
 * final.h - what is left at exit, where MEMPOOL_OPTIONS asks for it.
 *
 * What it cannot do: run where a program ends by _exit(2) or a signal.
 */
#ifndef MP_FINAL_H
#define MP_FINAL_H

#include "base/compiler.h"

/* Called as a pool is made: has the process print at exit what the words stats
 * and leaks ask for, once. */
MP_INNER void final_start(void);

#endif /* MP_FINAL_H */
