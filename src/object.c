/* SPDX-License-Identifier: MIT
 *
 * object.c - what can be done with objects besides taking and freeing them.
 *
 * An object grows where it stands if what lies behind it is free or behind
 * the top, else it moves; then only what it grows by needs room in the
 * capacity, though both copies exist for a moment.  A stricter alignment
 * than a granule's is cut out of a longer chunk, whose ends go back.
 *
 * An object that moves keeps no stricter alignment than the usual one.
 */
#include "object.h"

#include <errno.h>

#include "supply.h"

/* Writes an object's size to its block, where that has a place for it. */
static void object_note_size(struct heap_chunk chunk, size_t granules,
                             size_t size)
{
    if (chunk.block->slack != NULL) {
        chunk.block->slack[chunk.granule] =
            (unsigned char)(granules * BLOCK_GRANULE - size);
    }
}

/* Fits the chunk to that many granules where it stands, if that can be. */
static bool object_fit(struct memory_pool *mp, struct heap_chunk chunk,
                       size_t granules)
{
    size_t length = block_length(chunk.block, chunk.granule);

    if (granules > UINT32_MAX) {
        return false;
    }
    if (granules > length) {
        return heap_extend(&mp->heap, chunk, (uint32_t)granules);
    }
    /* Without slack bytes a somewhat long chunk does no harm. */
    if (granules < length &&
        (chunk.block->slack != NULL || granules <= length / 2)) {
        supply_keep(mp, heap_shrink(&mp->heap, chunk, (uint32_t)granules));
    }
    return true;
}

/* Takes room for what the object grows by and a new chunk for all of it; the
 * lock is held on entry and left.  It is held while the bytes are copied, or
 * a reset could give the old ones back meanwhile. */
static void *object_move(struct memory_pool *mp, void *ptr, size_t old,
                         size_t size, bool taken)
{
    size_t granules = block_granules(size);
    struct heap_chunk chunk;
    size_t growth = size > old ? size - old : 0;
    unsigned long resets = mp->resets;

    mp->room -= growth;
    mp->promised += growth;
    int error = pool_take_chunk(mp, 0, granules, &taken, &chunk);
    mp->promised -= growth;
    bool dropped = mp->resets != resets; /* the old one, by a reset */
    if (error == 0 && dropped && old > mp->room) {
        supply_keep(mp, heap_give(&mp->heap, chunk));
        error = pool_full(mp);
    }
    if (error != 0) {
        mp->room += growth;
        lock_leave(&mp->lock, taken);
        errno = error;
        return NULL;
    }
    object_note_size(chunk, granules, size);
    void *object = block_address(chunk.block, chunk.granule);
    mp->room -= old; /* which freeing the old one adds again */
    if (dropped) {
        lock_leave(&mp->lock, taken);
        return object;
    }
    memcpy(object, ptr, old < size ? old : size);
    pool_free_slowly(mp, ptr, taken);
    return object;
}

void *object_resize(struct memory_pool *mp, void *ptr, size_t size)
{
    if (size - 1 >= mp->max_object) {
        errno = EINVAL;
        return NULL;
    }
    if (size > SIZE_MAX - BLOCK_GRANULE) {
        errno = pool_full(mp);
        return NULL;
    }
    bool taken = pool_enter_lock(mp);
    struct heap_chunk chunk = pool_find_live(mp, ptr);
    size_t granules = block_granules(size);
    if (chunk.block == NULL) {
        lock_leave(&mp->lock, taken);
        errno = EFAULT;
        return NULL;
    }
    size_t old = pool_size_of(chunk);
    bool counted = chunk.block->slack != NULL;
    if (counted && size > old && size - old > mp->room) {
        lock_leave(&mp->lock, taken);
        errno = pool_full(mp);
        return NULL;
    }
    bool zero = (mp->flags & MP_ZERO_ON_FREE) != 0;
    if (zero && size < old) {
        memset((unsigned char *)ptr + size, 0, old - size);
    }
    if (object_fit(mp, chunk, granules)) {
        if (counted) {
            mp->room += old - size; /* as unsigned numbers */
            object_note_size(chunk, granules, size);
        }
        lock_leave(&mp->lock, taken);
        return ptr;
    }
    if (counted) {
        return object_move(mp, ptr, old, size, taken);
    }
    lock_leave(&mp->lock, taken);
    void *object = pool_allocate_at_last(mp, size);
    if (object != NULL) {
        memcpy(object, ptr, old < size ? old : size);
        pool_free_at_last(mp, ptr);
    }
    return object;
}

/* Cuts granules out of a longer live chunk so that they start aligned. */
static struct heap_chunk object_trim(struct memory_pool *mp,
                                     struct heap_chunk chunk,
                                     size_t alignment, uint32_t granules)
{
    struct block *block = chunk.block;
    uint32_t length = block_length(block, chunk.granule);
    uintptr_t address = (uintptr_t)block_address(block, chunk.granule);
    uint32_t front =
        (uint32_t)(-address % alignment / BLOCK_GRANULE);
    struct heap_chunk start = chunk;
    uint32_t back = length - front - granules;

    block_clear_live(block, chunk.granule, length);
    chunk.granule += front;
    block_mark_live(block, chunk.granule, granules);
    if (front > 0) {
        supply_keep(mp, heap_give_run(&mp->heap, start, front));
    }
    if (back > 0) {
        start.granule = chunk.granule + granules;
        supply_keep(mp, heap_give_run(&mp->heap, start, back));
    }
    return chunk;
}

void *object_align(struct memory_pool *mp, size_t alignment, size_t size)
{
    if (alignment <= BLOCK_GRANULE) {
        return pool_allocate_at_last(mp, size);
    }
    if (size - 1 >= mp->max_object) {
        errno = EINVAL;
        return NULL;
    }
    size_t extra = alignment / BLOCK_GRANULE - 1;
    struct heap_chunk chunk;
    int error = pool_full(mp);
    bool taken = pool_enter_lock(mp);
    if (size <= mp->room) {
        error = ENOMEM;
        if (size <= SIZE_MAX - alignment) {
            size_t counted = mp->first.slack == NULL ? 0 : size;
            mp->room -= counted;
            mp->promised += counted;
            error = pool_take_chunk(mp, 0, block_granules(size) + extra,
                                    &taken, &chunk);
            mp->promised -= counted;
            if (error != 0) {
                mp->room += counted;
            }
        }
    }
    if (error != 0) {
        lock_leave(&mp->lock, taken);
        errno = error;
        return NULL;
    }
    chunk = object_trim(mp, chunk, alignment, (uint32_t)block_granules(size));
    object_note_size(chunk, block_granules(size), size);
    void *object = block_address(chunk.block, chunk.granule);
    lock_leave(&mp->lock, taken);
    return object;
}

size_t object_size(struct memory_pool *mp, const void *ptr)
{
    bool taken = pool_enter_lock(mp);
    struct heap_chunk chunk = pool_find_live(mp, ptr);
    size_t size = chunk.block == NULL ? 0 : pool_size_of(chunk);

    lock_leave(&mp->lock, taken);
    return size;
}
