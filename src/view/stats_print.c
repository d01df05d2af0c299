/* SPDX-License-Identifier: MIT
 *
 * stats_print.c - the numbers of a pool and of those below, printed.
 *
 * Each pool comes before those below it.  Trees may be deep, so the walk goes
 * down and up by links in the pools themselves and not by calls.  The two
 * formats differ in what stands before, between and after pools, which one
 * table has.
 *
 * What it cannot do: print a tree in which pools are destroyed meanwhile.
 */
#include "view/stats_print.h"

#include <pthread.h>

#include "pool/tree.h"
#include "view/stats.h"
#include "view/metrics.h"
#include "view/text.h"

/* The members but the classes and the kind, by name. */
static const struct {
    const char *name;
    size_t offset;
    bool wide; /* 64 bits, and not a size_t */
} stats_print_members[] = {
#define STATS_PRINT_SIZE(name) {#name, offsetof(mp_stats_t, name), false}
#define STATS_PRINT_WIDE(name) {#name, offsetof(mp_stats_t, name), true}
    STATS_PRINT_SIZE(live_bytes),     STATS_PRINT_SIZE(live_objects),
    STATS_PRINT_SIZE(peak_bytes),     STATS_PRINT_SIZE(peak_objects),
    STATS_PRINT_WIDE(allocations),    STATS_PRINT_WIDE(frees),
    STATS_PRINT_WIDE(resets),         STATS_PRINT_WIDE(refused_size),
    STATS_PRINT_WIDE(refused_full),   STATS_PRINT_WIDE(refused_memory),
    STATS_PRINT_SIZE(blocks),         STATS_PRINT_SIZE(backing_bytes),
    STATS_PRINT_SIZE(cached_bytes),   STATS_PRINT_SIZE(children),
    STATS_PRINT_SIZE(capacity),       STATS_PRINT_SIZE(capacity_free),
    STATS_PRINT_SIZE(free_bytes),     STATS_PRINT_SIZE(largest_free),
    STATS_PRINT_WIDE(gone_children),  STATS_PRINT_WIDE(gone_allocations),
    STATS_PRINT_WIDE(gone_refused_size),
    STATS_PRINT_WIDE(gone_refused_full),
    STATS_PRINT_WIDE(gone_refused_memory),
    STATS_PRINT_SIZE(gone_peak_bytes),
};
#define STATS_PRINT_MEMBERS \
    (sizeof stats_print_members / sizeof stats_print_members[0])

/* A member by its offset: so the names stand once, for both formats. */
static unsigned long long stats_print_member(const mp_stats_t *stats,
                                             size_t i)
{
    /* Copied and not read through a pointer of the member's type: the table
     * has two types, and size_t has not the same width on all systems. */
    const unsigned char *at =
        (const unsigned char *)stats + stats_print_members[i].offset;
    uint64_t wide;
    size_t size;
    ASSERT(i < STATS_PRINT_MEMBERS);

    if (stats_print_members[i].wide) {
        memcpy(&wide, at, sizeof wide);
        return wide;
    }
    memcpy(&size, at, sizeof size);
    return size;
}

/* Blanks in front of a pool's lines. */
static int stats_print_indent(unsigned depth)
{
    /* Bounded: a deep tree would else print more blanks than numbers. */
    return depth < 20 ? 4 * (int)depth : 80;
}

/* Nothing of that class is to be said. */
static bool stats_print_is_empty(const mp_stats_t *stats, size_t class)
{
    ASSERT(class < MP_STATS_CLASSES);
    return stats->class_live[class] == 0 && stats->class_cached[class] == 0;
}

/* A line for each class that has anything, under one heading. */
static void stats_print_text_classes(struct text *text,
                                     const mp_stats_t *stats, int indent)
{
    bool headed = false;
    ASSERT(indent >= 0);

    for (size_t i = 0; i < MP_STATS_CLASSES; i++) {
        if (stats_print_is_empty(stats, i)) {
            continue;
        }
        /* A pool without objects gets no heading either. */
        if (!headed) {
            text_print(text, "%*s  %16s %20s %16s\n", indent, "",
                       "chunk bytes", "live", "cached");
            headed = true;
        }
        /* The last class has all that is longer than the one before it. */
        bool last = i == MP_STATS_CLASSES - 1;
        text_print(text, "%*s  %s%*zu %20zu %16zu\n", indent, "",
                   last ? ">" : "", last ? 15 : 16,
                   (last ? i : i + 1) * SIZES_GRANULE, stats->class_live[i],
                   stats->class_cached[i]);
    }
}

/* What a row of children that are gone is called in a text. */
static const char *stats_print_gone_name(const struct totals_row *row)
{
    return row->named ? row->name : row->other ? "(others)" : "(no name)";
}

