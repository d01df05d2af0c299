/* SPDX-License-Identifier: MIT
 *
 * stats_print.h - the numbers of a pool and of those below, printed.
 *
 * What it cannot do: print a tree in which pools are destroyed meanwhile.
 */
#ifndef MP_STATS_PRINT_H
#define MP_STATS_PRINT_H

#include <stdio.h>

#include "pool/pool.h"

/* 0, or the error number of the stream.  No lock held. */
MP_INNER int stats_print(struct memory_pool *mp, FILE *stream,
                         mp_format_t format);

/* Writes numbers that were gathered, as MP_TEXT; name NULL: none. */
MP_INNER void stats_print_one(FILE *stream, const char *name,
                              const mp_stats_t *stats);

#endif /* MP_STATS_PRINT_H */
