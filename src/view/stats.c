/* SPDX-License-Identifier: MIT
 *
 * stats.c - what a pool did and holds, in numbers.
 *
 * Nothing here is counted while the pool works, but for what it needs anyway:
 * the room that is left, how often a cache may be freed into, and how much is
 * out of the heaps.  The rest is found by walking the map, so a call takes as
 * long as the pool is large, and no allocation is slower for it.
 *
 * What it cannot do: say how many objects there were at most, other than at
 * the moments when somebody counted.
 */
#include "view/stats.h"

#include <errno.h>

#include "view/text.h"
#include "pool/tree.h"
#include "pool/walk.h"

#undef mp_stats

struct stats_count {
    const struct memory_pool *mp;
    mp_stats_t *stats;
};

static void stats_add_piece(const struct walk_piece *piece, void *arg)
{
    const struct stats_count *count = arg;
    mp_stats_t *stats = count->stats;
    struct heap_chunk chunk = {piece->block, piece->granule};
    size_t granules = piece->granules;
    size_t class = granules < MP_STATS_CLASSES ? granules - 1
                                               : MP_STATS_CLASSES - 1;

    switch (piece->kind) {
    case WALK_LIVE:
        stats->live_objects++;
        stats->live_bytes += pool_size_of(chunk);
        stats->class_live[class]++;
        break;
    case WALK_CACHED:
        stats->class_cached[class]++;
        stats->cached_bytes += granules * BLOCK_GRANULE;
        break;
    case WALK_RUN:
        stats->cached_bytes += granules * BLOCK_GRANULE;
        break;
    default:
        break;
    }
}

static void stats_add_block(struct block *block, const struct mark *mark,
                            void *arg)
{
    const struct stats_count *count = arg;
    const struct memory_pool *mp = count->mp;

    count->stats->blocks++;
    count->stats->backing_bytes += block->bytes;
    /* A mark's own memory, where it is no chunk of the pool's. */
    if (mark != NULL && block == &mark->first &&
        heap_find(&mp->heap, mark).block == NULL) {
        count->stats->backing_bytes += mark->bytes;
    }
    walk_block(mp, block, stats_add_piece, arg);
}

/* Objects freed so far; at rest. */
static uint64_t stats_frees(const struct memory_pool *mp)
{
    uint64_t frees = mp->freed;

    if (mp->kind == POOL_CACHED) {
        for (const struct cache *c = mp->caches; c != NULL; c = c->next) {
            frees += cache_frees(c);
        }
    }
    return frees;
}

/* Bytes held at most so far; at rest. */
static size_t stats_peak(const struct memory_pool *mp,
                         const mp_stats_t *stats)
{
    size_t now = stats->live_bytes + stats->cached_bytes;
    size_t peak = mp->first.slack != NULL ? mp->capacity - mp->reserve
                                          : mp->peak * BLOCK_GRANULE;

    return now > peak ? now : peak;
}

void stats_gather(struct memory_pool *mp, mp_stats_t *stats)
{
    struct stats_count count = {mp, stats};

    memset(stats, 0, sizeof *stats);
    bool taken = pool_enter_lock(mp);
    cache_pause(mp);
    walk_blocks(mp, stats_add_block, &count);
    stats->backing_bytes += mp->bytes + mp->spare_bytes;
    for (const struct mark *s = mp->spare_marks; s != NULL; s = s->next) {
        stats->backing_bytes += s->bytes;
    }
    stats->frees = stats_frees(mp);
    stats->allocations = stats->frees + stats->live_objects;
    stats->resets = mp->resets;
    stats->peak_bytes = stats_peak(mp, stats);
    if (mp->peak_objects < stats->live_objects) {
        mp->peak_objects = stats->live_objects;
    }
    stats->peak_objects = mp->peak_objects;
    for (struct memory_pool *c = tree_first(mp); c != NULL;
         c = tree_next(c)) {
        stats->children++;
    }
    stats->refused_size = mp->refused[POOL_REFUSED_SIZE];
    stats->refused_full = mp->refused[POOL_REFUSED_FULL];
    stats->refused_memory = mp->refused[POOL_REFUSED_MEMORY];
    cache_resume(mp);
    lock_leave(&mp->lock, taken);
}

int mp_stats_sized(memory_pool_t *mp, mp_stats_t *stats, size_t stats_size)
{
    mp_stats_t all;

    if (mp == NULL || stats == NULL) {
        errno = EINVAL;
        return -1;
    }
    stats_gather(mp, &all);
    if (stats_size <= sizeof all) {
        memcpy(stats, &all, stats_size);
    } else {
        memcpy(stats, &all, sizeof all);
        memset((unsigned char *)stats + sizeof all, 0,
               stats_size - sizeof all);
    }
    return 0;
}

int mp_stats(memory_pool_t *mp, mp_stats_t *stats)
{
    return mp_stats_sized(mp, stats, sizeof *stats);
}

/* The members before the classes, by name. */
static const struct {
    const char *name;
    size_t offset;
    bool wide;
} stats_members[] = {
#define STATS_SIZE(name) {#name, offsetof(mp_stats_t, name), false}
#define STATS_WIDE(name) {#name, offsetof(mp_stats_t, name), true}
    STATS_SIZE(live_bytes),     STATS_SIZE(live_objects),
    STATS_SIZE(peak_bytes),     STATS_SIZE(peak_objects),
    STATS_WIDE(allocations),    STATS_WIDE(frees),
    STATS_WIDE(resets),         STATS_WIDE(refused_size),
    STATS_WIDE(refused_full),   STATS_WIDE(refused_memory),
    STATS_SIZE(blocks),         STATS_SIZE(backing_bytes),
    STATS_SIZE(cached_bytes),   STATS_SIZE(children),
};
#define STATS_MEMBERS (sizeof stats_members / sizeof stats_members[0])

