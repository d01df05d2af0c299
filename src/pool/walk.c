/* SPDX-License-Identifier: MIT
 *
 * walk.c - all that is in a pool, piece by piece.
 *
 * mp_walk() calls the program's function with no lock held, so the pool may
 * be quite another between two calls.  It goes by the order of the blocks'
 * addresses and of the granules in each, copies some addresses at a time,
 * and then looks for what comes behind the last one: an object that stays
 * where it is is met once, whatever goes on around it.  A look from the
 * middle of what has become another chunk is no matter, since no byte of the
 * map inside of a chunk can be taken for a live one's start.
 *
 * What it cannot do: say what was live at one single moment, but where no
 * other thread changes the pool.
 */
#include "pool/walk.h"

#include <errno.h>
#include <stdio.h>

#include "pool/object.h"

/* Objects that are looked up at a time: each time, caches are paused. */
#define WALK_BATCH 256

void walk_blocks(struct memory_pool *mp,
                 void (*visit)(struct block *block, const struct mark *mark,
                               void *arg),
                 void *arg)
{
    const struct mark *mark = NULL;
    const struct heap *heap = &mp->heap;

    while (heap != NULL) {
        visit(heap->first, mark, arg);
        for (uint32_t i = 0; i < heap->blocks; i++) {
            visit(heap->index[i], mark, arg);
        }
        mark = mark == NULL ? mp->marks : mark->next;
        heap = mark == NULL ? NULL : &mark->heap;
    }
}

/* Length of the run that starts there, and whose it is; 0: none does. */
static uint32_t walk_run(const struct memory_pool *mp, const void *at,
                         unsigned *number)
{
    const struct cache *cache = mp->caches;

    for (*number = 1; cache != NULL; ++*number) {
        if (cache->fast.cut == at && cache->fast.end > cache->fast.cut) {
            return (uint32_t)((size_t)(cache->fast.end - cache->fast.cut) /
                              BLOCK_GRANULE);
        }
        cache = cache->next;
    }
    *number = 0;
    return 0;
}

static enum walk_kind walk_kind_of(unsigned char code)
{
    if (block_starts_live(code)) {
        return WALK_LIVE;
    }
    if ((code & 0xc0) == BLOCK_CACHED) {
        return WALK_CACHED;
    }
    return code == BLOCK_LONG_HELD ? WALK_HELD : WALK_FREE;
}

void walk_block(const struct memory_pool *mp, struct block *block,
                void (*visit)(const struct walk_piece *piece, void *arg),
                void *arg)
{
    uint32_t end = (uint32_t)heap_used(block->heap, block);
    struct walk_piece piece = {.block = block};

    while (piece.granule < end) {
        unsigned char code = sync_get(&block->map[piece.granule]);
        piece.cache = 0;
        if (code == BLOCK_NONE) {
            piece.kind = WALK_RUN;
            piece.granules = walk_run(
                mp, block_address(block, piece.granule), &piece.cache);
        } else {
            piece.kind = walk_kind_of(code);
            piece.granules = block_length(block, piece.granule);
        }
        /* A map that the program has damaged is not to make this hang. */
        if (piece.granules == 0 || piece.granules > end - piece.granule) {
            return;
        }
        visit(&piece, arg);
        piece.granule += piece.granules;
    }
}

/* Where a walk stands: at a granule of the block that begins at base, or
 * behind that block if there is none. */
struct walk_place {
    uintptr_t base;
    uint32_t granule;
};

/* The heap's first block that begins at base or behind it, if that is before
 * the one found so far. */
static void walk_nearer(const struct heap *heap, uintptr_t base,
                        struct block **found)
{
    uint32_t low = 0;
    uint32_t high = heap->blocks;
    struct block *near[2] = {heap->first, NULL};

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if ((uintptr_t)heap->index[middle]->base < base) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low < heap->blocks) {
        near[1] = heap->index[low];
    }
    for (int i = 0; i < 2; i++) {
        if (near[i] != NULL && (uintptr_t)near[i]->base >= base &&
            (*found == NULL || near[i]->base < (*found)->base)) {
            *found = near[i];
        }
    }
}

static struct block *walk_next_block(const struct memory_pool *mp,
                                     uintptr_t base)
{
    struct block *found = NULL;

    walk_nearer(&mp->heap, base, &found);
    for (const struct mark *s = mp->marks; s != NULL; s = s->next) {
        walk_nearer(&s->heap, base, &found);
    }
    return found;
}

