/* SPDX-License-Identifier: MIT
 *
 * objects.c - every live object of a pool, in an order that stays the same.
 *
 * The program's function is called with no lock held, so the pool may be quite
 * another between two calls.  The walk goes by the order of the blocks'
 * addresses and of the granules in each.  It copies some addresses at a time,
 * and then looks for what comes behind the last one: an object that stays
 * where it is is met once, whatever goes on around it.  The walk may begin in
 * the middle of what has become another chunk.  That does no harm, since no
 * byte of the map inside of a chunk can be taken for a live one's start.
 *
 * A mark's block may lie inside of a chunk of another block, so the order is
 * that of block and granule, and not that of the objects' addresses.  A tracked
 * pool has no blocks, and goes by the order of its table.
 *
 * What it cannot do: say what was live at one single moment, unless no other
 * thread changes the pool.
 */
#include "view/objects.h"

#include <errno.h>

#include "cache/pause.h"
#include "pool/object.h"
#include "pool/track.h"
#include "pool/walk.h"
#include "store/backing.h"

/* Objects that are collected at a time, at least: each time the caches are
 * paused. */
#define OBJECTS_BATCH 256

/* Room for more objects.  The system's memory: what malloc() gives may be an
 * object of this very pool, and be visited. */
struct objects_room {
    void **objects;
    size_t most;
    size_t bytes; /* from the system; 0: it is elsewhere */
};

/* Where a walk stands: at a granule of the block that begins at base, or
 * behind that block if there is none. */
struct objects_place {
    uintptr_t base;
    uint32_t granule;
};

/* Granules to the next place where a chunk may start.  A short free chunk has
 * one byte at its start and at its end, so it is no known start. */
static uint32_t objects_step(const struct block *block, uint32_t i)
{
    unsigned char code = sync_get(&block->map[i]);
    bool starts = block_starts_live(code) || block_is_cached(code) ||
                  code == BLOCK_LONG_LENT || block_starts_long_free(block, i);

    ASSERT(i < block->granules);
    return starts ? block_length(block, i) : 1;
}

/* Collects the live objects of a block from where the walk stands. */
static size_t objects_of_block(const struct block *block,
                               struct objects_place *place, void **objects,
                               size_t most)
{
    uint32_t end = (uint32_t)heap_used(block->heap, block);
    uintptr_t base = (uintptr_t)block->base;
    uint32_t i = place->base == base ? place->granule : 0;
    size_t count = 0;
    ASSERT(most > 0 && base >= place->base);
    ASSERT(end <= block->granules);

    /* The walk may begin in the middle of a chunk: all bytes up to the next
     * start are 0, nibbles, or the end of a free chunk, and none of them is
     * taken for a start. */
    for (; i < end && count < most; i += objects_step(block, i)) {
        if (block_starts_live(sync_get(&block->map[i]))) {
            objects[count++] = block_address(block, i);
        }
    }
    /* One byte behind the block's start: that block is done. */
    place->base = base + (i >= end);
    place->granule = i;
    /* Else the walk would find the same block again, and never end. */
    ASSERT(count == most || place->base > base);
    return count;
}

/* The same in a tracked pool, whose walk stands at the last object. */
static size_t objects_of_tracked(const struct memory_pool *mp,
                                 struct objects_place *place, void **objects,
                                 size_t most)
{
    const struct record *record;
    size_t count = 0;

    while (count < most && (record = track_next(mp, place->base)) != NULL) {
        objects[count++] = record_object(record);
        place->base = record_address(record);
    }
    return count;
}

/* The next live objects; returns how many, fewer than most at the end. */
static size_t objects_collect(struct memory_pool *mp,
                              struct objects_place *place, void **objects,
                              size_t most)
{
    bool taken = pool_enter(mp);
    const struct block *block;
    size_t count = 0;
    ASSERT(most >= OBJECTS_BATCH);

    /* The pause makes all objects of one batch live at one moment. */
    pause_begin(&mp->caches);
    if (pool_is_tracked(mp)) {
        count = objects_of_tracked(mp, place, objects, most);
    }
    while (!pool_is_tracked(mp) && count < most &&
           (block = walk_next_block(mp, place->base)) != NULL) {
        count += objects_of_block(block, place, objects + count,
                                  most - count);
        ASSERT(count <= most);
    }
    ASSERT(count <= most);
    pause_end(&mp->caches);
    lock_leave(&mp->lock, taken);
    return count;
}

/* Also where visit leaves by an exception, or its thread is cancelled. */
static void objects_give(struct objects_room *room)
{
    if (room->bytes > 0) {
        backing_mmap_release(NULL, room->objects, room->bytes);
    }
}

/* A pause takes as long as the pool has caches.  So there is room for an object
 * for each of them, where the system has memory for that; else a walk takes
 * longer. */
static void objects_extend(struct memory_pool *mp, struct objects_room *room)
{
    bool taken = pool_enter(mp);
    size_t count = cache_set_length(&mp->caches);

    lock_leave(&mp->lock, taken);
    if (count <= room->most) {
        return;
    }
    struct objects_room more = {NULL, count, count * sizeof(void *)};
    int error = errno; /* visit may look at it */
    more.objects = backing_mmap_acquire(NULL, more.bytes, sizeof(void *));
    errno = error;
    if (more.objects != NULL) {
        objects_give(room);
        *room = more;
    }
}

int objects_visit(struct memory_pool *mp,
                  int (*visit)(void *object, size_t size, void *arg),
                  void *arg)
{
    ASSERT(mp != NULL && visit != NULL && lock_none_is_held());
    struct objects_place place = {0, 0};
    /* On the stack: a walk should work where there is no memory left. */
    void *objects[OBJECTS_BATCH];
    struct objects_room room __attribute__((__cleanup__(objects_give))) = {
        objects, OBJECTS_BATCH, 0};
    size_t count;

    /* Fewer than were asked for means that nothing is behind them. */
    do {
        ASSERT(lock_none_is_held());
        count = objects_collect(mp, &place, room.objects, room.most);
        ASSERT(count <= room.most);
        for (size_t i = 0; i < count; i++) {
            void *object = room.objects[i];
            ASSERT(object != NULL);
            /* It may have been freed by now, by visit itself too. */
            size_t size = object_size(mp, object);
            int answer = size == 0 ? 0 : visit(object, size, arg);
            if (answer != 0) {
                return answer;
            }
        }
        if (count < room.most) {
            return 0;
        }
        objects_extend(mp, &room);
    } while (true);
}
