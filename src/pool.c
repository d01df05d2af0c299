/* SPDX-License-Identifier: MIT
 *
 * pool.c - a pool's life, and its objects counted to the byte.
 *
 * Capacity is a promise about the bytes that callers ask for, so an object's
 * size is kept to the byte: its chunk's length in granules stands in the
 * block's map, and how many bytes of the last granule were not asked for in
 * the slack byte beside it.  Whatever alignment and fragmentation cost is
 * paid with further blocks, not with capacity.  Pools with thread caches
 * have no capacity and do without the slack bytes.
 *
 * Before a pool grows, chunks that lie in its depot and in the caller's own
 * cache go back to the heap and are joined with their neighbours.
 *
 * What it cannot do: tell an object freed and handed out again from its
 * first life; the address is the same.
 */
#include "pool.h"

#include <errno.h>
#include <stdlib.h>

#include "backing.h"
#include "supply.h"

/* Granules of the first block of a pool whose capacity asks for no other. */
#define POOL_FIRST 64u

_Static_assert(sizeof(struct memory_pool) <= RANGE_SLOT * 3 / 4,
               "no room for objects in a pool's slot");

static size_t pool_name_bytes(const char *name)
{
    size_t length = name == NULL ? 0 : strlen(name) + 1;

    return length > POOL_NAME ? POOL_NAME : length;
}

/* Granules of the first block. */
static size_t pool_first(const mp_options_t *options, size_t head)
{
    size_t room = backing_buffer_room(options->backing);

    if (room > 0) {
        size_t granules = supply_fit(head, room);
        return granules < SUPPLY_GRANULES_MOST ? granules : SUPPLY_GRANULES_MOST;
    }
    if (options->capacity != 0 && options->capacity <= MAX_BLOCK_SIZE) {
        return block_granules(options->capacity);
    }
    return POOL_FIRST;
}

/* Bytes of the structure itself. */
static size_t pool_head(const mp_options_t *options)
{
    return options->threads == MP_THREADS_CACHED
               ? sizeof(struct memory_pool)
               : offsetof(struct memory_pool, cache);
}

/* The memory of a pool and its first block, laid out. */
static struct memory_pool *pool_place(const mp_options_t *options, bool ranged)
{
    size_t head = pool_head(options) + pool_name_bytes(options->name);
    struct memory_pool *mp;

    if (ranged) {
        mp = range_take_slot();
        if (mp != NULL) {
            unsigned char *slot = (unsigned char *)mp;
            range_own(slot, RANGE_SLOT, mp);
            mp->backing = mp_backing_malloc; /* once the range is full */
            mp->bytes = RANGE_SLOT;
            supply_lay_range_block(&mp->first, slot + head, slot + RANGE_SLOT);
        }
        return mp;
    }
    size_t granules = pool_first(options, head);
    if (granules == 0) {
        return NULL;
    }
    size_t bytes = supply_layout(head, granules);
    mp = options->backing->acquire(options->backing->context, bytes,
                                   BLOCK_GRANULE);
    if (mp != NULL) {
        mp->backing = *options->backing;
        mp->bytes = bytes;
        supply_lay_block(&mp->first, (unsigned char *)mp + head, granules);
    }
    return mp;
}

struct memory_pool *pool_create(const mp_options_t *options)
{
    struct thread *self = NULL;
    bool ranged = false;

    if (options->backing == NULL) {
        ranged = range_start();
        self = thread_self();
    }
    struct memory_pool *mp = pool_place(options, ranged);
    mp_options_t elsewhere = *options;
    if (mp == NULL && ranged) { /* the range is full: without caches, then */
        elsewhere.threads = MP_THREADS_LOCKED;
        elsewhere.backing = &mp_backing_malloc;
        options = &elsewhere;
        mp = pool_place(options, false);
    }
    if (mp == NULL) {
        return NULL;
    }
    mp->kind = options->threads == MP_THREADS_CACHED   ? POOL_CACHED
               : options->threads == MP_THREADS_LOCKED ? POOL_LOCKED
                                                       : POOL_ALONE;
    mp->lock.word = LOCK_LEFT;
    mp->first.bytes = 0;
    heap_start(&mp->heap, &mp->first,
               (options->flags & MP_ZERO_ON_FREE) != 0);
    mp->capacity = options->capacity == 0 ? SIZE_MAX : options->capacity;
    mp->room = mp->capacity;
    mp->max_object = options->max_object == 0 ? SIZE_MAX : options->max_object;
    mp->short_most = mp->max_object / BLOCK_GRANULE < BLOCK_SHORT
                         ? mp->max_object / BLOCK_GRANULE
                         : BLOCK_SHORT;
    mp->caches = NULL;
    mp->depot = NULL;
    mp->flags = options->flags;
    mp->spare = NULL;
    mp->spare_bytes = 0;
    mp->promised = 0;
    mp->resets = 0;
    mp->next_bytes = range_has(mp) ? RANGE_SLOT : SUPPLY_BLOCK_LEAST;
    mp->report = options->report;
    mp->report_context = options->report_context;
    mp->name = NULL;
    if (options->name != NULL) {
        size_t bytes = pool_name_bytes(options->name);
        char *name = (char *)mp + pool_head(options);
        memcpy(name, options->name, bytes - 1);
        name[bytes - 1] = '\0';
        mp->name = name;
    }
    mp->uncached = mp->kind != POOL_CACHED || self == NULL;
    mp->paused = NULL;
    if (mp->kind == POOL_CACHED) {
        cache_start(&mp->cache, mp, self);
        if (!mp->uncached) {
            cache_take_first(mp);
        }
    }
    /* All of it before the pool is on a list, where fork() finds it. */
    sync_put(&mp->maker, mp->uncached ? NULL : &thread_mark);
    thread_enlist(self, mp);
    return mp;
}

