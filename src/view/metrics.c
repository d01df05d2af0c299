/* SPDX-License-Identifier: MIT
 *
 * metrics.c - the numbers of a tree of pools, as OpenMetrics has them.
 *
 * A monitor keeps a series for each set of labels, for months.  A pool lives
 * for a request, so it is no good label, but its name is.  So the numbers of
 * all pools of a name are one sample, and what such pools did that are gone is
 * in the counters: these never fall, see pool/totals.c.
 *
 * All samples of a metric stand together.  So everything is gathered first.
 *
 * The text is also the older format of Prometheus, which its tools read.  The
 * two differ in what a counter is called: in OpenMetrics its family is the name
 * without "_total", and in the older format with it.  So a counter has no line
 * that says its type, and both read it as one of unknown type.
 *
 * What it cannot do: tell pools of one name apart.
 */
#include "view/metrics.h"

#include <stdlib.h>
#include <string.h>

#define METRICS_KINDS (MP_KIND_TRACKED + 1)

struct metrics_row {
    struct metrics_row *next;   /* in order */
    struct metrics_row *beside; /* of the same hash */
    char name[POOL_NAME];
    unsigned long long pools[METRICS_KINDS];
    mp_stats_t sum; /* of gauges; of what is no sum, the highest */
    struct tree_totals totals; /* of pools that live, and that are gone */
    uint64_t gone;
    uint64_t frees;
};

static struct metrics_row **metrics_bucket(struct metrics *metrics,
                                           const char *name)
{
    unsigned hash = 0;

    for (; *name != '\0'; name++) {
        hash = hash * 31 + (unsigned char)*name;
    }
    return &metrics->buckets[hash % METRICS_BUCKETS];
}

/* The row of a name, made if there is none; NULL: no memory. */
static struct metrics_row *metrics_row_of(struct metrics *metrics,
                                          const char *name)
{
    ASSERT(lock_none_is_held());
    struct metrics_row **bucket = metrics_bucket(metrics, name);
    struct metrics_row *row = *bucket;

    while (row != NULL && strcmp(row->name, name) != 0) {
        row = row->beside;
    }
    if (row == NULL && (row = calloc(1, sizeof *row)) != NULL) {
        strcpy(row->name, name);
        row->beside = *bucket;
        *bucket = row;
        *(metrics->last != NULL ? &metrics->last->next : &metrics->first) =
            row;
        metrics->last = row;
    }
    return row;
}

static void metrics_raise(size_t *most, size_t value)
{
    if (*most < value) {
        *most = value;
    }
}

static void metrics_add_live(struct metrics_row *row, const mp_stats_t *stats)
{
    ASSERT(stats->kind < METRICS_KINDS);
    row->pools[stats->kind]++;
    row->sum.live_bytes += stats->live_bytes;
    row->sum.live_objects += stats->live_objects;
    row->sum.backing_bytes += stats->backing_bytes;
    row->sum.blocks += stats->blocks;
    row->sum.cached_bytes += stats->cached_bytes;
    row->sum.free_bytes += stats->free_bytes;
    row->sum.capacity += stats->capacity;
    row->sum.capacity_free += stats->capacity_free;
    metrics_raise(&row->sum.peak_bytes, stats->peak_bytes);
    metrics_raise(&row->sum.largest_free, stats->largest_free);
    row->frees += stats->frees;
    row->totals.allocations += stats->allocations;
    row->totals.refused[POOL_REFUSED_SIZE] += stats->refused_size;
    row->totals.refused[POOL_REFUSED_FULL] += stats->refused_full;
    row->totals.refused[POOL_REFUSED_MEMORY] += stats->refused_memory;
}

static void metrics_add_gone(struct metrics_row *row,
                             const struct tree_totals *totals)
{
    row->gone += totals->pools;
    row->frees += totals->allocations;
    row->totals.allocations += totals->allocations;
    for (int i = 0; i < POOL_REFUSALS; i++) {
        row->totals.refused[i] += totals->refused[i];
    }
    metrics_raise(&row->sum.peak_bytes, totals->peak_bytes);
}

bool metrics_add(struct metrics *metrics, const struct stats_print_pool *pool)
{
    struct metrics_row *row =
        metrics_row_of(metrics, pool->name == NULL ? "" : pool->name);

    if (row == NULL) {
        return false;
    }
    metrics_add_live(row, &pool->stats);
    for (size_t i = 0; i < pool->rows; i++) {
        const struct totals_row *gone = &pool->gone[i];
        row = metrics_row_of(metrics, gone->named   ? gone->name
                                      : gone->other ? "(others)"
                                                    : "");
        if (row == NULL) {
            return false;
        }
        metrics_add_gone(row, &gone->totals);
    }
    return true;
}

static void metrics_head(struct text *text, const char *name,
                         const char *type, const char *help)
{
    size_t length = strlen(name);
    bool bytes = length > 6 && strcmp(name + length - 6, "_bytes") == 0;

    if (type != NULL) {
        text_print(text, "# TYPE mempool_%s %s\n", name, type);
    }
    if (bytes) {
        text_print(text, "# UNIT mempool_%s bytes\n", name);
    }
    text_print(text, "# HELP mempool_%s %s\n", name, help);
}