/* The next live objects; returns how many, fewer than most at the end. */
static size_t walk_collect(struct memory_pool *mp, struct walk_place *place,
                           void **objects, size_t most)
{
    bool taken = pool_enter_lock(mp);
    struct block *block;
    size_t count = 0;

    cache_pause(mp);
    while (count < most &&
           (block = walk_next_block(mp, place->base)) != NULL) {
        uint32_t end = (uint32_t)heap_used(block->heap, block);
        uint32_t i = place->base == (uintptr_t)block->base ? place->granule
                                                           : 0;
        for (; i < end && count < most; i++) {
            if (block_starts_live(sync_get(&block->map[i]))) {
                objects[count++] = block_address(block, i);
                i += block_length(block, i) - 1;
            }
        }
        place->base = (uintptr_t)block->base + (i >= end);
        place->granule = i;
    }
    cache_resume(mp);
    lock_leave(&mp->lock, taken);
    return count;
}

int mp_walk(memory_pool_t *mp,
            int (*visit)(void *object, size_t size, void *arg), void *arg)
{
    struct walk_place place = {0, 0};
    void *objects[WALK_BATCH];
    size_t count = WALK_BATCH;

    if (mp == NULL || visit == NULL) {
        errno = EINVAL;
        return -1;
    }
    while (count == WALK_BATCH) {
        count = walk_collect(mp, &place, objects, WALK_BATCH);
        for (size_t i = 0; i < count; i++) {
            /* It may have been freed by now, by visit itself too. */
            size_t size = object_size(mp, objects[i]);
            int answer = size == 0 ? 0 : visit(objects[i], size, arg);
            if (answer != 0) {
                return answer;
            }
        }
    }
    return 0;
}

/* Each size up to that many bytes has a line of its own; what is longer has
 * one for each doubling, so that the table need not be got. */
#define WALK_SIZES 1024u
#define WALK_GROUPS (WALK_SIZES + sizeof(size_t) * 8)

struct walk_group {
    void *first;
    size_t count;
    size_t bytes;
    size_t least; /* sizes */
    size_t most;
};

struct walk_leaks {
    const struct memory_pool *mp;
    struct walk_group groups[WALK_GROUPS];
    struct walk_group all;
};

static void walk_add(struct walk_group *group, void *object, size_t size)
{
    if (group->count == 0) {
        group->first = object;
        group->least = group->most = size;
    }
    group->count++;
    group->bytes += size;
    group->least = size < group->least ? size : group->least;
    group->most = size > group->most ? size : group->most;
}

static void walk_note_leak(const struct walk_piece *piece, void *arg)
{
    struct walk_leaks *leaks = arg;
    struct heap_chunk chunk = {piece->block, piece->granule};

    if (piece->kind != WALK_LIVE) {
        return;
    }
    size_t size = pool_size_of(chunk);
    size_t group = size - 1;
    if (size > WALK_SIZES) {
        group = WALK_SIZES;
        for (size_t rest = (size - 1) / WALK_SIZES; rest > 1; rest /= 2) {
            group++;
        }
    }
    void *object = block_address(piece->block, piece->granule);
    walk_add(&leaks->groups[group], object, size);
    walk_add(&leaks->all, object, size);
}

static void walk_note_leaks(struct block *block, const struct mark *mark,
                            void *arg)
{
    struct walk_leaks *leaks = arg;

    (void)mark;
    walk_block(leaks->mp, block, walk_note_leak, leaks);
}

static void walk_tell(struct memory_pool *mp, const struct walk_group *group,
                      bool all)
{
    char sizes[64] = "";
    char line[224];

    if (!all && group->least == group->most) {
        snprintf(sizes, sizeof sizes, " of %zu byte%s", group->most,
                 group->most == 1 ? "" : "s");
    } else if (!all) {
        snprintf(sizes, sizeof sizes, " of %zu to %zu bytes", group->least,
                 group->most);
    }
    snprintf(line, sizeof line, "leak: %zu object%s%s, %zu byte%s in all",
             group->count, group->count == 1 ? "" : "s", sizes, group->bytes,
             group->bytes == 1 ? "" : "s");
    if (!all) {
        size_t length = strlen(line);
        snprintf(line + length, sizeof line - length, ", first at %p",
                 group->first);
    }
    mp->report(mp, MP_EVENT_LEAK, line, all ? NULL : group->first,
               mp->report_context);
}

void walk_report_leaks(struct memory_pool *mp)
{
    struct walk_leaks leaks;
    int error = errno;

    if (mp->report == NULL) {
        return;
    }
    memset(&leaks, 0, sizeof leaks);
    leaks.mp = mp;
    bool taken = pool_enter_lock(mp);
    cache_pause(mp);
    walk_blocks(mp, walk_note_leaks, &leaks);
    cache_resume(mp);
    lock_leave(&mp->lock, taken);
    for (size_t i = 0; i < WALK_GROUPS; i++) {
        if (leaks.groups[i].count > 0) {
            walk_tell(mp, &leaks.groups[i], false);
        }
    }
    if (leaks.all.count > 0) {
        walk_tell(mp, &leaks.all, true);
    }
    errno = error;
}