/* Leaves the lock, gives back what is too much. */
static void pool_leave(struct memory_pool *mp, bool taken)
{
    struct block *surplus = NULL;

    if (mp->spare_bytes > supply_spare_limit(mp)) {
        surplus = supply_surplus(mp, supply_spare_limit(mp));
    }
    lock_leave(&mp->lock, taken);
    supply_release(mp, surplus);
}

void pool_destroy(struct memory_pool *mp)
{
    thread_delist(mp);
    bool taken = pool_enter_lock(mp);
    bool shared = mp->caches != NULL;
    lock_leave(&mp->lock, taken);
    if (shared) {
        cache_detach_all(mp);
    }
    struct block *blocks = heap_reset(&mp->heap);
    supply_release(mp, mp->spare);
    supply_release(mp, blocks);
    heap_finish(&mp->heap);
    free(mp->depot);
    sync_put(&mp->maker, (struct thread_mark *)NULL);
    if (range_has(mp)) {
        range_give_slot(mp);
    } else {
        mp_backing_t backing = mp->backing;
        backing.release(backing.context, mp, mp->bytes);
    }
}

/* What lies in the depot and in the caller's cache goes back to the heap. */
static void pool_gather(struct memory_pool *mp, struct cache *cache)
{
    if (cache != NULL) {
        cache_flush(cache, mp);
    }
    cache_drain(mp);
}

int pool_full(const struct memory_pool *mp)
{
    return mp->capacity == SIZE_MAX ? ENOMEM : ENOBUFS;
}

int pool_take_chunk(struct memory_pool *mp, size_t size, size_t granules,
                    bool *taken, struct heap_chunk *chunk)
{
    bool gathered = mp->depot == NULL;

    chunk->block = NULL;
    if (granules > SUPPLY_GRANULES_MOST) {
        return ENOMEM;
    }
    while (chunk->block == NULL) {
        if (size > mp->room) {
            return pool_full(mp);
        }
        *chunk = heap_take(&mp->heap, (uint32_t)granules);
        if (chunk->block == NULL && !gathered) {
            gathered = true;
            pool_gather(mp, NULL);
        } else if (chunk->block == NULL) {
            int error = supply_grow(mp, granules, taken, chunk);
            if (error != 0) {
                return error;
            }
        }
    }
    if (size > mp->room) { /* while the lock was left for a whole block */
        supply_keep(mp, heap_give(&mp->heap, *chunk));
        return pool_full(mp);
    }
    if (chunk->block->slack != NULL) {
        chunk->block->slack[chunk->granule] =
            (unsigned char)(granules * BLOCK_GRANULE - size);
        mp->room -= size;
    }
    return 0;
}

void *pool_allocate_slowly(struct memory_pool *mp, size_t size, bool taken)
{
    int error = EINVAL;
    struct heap_chunk chunk;

    if (size - 1 < mp->max_object) {
        error = size > SIZE_MAX - BLOCK_GRANULE
                    ? pool_full(mp)
                    : pool_take_chunk(mp, size, block_granules(size), &taken,
                                      &chunk);
    }
    /* Now: once the lock is left, a reset may take the block away. */
    void *object =
        error == 0 ? block_address(chunk.block, chunk.granule) : NULL;
    pool_leave(mp, taken);
    if (error != 0) {
        errno = error;
    }
    return object;
}

