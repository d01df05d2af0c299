/* SPDX-License-Identifier: MIT
 *
 * stats_print.h - the numbers of a pool and of those below, printed.
 *
 * What it cannot do: print a tree in which pools are destroyed meanwhile.
 */
#ifndef MP_STATS_PRINT_H
#define MP_STATS_PRINT_H

#include <stdio.h>

#include "pool/totals.h"

/* 0, or the error number of the stream.  No lock held. */
MP_INNER int stats_print(struct memory_pool *mp, FILE *stream,
                         mp_format_t format);

/* What is printed of one pool. */
struct stats_print_pool {
    const char *name; /* NULL: none */
    const char *why;  /* of what kind it is */
    mp_stats_t stats;
    size_t rows;
    struct totals_row gone[TOTALS_ROWS];
};

/* Writes numbers that were gathered, as MP_TEXT. */
MP_INNER void stats_print_one(FILE *stream,
                              const struct stats_print_pool *pool);

#endif /* MP_STATS_PRINT_H */
