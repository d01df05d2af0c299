/* SPDX-License-Identifier: MIT
 *
 * final.h - what is left at exit, where a pool's flags ask for it.
 *
 * What it cannot do: run where a program ends by _exit(2) or a signal.
 */
#ifndef MP_FINAL_H
#define MP_FINAL_H

#include "base/compiler.h"

/* Called as a pool with these flags is made: has the process print at exit what
 * MP_STATS and MP_LEAKS ask for, once. */
MP_INNER void final_start(unsigned flags);

#endif /* MP_FINAL_H */