/* A line for each name that children had which are gone. */
static void stats_print_text_gone(struct text *text,
                                  const struct stats_print_pool *pool,
                                  int indent)
{
    if (pool->rows > 0) {
        text_print(text, "%*s  %16s %20s %16s %16s  %s\n", indent, "",
                   "gone", "allocations", "refused", "peak bytes", "name");
    }
    for (size_t i = 0; i < pool->rows; i++) {
        const struct tree_totals *totals = &pool->gone[i].totals;
        text_print(text, "%*s  %16llu %20llu %16llu %16zu  ", indent, "",
                   (unsigned long long)totals->pools,
                   (unsigned long long)totals->allocations,
                   (unsigned long long)(totals->refused[POOL_REFUSED_SIZE] +
                                        totals->refused[POOL_REFUSED_FULL] +
                                        totals->refused[POOL_REFUSED_MEMORY]),
                   totals->peak_bytes);
        text_put_json(text, stats_print_gone_name(&pool->gone[i]));
        text_print(text, "\n");
    }
}

static void stats_print_text(struct text *text,
                             const struct stats_print_pool *pool,
                             unsigned depth)
{
    ASSERT(text->stream != NULL);
    int indent = stats_print_indent(depth);

    text_print(text, "%*s", indent, "");
    /* On one line, whatever is in the name. */
    text_put_json(text, pool->name == NULL ? "(no name)" : pool->name);
    text_print(text, "\n%*s  %s\n", indent, "", pool->why);
    for (size_t i = 0; i < STATS_PRINT_MEMBERS; i++) {
        text_print(text, "%*s  %-19s %17llu\n", indent, "",
                   stats_print_members[i].name,
                   stats_print_member(&pool->stats, i));
    }
    stats_print_text_gone(text, pool, indent);
    stats_print_text_classes(text, &pool->stats, indent);
}

/* null and not a word: a pool may be called by any word. */
static void stats_print_json_name(struct text *text, const char *name)
{
    if (name == NULL) {
        text_print(text, "\"name\": null");
    } else {
        text_print(text, "\"name\": \"");
        text_put_json(text, name);
        text_print(text, "\"");
    }
}

static void stats_print_json_gone(struct text *text,
                                  const struct stats_print_pool *pool,
                                  int indent)
{
    const char *comma = "";

    text_print(text, ",\n%*s \"gone\": [", indent, "");
    for (size_t i = 0; i < pool->rows; i++) {
        const struct totals_row *row = &pool->gone[i];
        const uint64_t *refused = row->totals.refused;
        text_print(text, "%s\n%*s  {\"pools\": %llu, ", comma, indent, "",
                   (unsigned long long)row->totals.pools);
        stats_print_json_name(text, row->named ? row->name : NULL);
        text_print(text, ", \"others\": %d, \"allocations\": %llu, "
                   "\"refused_size\": %llu, \"refused_full\": %llu, "
                   "\"refused_memory\": %llu, \"peak_bytes\": %zu}",
                   row->other, (unsigned long long)row->totals.allocations,
                   (unsigned long long)refused[POOL_REFUSED_SIZE],
                   (unsigned long long)refused[POOL_REFUSED_FULL],
                   (unsigned long long)refused[POOL_REFUSED_MEMORY],
                   row->totals.peak_bytes);
        comma = ",";
    }
    text_print(text, "]");
}

/* Up to the list of children, which is left open. */
static void stats_print_json(struct text *text,
                             const struct stats_print_pool *pool,
                             unsigned depth)
{
    ASSERT(text->stream != NULL);
    int indent = stats_print_indent(depth);
    const mp_stats_t *stats = &pool->stats;
    const char *comma = "";

    text_print(text, "{");
    stats_print_json_name(text, pool->name);
    text_print(text, ",\n%*s \"kind\": \"%s\",\n%*s \"why\": \"%s\"",
               indent, "", kind_word(stats->kind), indent, "", pool->why);
    for (size_t i = 0; i < STATS_PRINT_MEMBERS; i++) {
        bool list = stats_print_members[i].offset ==
                    offsetof(mp_stats_t, children);
        /* "children" is the list of them. */
        text_print(text, ",\n%*s \"%s%s\": %llu", indent, "",
                   stats_print_members[i].name, list ? "_count" : "",
                   stats_print_member(stats, i));
    }
    stats_print_json_gone(text, pool, indent);
    text_print(text, ",\n%*s \"classes\": [", indent, "");
    /* Readers know a class by its number, so empty ones may be left out. */
    for (size_t i = 0; i < MP_STATS_CLASSES; i++) {
        if (!stats_print_is_empty(stats, i)) {
            text_print(text, "%s\n%*s  {\"class\": %zu, \"live\": %zu, "
                       "\"cached\": %zu}", comma, indent, "", i,
                       stats->class_live[i], stats->class_cached[i]);
            comma = ",";
        }
    }
    text_print(text, "],\n%*s \"children\": [", indent, "");
}

/* What a format puts around pools; each of before and between is followed by a
 * line's indent, where it is not NULL. */