/* One sample; label NULL: it has the pool's name alone. */
static void metrics_sample(struct text *text, const char *name,
                           const struct metrics_row *row, const char *label,
                           const char *value, unsigned long long number)
{
    text_print(text, "mempool_%s{pool=\"", name);
    text_put_label(text, row->name);
    if (label != NULL) {
        text_print(text, "\",%s=\"%s", label, value);
    }
    text_print(text, "\"} %llu\n", number);
}

/* Members of the sum, each a metric of its own. */
static const struct {
    const char *name;
    size_t offset;
    const char *help;
} metrics_gauges[] = {
    {"live_bytes", offsetof(mp_stats_t, live_bytes), "Bytes of live objects."},
    {"live_objects", offsetof(mp_stats_t, live_objects), "Live objects."},
    {"peak_bytes", offsetof(mp_stats_t, peak_bytes),
     "Highest live bytes of one pool so far."},
    {"blocks", offsetof(mp_stats_t, blocks), "Blocks in use."},
    {"backing_bytes", offsetof(mp_stats_t, backing_bytes),
     "Bytes of blocks in use and of blocks kept."},
    {"cached_bytes", offsetof(mp_stats_t, cached_bytes),
     "Free bytes in caches."},
    {"free_bytes", offsetof(mp_stats_t, free_bytes),
     "Free bytes in blocks, outside of caches."},
    {"largest_free_bytes", offsetof(mp_stats_t, largest_free),
     "Longest free piece of one pool."},
    {"capacity_bytes", offsetof(mp_stats_t, capacity),
     "Capacity of the pools that have one."},
    {"capacity_free_bytes", offsetof(mp_stats_t, capacity_free),
     "What is left of that capacity."},
};

static void metrics_print_gauges(const struct metrics *metrics,
                                 struct text *text)
{
    for (size_t i = 0; i < sizeof metrics_gauges / sizeof *metrics_gauges;
         i++) {
        const char *name = metrics_gauges[i].name;
        metrics_head(text, name, "gauge", metrics_gauges[i].help);
        for (const struct metrics_row *row = metrics->first; row != NULL;
             row = row->next) {
            size_t value;
            memcpy(&value,
                   (const unsigned char *)&row->sum + metrics_gauges[i].offset,
                   sizeof value);
            metrics_sample(text, name, row, NULL, NULL, value);
        }
    }
}

static void metrics_print_pools(const struct metrics *metrics,
                                struct text *text)
{
    metrics_head(text, "pools", "gauge", "Pools, by kind.");
    for (const struct metrics_row *row = metrics->first; row != NULL;
         row = row->next) {
        for (int kind = MP_KIND_NONE + 1; kind < METRICS_KINDS; kind++) {
            if (row->pools[kind] != 0) {
                metrics_sample(text, "pools", row, "kind",
                               kind_word((mp_kind_t)kind), row->pools[kind]);
            }
        }
    }
}

static void metrics_print_counter(const struct metrics *metrics,
                                  struct text *text, const char *name,
                                  size_t offset, const char *help)
{
    metrics_head(text, name, NULL, help);
    for (const struct metrics_row *row = metrics->first; row != NULL;
         row = row->next) {
        uint64_t value;
        memcpy(&value, (const unsigned char *)row + offset, sizeof value);
        metrics_sample(text, name, row, NULL, NULL, value);
    }
}

static void metrics_print_refusals(const struct metrics *metrics,
                                   struct text *text)
{
    static const char *const reasons[POOL_REFUSALS] = {
        [POOL_REFUSED_SIZE] = "size",
        [POOL_REFUSED_FULL] = "full",
        [POOL_REFUSED_MEMORY] = "memory",
    };

    metrics_head(text, "refusals_total", NULL,
                 "Allocations that failed, by reason.");
    for (const struct metrics_row *row = metrics->first; row != NULL;
         row = row->next) {
        for (int i = 0; i < POOL_REFUSALS; i++) {
            metrics_sample(text, "refusals_total", row, "reason", reasons[i],
                           row->totals.refused[i]);
        }
    }
}

void metrics_print(const struct metrics *metrics, struct text *text)
{
    ASSERT(lock_none_is_held());
    metrics_print_pools(metrics, text);
    metrics_print_gauges(metrics, text);
    metrics_print_counter(metrics, text, "gone_pools_total",
                          offsetof(struct metrics_row, gone),
                          "Pools below others that have ended.");
    metrics_print_counter(metrics, text, "allocations_total",
                          offsetof(struct metrics_row, totals.allocations),
                          "Objects allocated.");
    metrics_print_counter(metrics, text, "frees_total",
                          offsetof(struct metrics_row, frees),
                          "Objects freed, also by resets.");
    metrics_print_refusals(metrics, text);
    text_print(text, "# EOF\n");
}

void metrics_free(struct metrics *metrics)
{
    while (metrics->first != NULL) {
        struct metrics_row *row = metrics->first;
        metrics->first = row->next;
        free(row);
    }
}