static unsigned long long stats_member(const mp_stats_t *stats, size_t i)
{
    const unsigned char *at =
        (const unsigned char *)stats + stats_members[i].offset;
    uint64_t wide;
    size_t size;

    if (stats_members[i].wide) {
        memcpy(&wide, at, sizeof wide);
        return wide;
    }
    memcpy(&size, at, sizeof size);
    return size;
}

/* Blanks in front of a pool's lines. */
static int stats_indent(unsigned depth)
{
    return depth < 20 ? 4 * (int)depth : 80;
}

static void stats_put_text(struct text *text, const struct memory_pool *mp,
                           const mp_stats_t *stats, unsigned depth)
{
    int indent = stats_indent(depth);

    text_print(text, "%*s", indent, "");
    /* On one line, whatever is in the name. */
    text_put_json(text, mp->name == NULL ? "(no name)" : mp->name);
    text_print(text, "\n");
    for (size_t i = 0; i < STATS_MEMBERS; i++) {
        text_print(text, "%*s  %-16s %20llu\n", indent, "",
                   stats_members[i].name, stats_member(stats, i));
    }
    bool headed = false;
    for (size_t i = 0; i < MP_STATS_CLASSES; i++) {
        if (stats->class_live[i] == 0 && stats->class_cached[i] == 0) {
            continue;
        }
        if (!headed) {
            text_print(text, "%*s  %16s %20s %16s\n", indent, "",
                       "chunk bytes", "live", "cached");
            headed = true;
        }
        bool last = i == MP_STATS_CLASSES - 1;
        text_print(text, "%*s  %s%*zu %20zu %16zu\n", indent, "",
                   last ? ">" : "", last ? 15 : 16,
                   (last ? i : i + 1) * BLOCK_GRANULE, stats->class_live[i],
                   stats->class_cached[i]);
    }
}

/* Up to the list of children, which is left open. */
static void stats_put_json(struct text *text, const struct memory_pool *mp,
                           const mp_stats_t *stats, unsigned depth)
{
    const char *comma = "";

    if (mp->name == NULL) {
        text_print(text, "{\"name\": null");
    } else {
        text_print(text, "{\"name\": \"");
        text_put_json(text, mp->name);
        text_print(text, "\"");
    }
    for (size_t i = 0; i < STATS_MEMBERS; i++) {
        text_print(text, ",\n%*s \"%s%s\": %llu", stats_indent(depth), "",
                   stats_members[i].name,
                   i == STATS_MEMBERS - 1 ? "_count" : "",
                   stats_member(stats, i));
    }
    text_print(text, ",\n%*s \"classes\": [", stats_indent(depth), "");
    for (size_t i = 0; i < MP_STATS_CLASSES; i++) {
        if (stats->class_live[i] == 0 && stats->class_cached[i] == 0) {
            continue;
        }
        text_print(text, "%s\n%*s  {\"class\": %zu, \"live\": %zu, "
                   "\"cached\": %zu}", comma, stats_indent(depth), "", i,
                   stats->class_live[i], stats->class_cached[i]);
        comma = ",";
    }
    text_print(text, "],\n%*s \"children\": [", stats_indent(depth), "");
}

/* The pool below or beside another; its parent's lock owns the list. */
static struct memory_pool *stats_below(struct memory_pool *mp)
{
    bool taken = pool_enter_lock(mp);
    struct memory_pool *child = tree_first(mp);

    lock_leave(&mp->lock, taken);
    return child;
}

static struct memory_pool *stats_beside(struct memory_pool *mp)
{
    struct memory_pool *parent = tree_parent(mp);
    bool taken = pool_enter_lock(parent);
    struct memory_pool *child = tree_next(mp);

    lock_leave(&parent->lock, taken);
    return child;
}

/* Each pool before those below it, without recursion: trees may be deep. */
int mp_stats_print(memory_pool_t *mp, FILE *stream, mp_format_t format)
{
    struct text text = {stream, 0};
    struct memory_pool *at = mp;
    unsigned depth = 0;
    int error = errno;

    if (mp == NULL || stream == NULL ||
        (format != MP_TEXT && format != MP_JSON)) {
        errno = EINVAL;
        return -1;
    }
    while (at != NULL && text.error == 0) {
        mp_stats_t stats;
        stats_gather(at, &stats);
        if (format == MP_JSON) {
            stats_put_json(&text, at, &stats, depth);
        } else {
            stats_put_text(&text, at, &stats, depth);
        }
        struct memory_pool *next = stats_below(at);
        if (next != NULL) {
            depth++;
            if (format == MP_JSON) {
                text_print(&text, "\n%*s", stats_indent(depth), "");
            }
            at = next;
            continue;
        }
        while (at != NULL && next == NULL) {
            if (format == MP_JSON) {
                text_print(&text, "]}");
            }
            if (at == mp) {
                at = NULL;
                continue;
            }
            next = stats_beside(at);
            if (next == NULL) {
                at = tree_parent(at);
                depth--;
            } else if (format == MP_JSON) {
                text_print(&text, ",\n%*s", stats_indent(depth), "");
            }
        }
        at = at == NULL ? NULL : next;
    }
    if (format == MP_JSON) {
        text_print(&text, "\n");
    }
    if (text_end(&text) != 0) {
        return -1;
    }
    errno = error;
    return 0;
}
