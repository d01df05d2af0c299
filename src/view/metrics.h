/* SPDX-License-Identifier: MIT
 *
 * metrics.h - the numbers of a tree of pools, as OpenMetrics has them.
 *
 * What it cannot do: tell pools of one name apart.
 */
#ifndef MP_METRICS_H
#define MP_METRICS_H

#include "view/stats_print.h"
#include "view/text.h"

struct metrics_row;

#define METRICS_BUCKETS 256

/* All zero: empty. */
struct metrics {
    struct metrics_row *first; /* in the order in which they came */
    struct metrics_row *last;
    struct metrics_row *buckets[METRICS_BUCKETS]; /* by the name's hash */
};

/* Adds a pool to the numbers of its name, and what it keeps of others to those
 * of theirs.  False: no memory. */
MP_INNER bool metrics_add(struct metrics *metrics,
                          const struct stats_print_pool *pool);

MP_INNER void metrics_print(const struct metrics *metrics, struct text *text);
MP_INNER void metrics_free(struct metrics *metrics);

#endif /* MP_METRICS_H */
