/* SPDX-License-Identifier: MIT
 *
 * stats.c - what a pool did and holds, in numbers.
 *
 * Nothing here is counted while the pool works, but for what it needs anyway:
 * what the quota holds, how often a cache may be freed into, and how much is
 * out of the heaps.  The rest is found by walking the map, so a call takes as
 * long as the pool is large, and no allocation is slower for it.
 *
 *     frees       == counters.freed + frees done in caches
 *     allocations == frees + live objects
 *
 * Other threads wait while the map is read.  So that they do not wait for long,
 * a large pool is read in portions, and they go on between two of them.
 *
 * What it cannot do: say how many objects there were at most, other than at
 * the moments when they were counted; or count a large pool at one moment while
 * other threads use it.
 */
#include "view/stats.h"

#include "cache/pause.h"
#include "pool/track.h"
#include "pool/tree.h"
#include "pool/recall.h"
#include "pool/totals.h"
#include "pool/walk.h"

/* Bytes of blocks that are read at a time, at least: some 2 ms if all objects
 * are short.  A block more than that is as long as 1 MiB, or one object.  Each
 * portion pauses every cache.  So it is longer for each, which takes as long
 * to read as the pause takes: else the pauses of a pool with many handles would
 * take the most of the time. */
#define STATS_PORTION ((size_t)4 << 20)
#define STATS_PORTION_CACHE ((size_t)1 << 10)

struct stats_count {
    const struct memory_pool *mp;
    mp_stats_t *stats;
};

static void stats_add_free(mp_stats_t *stats, size_t granules)
{
    size_t bytes = granules * SIZES_GRANULE;

    stats->free_bytes += bytes;
    if (stats->largest_free < bytes) {
        stats->largest_free = bytes;
    }
}

/* A chunk's class is its length in granules, as everywhere; what is lent is
 * nobody's, and counts nowhere. */
static void stats_add_piece(const struct walk_piece *piece, void *arg)
{
    const struct stats_count *count = arg;
    mp_stats_t *stats = count->stats;
    struct heap_chunk chunk = {piece->block, piece->granule};
    size_t granules = piece->granules;
    ASSERT(granules > 0 && piece->kind < WALK_KINDS);
    size_t class = granules < MP_STATS_CLASSES ? granules - 1
                                               : MP_STATS_CLASSES - 1;
    ASSERT(class < MP_STATS_CLASSES);

    /* A run is no chunk yet, so it has no class. */
    switch (piece->kind) {
    case WALK_LIVE:
        stats->live_objects++;
        stats->live_bytes += pool_size_of(chunk);
        stats->class_live[class]++;
        break;
    case WALK_CACHED:
        stats->class_cached[class]++;
        stats->cached_bytes += granules * SIZES_GRANULE;
        break;
    case WALK_RUN:
        stats->cached_bytes += granules * SIZES_GRANULE;
        break;
    case WALK_FREE:
        stats_add_free(stats, granules);
        break;
    default:
        break;
    }
}

static void stats_add_block(struct stats_count *count, struct block *block)
{
    const struct mark *mark = mark_of(count->mp, block->heap);
    ASSERT(pool_is_entered(count->mp));
    ASSERT(mark == NULL || mark->bytes > 0);

    count->stats->blocks++;
    count->stats->backing_bytes += block->lent ? 0 : block->bytes;
    /* A mark's own memory, unless it is a chunk of the pool's. */
    if (mark != NULL && block == &mark->first && mark->lender == NULL) {
        count->stats->backing_bytes += mark->bytes;
    }
    /* A lent chunk counts nowhere, but the mark's block in it is walked too. */
    walk_block(count->mp, block, stats_add_piece, count);
    /* Behind the top nothing is cut yet. */
    stats_add_free(count->stats,
                   block->granules - heap_used(block->heap, block));
}

/* A portion of the blocks from *base on, which then says where the next one
 * begins; false: it was the last. */
static bool stats_add_portion(struct memory_pool *mp, mp_stats_t *stats,
                              uintptr_t *base)
{
    struct stats_count count = {mp, stats};
    struct block *block;
    size_t bytes = 0;

    ASSERT(pool_is_entered(mp) && cache_set_is_paused(&mp->caches));
    size_t most = STATS_PORTION +
                  cache_sort_runs(&mp->caches) * STATS_PORTION_CACHE;

    while (bytes < most &&
           (block = walk_next_block(mp, *base)) != NULL) {
        stats_add_block(&count, block);
        bytes += block->granules * SIZES_GRANULE;
        *base = (uintptr_t)block->base + 1;
    }
    return bytes >= most;
}

/* Tracked objects lie in no block.  What stands around them is memory that the
 * pool holds, too. */
static void stats_add_tracked(const struct memory_pool *mp, mp_stats_t *stats)
{
    uintptr_t last = 0;
    const struct record *record;

    while ((record = track_next(mp, last)) != NULL) {
        size_t class = sizes_granules(record->size) - 1;
        if (class >= MP_STATS_CLASSES) {
            class = MP_STATS_CLASSES - 1;
        }
        stats->live_objects++;
        stats->live_bytes += record->size;
        stats->class_live[class]++;
        stats->backing_bytes += record->bytes;
        last = record_address(record);
    }
    stats->backing_bytes += track_held(mp);
}

