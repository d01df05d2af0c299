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
#include "pool/object.h"

#include <errno.h>

#include "store/blocks.h"
#include "pool/tree.h"

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
        return heap_extend(chunk.block->heap, chunk, (uint32_t)granules);
    }
    /* Without slack bytes a somewhat long chunk does no harm. */
    if (granules < length &&
        (chunk.block->slack != NULL || granules <= length / 2)) {
        blocks_keep(mp, heap_shrink(chunk.block->heap, chunk,
                                    (uint32_t)granules));
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
    uint64_t resets = mp->resets;

    pool_hold(mp, growth);
    mp->promised += growth;
    int error = pool_take_chunk(mp, NULL, 0, granules, &taken, &chunk);
    mp->promised -= growth;
    struct heap_chunk from = pool_find_live(mp, ptr);
    if (error == 0 && (mp->resets != resets || from.block == NULL)) {
        /* Dropped by a reset or a rewind meanwhile. */
        blocks_keep(mp, heap_give(chunk.block->heap, chunk));
        error = EFAULT;
    }
    if (error != 0) {
        mp->room += growth;
        pool_leave(mp, taken);
        errno = error;
        return NULL;
    }
    object_note_size(chunk, granules, size);
    chunk.block->heap->held += size;
    void *object = block_address(chunk.block, chunk.granule);
    memcpy(object, ptr, old < size ? old : size);
    pool_drop_chunk(mp, from, old);
    /* Of what the old one held, the new one holds as much. */
    pool_hold(mp, size - growth);
    pool_leave(mp, taken);
    return object;
}

/* object_resize() for an object of a pool whose capacity, or one above it,
 * counts what it grows by; that is taken already. */
static void *object_resize_held(struct memory_pool *mp, void *ptr, size_t size,
                                bool taken, struct heap_chunk chunk)
{
    size_t old = pool_size_of(chunk);

    if (size > old && size - old > pool_room(mp)) {
        pool_leave(mp, taken);
        errno = pool_full(mp);
        return NULL;
    }
    if (!object_fit(mp, chunk, block_granules(size))) {
        return object_move(mp, ptr, old, size, taken);
    }
    if (size > old) {
        pool_hold(mp, size - old);
    } else {
        mp->room += old - size;
    }
    chunk.block->heap->held += size - old; /* as unsigned numbers */
    object_note_size(chunk, block_granules(size), size);
    pool_leave(mp, taken);
    return ptr;
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
    if (chunk.block == NULL) {
        lock_leave(&mp->lock, taken);
        errno = EFAULT;
        return NULL;
    }
    size_t old = pool_size_of(chunk);
    size_t growth = size > old ? size - old : 0;
    if (mp->bounded && growth > 0) {
        /* The pools above first, and no two locks at once. */
        lock_leave(&mp->lock, taken);
        if (!tree_charge(mp, growth)) {
            errno = ENOBUFS;
            return NULL;
        }
        taken = pool_enter_lock(mp);
        chunk = pool_find_live(mp, ptr);
        if (chunk.block == NULL || pool_size_of(chunk) != old) {
            lock_leave(&mp->lock, taken);
            tree_uncharge(mp, growth);
            errno = EFAULT;
            return NULL;
        }
    }
    if ((mp->flags & MP_ZERO_ON_FREE) != 0 && size < old) {
        memset((unsigned char *)ptr + size, 0, old - size);
    }
    void *object = ptr;
    if (chunk.block->slack != NULL) {
        object = object_resize_held(mp, ptr, size, taken, chunk);
        if (mp->bounded) {
            tree_uncharge(mp, object == NULL ? growth
                              : size < old   ? old - size
                                             : 0);
        }
        return object;
    }
    bool fits = object_fit(mp, chunk, block_granules(size));
    pool_leave(mp, taken);
    if (!fits) {
        object = pool_allocate_at_last(mp, NULL, size);
        if (object != NULL) {
            memcpy(object, ptr, old < size ? old : size);
            pool_free_at_last(mp, NULL, ptr);
        }
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
        blocks_keep(mp, heap_give_run(block->heap, start, front));
    }
    if (back > 0) {
        start.granule = chunk.granule + granules;
        blocks_keep(mp, heap_give_run(block->heap, start, back));
    }
    return chunk;
}

void *object_align(struct memory_pool *mp, size_t alignment, size_t size)
{
    if (alignment <= BLOCK_GRANULE) {
        return pool_allocate_at_last(mp, NULL, size);
    }
    if (size - 1 >= mp->max_object) {
        errno = EINVAL;
        return NULL;
    }
    if (mp->bounded && !tree_charge(mp, size)) {
        errno = ENOBUFS;
        return NULL;
    }
    size_t extra = alignment / BLOCK_GRANULE - 1;
    size_t counted = mp->first.slack == NULL ? 0 : size;
    struct heap_chunk chunk;
    void *object = NULL;
    int error = pool_full(mp);
    bool taken = pool_enter_lock(mp);
    if (size <= pool_room(mp)) {
        error = ENOMEM;
        if (size <= SIZE_MAX - alignment) {
            pool_hold(mp, counted);
            mp->promised += counted;
            error = pool_take_chunk(mp, NULL, 0, block_granules(size) + extra,
                                    &taken, &chunk);
            mp->promised -= counted;
            if (error != 0) {
                mp->room += counted;
            }
        }
    }
    if (error == 0) {
        chunk =
            object_trim(mp, chunk, alignment, (uint32_t)block_granules(size));
        object_note_size(chunk, block_granules(size), size);
        chunk.block->heap->held += counted;
        object = block_address(chunk.block, chunk.granule);
    }
    pool_leave(mp, taken);
    if (error != 0) {
        if (mp->bounded) {
            tree_uncharge(mp, size);
        }
        errno = error;
    }
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