/* For a pool with caches, where the own one does not serve. */
static MP_SLOW void *pool_allocate_uncached(struct memory_pool *mp,
                                            size_t size)
{
    struct cache *cache = NULL;
    void *object = NULL;
    size_t granules = block_granules(size);
    bool gathered = false;
    int error = 0;

    if (size - 1 < BLOCK_SHORT * BLOCK_GRANULE && size <= mp->max_object &&
        !sync_get(&mp->uncached)) {
        cache = cache_own(mp);
    }
    bool taken = pool_enter_lock(mp);
    if (cache == NULL || mp->uncached) {
        return pool_allocate_slowly(mp, size, taken);
    }
    while (error == 0 && !mp->uncached &&
           (object = cache_take(cache, size)) == NULL) {
        if (cache_fill(cache, mp, granules)) {
            continue;
        }
        if (!gathered) {
            gathered = true;
            pool_gather(mp, cache);
        } else {
            struct heap_chunk chunk;
            error = supply_grow(mp, granules, &taken, &chunk);
        }
    }
    if (error == 0 && object == NULL) { /* no longer a pool with caches */
        return pool_allocate_slowly(mp, size, taken);
    }
    pool_leave(mp, taken);
    if (error != 0) {
        errno = error;
    }
    return object;
}

void *pool_allocate_at_last(struct memory_pool *mp, size_t size)
{
    if (mp->kind == POOL_CACHED) {
        return pool_allocate_uncached(mp, size);
    }
    return pool_allocate_slowly(mp, size, pool_enter_lock(mp));
}

struct heap_chunk pool_find_live(struct memory_pool *mp, const void *ptr)
{
    struct heap_chunk chunk = heap_find(&mp->heap, ptr);

    if (chunk.block != NULL &&
        !block_starts_live(sync_get(&chunk.block->map[chunk.granule]))) {
        chunk.block = NULL;
    }
    return chunk;
}

size_t pool_size_of(struct heap_chunk chunk)
{
    size_t bytes =
        block_length(chunk.block, chunk.granule) * BLOCK_GRANULE;

    return chunk.block->slack == NULL
               ? bytes
               : bytes - chunk.block->slack[chunk.granule];
}

bool pool_free_slowly(struct memory_pool *mp, const void *ptr, bool taken)
{
    struct heap_chunk chunk = pool_find_live(mp, ptr);

    if (chunk.block != NULL) {
        size_t size = pool_size_of(chunk);
        if (chunk.block->slack != NULL) {
            mp->room += size;
        }
        if ((mp->flags & MP_ZERO_ON_FREE) != 0) {
            memset(block_address(chunk.block, chunk.granule), 0, size);
        }
        supply_keep(mp, heap_give(&mp->heap, chunk));
    }
    pool_leave(mp, taken);
    return chunk.block != NULL;
}

static MP_SLOW bool pool_free_uncached(struct memory_pool *mp, const void *ptr)
{
    struct cache *cache = NULL;

    if (!sync_get(&mp->uncached) && range_owner(ptr) == mp) {
        cache = cache_own(mp);
    }
    bool taken = pool_enter_lock(mp);
    if (cache != NULL && !mp->uncached) {
        struct heap_chunk chunk = pool_find_live(mp, ptr);
        size_t granules =
            chunk.block == NULL ? 0 : block_length(chunk.block, chunk.granule);
        if (granules - 1 < BLOCK_SHORT) {
            if (cache->rooms[granules - 1] == 0) {
                cache_unload(cache, mp, granules);
            }
            bool given = cache_give(cache, mp, ptr);
            pool_leave(mp, taken);
            return given;
        }
    }
    return pool_free_slowly(mp, ptr, taken);
}

bool pool_free_at_last(struct memory_pool *mp, const void *ptr)
{
    if (mp->kind == POOL_CACHED) {
        return pool_free_uncached(mp, ptr);
    }
    return pool_free_slowly(mp, ptr, pool_enter_lock(mp));
}

void pool_reset(struct memory_pool *mp)
{
    bool taken = pool_enter_lock(mp);

    cache_pause(mp);
    struct block *block = heap_reset(&mp->heap);
    while (block != NULL) {
        struct block *next = block->next;
        supply_keep(mp, block);
        block = next;
    }
    if (!mp->uncached) {
        cache_forget(mp);
    }
    mp->room = mp->capacity - mp->promised;
    mp->resets++;
    cache_resume(mp);
    pool_leave(mp, taken);
}

size_t pool_trim(struct memory_pool *mp, size_t keep)
{
    bool taken = pool_enter_lock(mp);

    if (mp->kind == POOL_CACHED) {
        cache_pause(mp);
        for (struct cache *c = mp->caches; c != NULL; c = c->next) {
            cache_flush(c, mp);
        }
        pool_gather(mp, &mp->cache);
        cache_resume(mp);
    }
    size_t before = mp->spare_bytes;
    struct block *surplus = supply_surplus(mp, keep);
    size_t given = before - mp->spare_bytes;
    lock_leave(&mp->lock, taken);
    supply_release(mp, surplus);
    return given;
}

void pool_lose_maker(struct memory_pool *mp, bool held)
{
    bool taken = !held && pool_enter_lock(mp);

    if (mp->kind == POOL_CACHED && !mp->uncached) {
        cache_flush(&mp->cache, mp);
    }
    sync_put(&mp->maker, (struct thread_mark *)NULL);
    mp->paused = NULL;
    lock_leave(&mp->lock, taken);
}