static const struct stats_print_style {
    /* NULL: the pool is one of those that metrics_add() gathers */
    void (*pool)(struct text *text, const struct stats_print_pool *pool,
                 unsigned depth);
    const char *before;  /* the first child of a pool */
    const char *between; /* two children */
    const char *after;   /* a pool whose children are done */
    const char *end;     /* of all */
} stats_print_styles[] = {
    [MP_TEXT] = {stats_print_text, NULL, NULL, "", ""},
    [MP_JSON] = {stats_print_json, "\n", ",\n", "]}", "\n"},
    /* What is printed comes at the end, see metrics.c. */
    [MP_OPENMETRICS] = {NULL, NULL, NULL, "", ""},
};

static void stats_print_line(struct text *text, const char *line,
                             unsigned depth)
{
    ASSERT(text->stream != NULL);
    if (line != NULL) {
        text_print(text, "%s%*s", line, stats_print_indent(depth), "");
    }
}

/* The pool below or beside another; its parent's lock owns the list. */
static struct memory_pool *stats_print_below(struct memory_pool *mp)
{
    ASSERT(lock_none_is_held());
    bool taken = pool_enter(mp);
    struct memory_pool *child = tree_first(mp);

    ASSERT(child == NULL || tree_parent(child) == mp);
    lock_leave(&mp->lock, taken);
    return child;
}

static struct memory_pool *stats_print_beside(struct memory_pool *mp)
{
    struct memory_pool *parent = tree_parent(mp);
    ASSERT(lock_none_is_held());
    if (parent == NULL) {
        return NULL; /* nothing stands beside the top of a tree */
    }
    /* The link of a child is owned by the parent's lock, not by its own. */
    bool taken = pool_enter(parent);
    struct memory_pool *child = tree_next(mp);

    ASSERT(child == NULL || (child != mp && tree_parent(child) == parent));
    lock_leave(&parent->lock, taken);
    return child;
}

/* Ends pools that have no children left, up to one with another beside it,
 * which is returned; NULL: mp itself was ended. */
static struct memory_pool *
stats_print_up(struct text *text, const struct stats_print_style *style,
               struct memory_pool *mp, struct memory_pool *at, unsigned *depth)
{
    for (;;) {
        /* The depth says how far the walk is below the pool that it began with.
         * It must come back to that, and never climb beyond it. */
        ASSERT(at != NULL && (at == mp) == (*depth == 0));
        /* The loop also closes each parent whose last child is done. */
        text_print(text, "%s", style->after);
        if (at == mp) {
            return NULL;
        }
        struct memory_pool *next = stats_print_beside(at);
        if (next != NULL) {
            stats_print_line(text, style->between, *depth);
            return next;
        }
        at = tree_parent(at);
        --*depth;
    }
}

void stats_print_one(FILE *stream, const struct stats_print_pool *pool)
{
    struct text text = {stream, 0};

    stats_print_text(&text, pool, 0);
}

static void stats_print_gather(struct memory_pool *mp,
                               struct stats_print_pool *pool)
{
    pool->name = mp->settings.name;
    pool->why = kind_text(kind_why_of(mp));
    stats_gather(mp, &pool->stats);
    pool->rows = totals_list(mp, pool->gone);
}

/* A pool and all below it.  Each pool's numbers are of one moment, and those of
 * two pools of two: no two pools' locks are held at once. */
static void stats_print_tree(struct memory_pool *mp, struct text *text,
                             const struct stats_print_style *style,
                             struct metrics *metrics)
{
    struct memory_pool *at = mp;
    unsigned depth = 0;

    /* A stream that failed would fail for each pool of a large tree. */
    while (at != NULL && text->error == 0) {
        struct stats_print_pool pool;
        stats_print_gather(at, &pool);
        if (style->pool != NULL) {
            style->pool(text, &pool, depth);
        } else if (!metrics_add(metrics, &pool)) {
            text_lack_memory(text);
        }
        /* Down first, then sideways: a pool's children follow it at once. */
        struct memory_pool *next = stats_print_below(at);
        if (next != NULL) {
            stats_print_line(text, style->before, ++depth);
            at = next;
        } else {
            at = stats_print_up(text, style, mp, at, &depth);
        }
    }
    ASSERT(text->error != 0 || depth == 0);
    if (style->pool == NULL) {
        metrics_print(metrics, text);
    }
    text_print(text, "%s", style->end);
}

static void stats_print_end(void *metrics)
{
    metrics_free(metrics);
}

int stats_print(struct memory_pool *mp, FILE *stream, mp_format_t format)
{
    ASSERT(mp != NULL && stream != NULL && lock_none_is_held());
    ASSERT((unsigned)format <= MP_OPENMETRICS);
    struct text text = {stream, 0};
    struct metrics metrics = {.first = NULL};

    /* Writing may be cancelled. */
    pthread_cleanup_push(stats_print_end, &metrics);
    stats_print_tree(mp, &text, &stats_print_styles[format], &metrics);
    pthread_cleanup_pop(1);
    return text_end(&text);
}