/* What is not in a block in use: the pool itself and what it keeps. */
static size_t stats_kept_bytes(const struct memory_pool *mp)
{
    ASSERT(pool_is_entered(mp));
    size_t bytes = mp->settings.bytes + mp->blocks.stock_bytes;
    ASSERT(mp->settings.bytes >= sizeof *mp);

    /* A spare mark is in no list of blocks, and holds its own first block. */
    for (const struct mark *m = mp->marks.spare; m != NULL; m = m->next) {
        ASSERT(m->bytes >= sizeof *m);
        bytes += m->bytes;
    }
    return bytes;
}

/* Bytes held at most so far. */
static size_t stats_peak(const struct memory_pool *mp,
                         const mp_stats_t *stats)
{
    ASSERT(pool_is_entered(mp));
    ASSERT(stats->cached_bytes == 0 || mp->mode->caches);
    /* The peak is noted at some moments only, so the present may be higher. */
    size_t now = stats->live_bytes;
    size_t peak = quota_peak(&mp->quota);

    if (!mp->mode->counts) {
        now += stats->cached_bytes;
        peak = mp->counters.peak * SIZES_GRANULE;
    }

    return now > peak ? now : peak;
}

/* Blocks that are empty and kept. */
static void stats_add_stock(const struct memory_pool *mp, mp_stats_t *stats)
{
    ASSERT(pool_is_entered(mp));
    for (const struct block *b = mp->blocks.stock; b != NULL; b = b->next) {
        stats_add_free(stats, b->granules);
    }
}

static void stats_add_quota(const struct memory_pool *mp, mp_stats_t *stats)
{
    size_t room;
    size_t capacity = quota_capacity(&mp->quota, &room);

    ASSERT(pool_is_entered(mp));
    if (capacity != QUOTA_UNLIMITED) {
        stats->capacity = capacity;
        stats->capacity_free = room;
    }
}

static void stats_add_gone(const struct memory_pool *mp, mp_stats_t *stats)
{
    struct tree_totals gone = totals_of_gone(mp);

    stats->gone_children = gone.pools;
    stats->gone_allocations = gone.allocations;
    stats->gone_refused_size = gone.refused[POOL_REFUSED_SIZE];
    stats->gone_refused_full = gone.refused[POOL_REFUSED_FULL];
    stats->gone_refused_memory = gone.refused[POOL_REFUSED_MEMORY];
    stats->gone_peak_bytes = gone.peak_bytes;
}

/* All but what is in blocks, which has been added.  The lock is held, and the
 * pool is paused. */
static void stats_fill(struct memory_pool *mp, mp_stats_t *stats)
{
    struct pool_counters *counters = &mp->counters;

    ASSERT(pool_is_entered(mp) && cache_set_is_paused(&mp->caches));
    if (pool_is_tracked(mp)) {
        stats_add_tracked(mp, stats);
    }
    /* What an earlier portion had may have gone since, and come back in this
     * one.  A pool that counts to the byte knows better. */
    size_t held = quota_held(&mp->quota);
    if (mp->mode->counts && stats->live_bytes > held) {
        stats->live_bytes = held;
    }
    /* The stock is memory that the pool holds, though no object is in it. */
    stats->backing_bytes += stats_kept_bytes(mp);
    /* Nothing counts allocations: what was allocated is either live or
     * freed. */
    stats->frees = counters->freed + cache_set_frees(&mp->caches);
    stats->allocations = stats->frees + stats->live_objects;
    ASSERT(stats->allocations >= stats->frees);
    stats->resets = counters->resets;
    stats->peak_bytes = stats_peak(mp, stats);
    ASSERT(stats->blocks > 0 && stats->backing_bytes > 0);
    /* Each call that counts objects is one more moment to find a peak at. */
    if (counters->peak_objects < stats->live_objects) {
        counters->peak_objects = stats->live_objects;
    }
    stats->peak_objects = counters->peak_objects;
    ASSERT(stats->peak_objects >= stats->live_objects);
    stats->children = tree_count(mp);
    stats->refused_size = counters->refused[POOL_REFUSED_SIZE];
    stats->refused_full = counters->refused[POOL_REFUSED_FULL];
    stats->refused_memory = counters->refused[POOL_REFUSED_MEMORY];
    stats_add_stock(mp, stats);
    stats_add_quota(mp, stats);
    stats_add_gone(mp, stats);
    stats->kind = kind_of(kind_why_of(mp));
}

void stats_gather(struct memory_pool *mp, mp_stats_t *stats)
{
    ASSERT(lock_none_is_held());
    stats_gather_listed(mp, stats);
}

void stats_gather_listed(struct memory_pool *mp, mp_stats_t *stats)
{
    ASSERT(mp != NULL && stats != NULL);
    /* The walk adds to the members, so all begin with 0. */
    memset(stats, 0, sizeof *stats);
    uintptr_t base = 0;
    bool more = true;

    while (more) {
        bool taken = pool_enter(mp);
        /* Without a pause, a chunk could be counted both as live and as
         * cached. */
        pause_begin(&mp->caches);
        recall_collect(mp);
        more = stats_add_portion(mp, stats, &base);
        if (!more) {
            stats_fill(mp, stats);
        }
        pause_end(&mp->caches);
        lock_leave_turn(&mp->lock, taken);
    }
}
