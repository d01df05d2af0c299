/* SPDX-License-Identifier: MIT
 *
 * cache_check.h - what caches have, for those who look without changing it.
 *
 * What it cannot do: follow a chain.  The one who asks does.
 */
#ifndef MP_CACHE_CHECK_H
#define MP_CACHE_CHECK_H

#include "cache/cache_type.h"

/* For a walk over the chunks of a set: cache_sort_runs() puts the caches' runs
 * in order, and returns how many caches there are.  Then, in the same pause,
 * cache_run_at() returns the granules of the run that starts at an address, and
 * the place of its cache in the set, counted from 1; 0 and 0: none does.
 * Paused. */
MP_INNER unsigned cache_sort_runs(struct cache_set *set);
MP_INNER uint32_t cache_run_at(const struct cache_set *set, const void *at,
                               unsigned *number);

/* What is done with each chain of free chunks, all of which are that heap's;
 * false: no more are to come. */
typedef bool cache_visit_fn(const struct heap *heap, const void *chain,
                            void *arg);

/* Calls visit for each chain of chunks of that length, in caches and depot,
 * until it returns false; false: it did.  Paused. */
MP_INNER bool cache_each_chain(const struct cache_set *set, size_t granules,
                               cache_visit_fn *visit, void *arg);

/* The same for the chains of middle chunks. */
MP_INNER bool cache_each_middle(const struct cache_set *set,
                                cache_visit_fn *visit, void *arg);

/* The run is a stretch of granules; what no list of lists_used stands for is
 * empty, and with a mark none has room; no more frees are left than were
 * granted. */
MP_INNER bool cache_is_sound(const struct cache *cache,
                             const struct cache_set *set);

/* Counts, ties and bits agree; paused.  Follows no chain. */
MP_INNER bool cache_set_is_sound(const struct cache_set *set);

#endif /* MP_CACHE_CHECK_H */
