/* SPDX-License-Identifier: MIT
 *
 * assert.c - how a build with checks ends when it is wrong.
 *
 * Nothing is freed or unlocked on the way: the process is left as it was, for
 * a debugger.  So this allocates no memory either, since the fault may be in
 * what allocates.
 *
 * What it cannot do: say which call of the program led here.
 */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

#ifdef MP_CHECKS
void assert_failed(const char *condition, const char *file, int line)
{
    /* Standard error has no buffer, and so needs no memory. */
    fprintf(stderr, "libmempool: %s:%d: %s does not hold\n", file, line,
            condition);
    abort();
}
#endif
