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
#include "pool/pool.h"

#include <errno.h>
#include <stdlib.h>

#include "store/backing.h"
#include "cache/handle.h"
#include "pool/recycle.h"
#include "store/blocks.h"
#include "pool/tree.h"

/* Granules of the first block of a pool whose capacity asks for no other. */
#define POOL_FIRST 64u

/* Granules of a heap, 64 KiB, below which it grows before it takes back what
 * caches hold, and the part of it that has to be free after that. */
#define POOL_GATHER_LEAST ((size_t)4096)
#define POOL_GATHER_PART 8

_Static_assert(sizeof(struct memory_pool) <= RANGE_SLOT * 7 / 8,
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
        size_t granules = blocks_fit(head, room);
        return granules < BLOCKS_GRANULES_MOST ? granules
                                               : BLOCKS_GRANULES_MOST;
    }
    if (options->capacity != 0 && options->capacity <= MAX_BLOCK_SIZE) {
        return block_granules(options->capacity);
    }
    return POOL_FIRST;
}

/* The memory of a pool and its first block, laid out. */
static struct memory_pool *pool_place(const mp_options_t *options, bool ranged)
{
    size_t head = sizeof(struct memory_pool) + pool_name_bytes(options->name);
    struct memory_pool *mp;

    if (ranged) {
        mp = range_take_slot();
        if (mp != NULL) {
            unsigned char *slot = (unsigned char *)mp;
            /* What was there may look like one; see inspect_owner(). */
            sync_put(&mp->home, (struct thread *)NULL);
            range_own(slot, RANGE_SLOT, mp);
            mp->backing = mp_backing_malloc; /* once the range is full */
            mp->bytes = RANGE_SLOT;
            blocks_lay_range_block(&mp->first, slot + head, slot + RANGE_SLOT);
        }
        return mp;
    }
    size_t granules = pool_first(options, head);
    if (granules == 0) {
        return NULL;
    }
    size_t bytes = blocks_layout(head, granules);
    mp = options->backing->acquire(options->backing->context, bytes,
                                   BLOCK_GRANULE);
    if (mp != NULL) {
        mp->backing = *options->backing;
        mp->bytes = bytes;
        blocks_lay_block(&mp->first, (unsigned char *)mp + head, granules);
    }
    return mp;
}

void pool_set_short(struct memory_pool *mp)
{
    size_t most = mp->max_object / BLOCK_GRANULE;

    if (mp->bounded || mp->kind == POOL_CACHED || mp->marks != NULL) {
        most = 0;
    }
    mp->short_most = most < BLOCK_SHORT ? most : BLOCK_SHORT;
}

/* A pool's members as its options ask, but for where its memory is. */
static void pool_start(struct memory_pool *mp, const mp_options_t *options)
{
    bool zero = (options->flags & MP_ZERO_ON_FREE) != 0;

    mp->kind = options->threads == MP_THREADS_CACHED   ? POOL_CACHED
               : options->threads == MP_THREADS_LOCKED ? POOL_LOCKED
                                                       : POOL_SINGLE;
    mp->bounded = options->parent != NULL && tree_is_bounding(options->parent);
    mp->lock.word = LOCK_LEFT;
    mp->first.bytes = 0;
    heap_start(&mp->heap, &mp->first, zero,
               mp->bounded || mp->kind == POOL_CACHED);
    mp->capacity = options->capacity == 0 ? SIZE_MAX : options->capacity;
    mp->room = 0;
    mp->reserve = mp->capacity;
    mp->max_object = options->max_object == 0 ? SIZE_MAX : options->max_object;
    mp->marks = NULL;
    mp->spare_marks = NULL;
    mp->spare_mark_count = 0;
    mp->carved = 0;
    mp->tree = NULL;
    pool_set_short(mp);
    mp->uncached = mp->kind != POOL_CACHED;
    mp->caches = NULL;
    mp->resident = NULL;
    mp->resident_cache = NULL;
    mp->depot = NULL;
    mp->flags = options->flags;
    mp->spare = NULL;
    mp->spare_bytes = 0;
    mp->promised = 0;
    mp->resets = 0;
    mp->freed = 0;
    mp->peak = 0;
    mp->peak_objects = 0;
    memset(mp->refused, 0, sizeof mp->refused);
    mp->next_bytes = range_has(mp) ? RANGE_SLOT : BLOCKS_BLOCK_LEAST;
    mp->report = options->report;
    mp->report_context = options->report_context;
    mp->recycled = false;
    mp->name = NULL;
    if (options->name != NULL) {
        size_t bytes = pool_name_bytes(options->name);
        char *name = (char *)(mp + 1);
        memcpy(name, options->name, bytes - 1);
        name[bytes - 1] = '\0';
        mp->name = name;
    }
}

/* A new pool, and on its maker's list; NULL: there is no memory. */
static struct memory_pool *pool_make(const mp_options_t *options,
                                     struct thread *self, bool ranged)
{
    struct memory_pool *mp = pool_place(options, ranged);
    mp_options_t elsewhere = *options;

    if (mp == NULL && ranged) { /* the range is full: without caches, then */
        elsewhere.threads = MP_THREADS_LOCKED;
        elsewhere.backing = &mp_backing_malloc;
        options = &elsewhere;
        mp = pool_place(options, false);
    }
    if (mp != NULL) {
        /* All of it before the pool is on a list, where fork() finds it. */
        pool_start(mp, options);
        thread_enlist(self, mp);
    }
    return mp;
}

struct memory_pool *pool_create(const mp_options_t *options)
{
    struct thread *self = NULL;
    struct memory_pool *mp = NULL;
    bool ranged = false;

    if (options->backing == NULL) {
        ranged = range_start();
        self = thread_self();
    }
    if (self != NULL) {
        mp = recycle_take(self, options);
    }
    if (mp == NULL) {
        mp = pool_make(options, self, ranged);
    }
    if (mp != NULL && options->parent != NULL &&
        !tree_join(mp, options->parent)) {
        pool_destroy(mp);
        return NULL;
    }
    return mp;
}

void pool_leave(struct memory_pool *mp, bool taken)
{
    struct block *surplus = NULL;

    if (mp->spare_bytes > blocks_spare_limit(mp)) {
        surplus = blocks_surplus(mp, blocks_spare_limit(mp));
    }
    lock_leave(&mp->lock, taken);
    blocks_release(mp, surplus);
}

/* Bytes of the pool's own objects, where they are counted. */
static size_t pool_held(const struct memory_pool *mp)
{
    size_t charged = mp->tree == NULL ? 0 : mp->tree->charged;

    return mp->capacity - pool_room(mp) - mp->promised - charged;
}

/* Gives the pool's own memory back. */
static void pool_release(struct memory_pool *mp)
{
    if (range_has(mp)) {
        range_give_slot(mp);
    } else {
        mp_backing_t backing = mp->backing;
        int error = errno; /* whatever the backing does to it */
        backing.release(backing.context, mp, mp->bytes);
        errno = error;
    }
}

void pool_destroy(struct memory_pool *mp)
{
    /* Nothing is charged to the pools above it, so that it may leave now. */
    if (mp->tree != NULL && mp->kind == POOL_CACHED) {
        tree_leave(mp);
    }
    if (recycle_give(mp)) {
        return;
    }
    thread_delist(mp);
    bool taken = pool_enter_lock(mp);
    bool shared = mp->caches != NULL;
    lock_leave(&mp->lock, taken);
    if (shared) {
        cache_detach_all(mp);
    }
    size_t held = pool_held(mp);
    mark_drop_all(mp);
    struct block *blocks = heap_reset(&mp->heap);
    mark_release_all(mp);
    blocks_release(mp, mp->spare);
    blocks_release(mp, blocks);
    heap_finish(&mp->heap);
    free(mp->depot);
    if (mp->tree != NULL) {
        tree_uncharge(mp, held);
        tree_leave(mp);
    }
    pool_release(mp);
}

/* Before the heap grows, for a cache or, with NULL, for a long object.  True
 * where that gave enough for the heap to serve a while without growing: else
 * the pool would come here again and again, for a few chunks each time. */
static bool pool_gather_enough(struct memory_pool *mp, struct cache *cache)
{
    if (mp->heap.size < POOL_GATHER_LEAST) {
        return false;
    }
    if (cache != NULL) {
        cache_flush(cache, mp);
    }
    cache_drain(mp);
    return mp->heap.size - mp->heap.taken >=
           mp->heap.size / POOL_GATHER_PART;
}

int pool_full(const struct memory_pool *mp)
{
    return mp->capacity == SIZE_MAX ? ENOMEM : ENOBUFS;
}

void pool_hold(struct memory_pool *mp, size_t bytes)
{
    if (bytes > mp->room) {
        mp->reserve -= bytes - mp->room;
        mp->room = bytes;
    }
    mp->room -= bytes;
}

/* How much is out of the heaps, at its highest. */
static void pool_note_peak(struct memory_pool *mp)
{
    size_t taken = mp->heap.taken;

    for (const struct mark *s = mp->marks; s != NULL; s = s->next) {
        taken += s->heap.taken;
    }
    if (taken > mp->peak) {
        mp->peak = taken;
    }
}

int pool_take_chunk(struct memory_pool *mp, const struct mp_handle *handle,
                    size_t size, size_t granules, bool *taken,
                    struct heap_chunk *chunk)
{
    bool gathered = mp->depot == NULL;

    chunk->block = NULL;
    if (granules > BLOCKS_GRANULES_MOST) {
        return ENOMEM;
    }
    while (chunk->block == NULL) {
        if (size > pool_room(mp)) {
            return pool_full(mp);
        }
        struct mark *mark = mark_current(mp, handle);
        *chunk = heap_take(mark == NULL ? &mp->heap : &mark->heap,
                           (uint32_t)granules);
        if (chunk->block == NULL && !gathered && mark == NULL) {
            gathered = true;
            pool_gather_enough(mp, NULL);
        } else if (chunk->block == NULL) {
            int error = blocks_grow(mp, handle, granules, taken, chunk);
            if (error != 0) {
                return error;
            }
        }
    }
    if (size > pool_room(mp)) { /* while the lock was left for a whole block */
        blocks_keep(mp, heap_give(chunk->block->heap, *chunk));
        return pool_full(mp);
    }
    if (chunk->block->slack != NULL) {
        chunk->block->slack[chunk->granule] =
            (unsigned char)(granules * BLOCK_GRANULE - size);
        chunk->block->heap->held += size;
        pool_hold(mp, size);
    }
    pool_note_peak(mp);
    return 0;
}

/* An object from the heap; the lock is held, where taken says so, and left
 * here. */
static void *pool_allocate_slowly(struct memory_pool *mp,
                                  const struct mp_handle *handle, size_t size,
                                  bool taken)
{
    int error = EINVAL;
    struct heap_chunk chunk;

    if (size - 1 < mp->max_object) {
        error = size > SIZE_MAX - BLOCK_GRANULE
                    ? pool_full(mp)
                    : pool_take_chunk(mp, handle, size, block_granules(size),
                                      &taken, &chunk);
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
                                            struct mp_handle *handle,
                                            size_t size)
{
    struct cache *cache = NULL;
    void *object = NULL;
    size_t granules = block_granules(size);
    bool gathered = false;
    int error = 0;

    if (size - 1 < BLOCK_SHORT * BLOCK_GRANULE && size <= mp->max_object &&
        !sync_get(&mp->uncached)) {
        cache = handle != NULL ? &handle->cache : cache_own(mp);
    }
    bool taken = pool_enter_lock(mp);
    if (cache == NULL || mp->uncached) {
        return pool_allocate_slowly(mp, handle, size, taken);
    }
    while (error == 0 && !mp->uncached &&
           (object = mp_inline_take(cache->state, &cache->fast, size)) == NULL) {
        if (cache_fill(cache, mp, granules)) {
            continue;
        }
        bool enough = !gathered && cache->mark == NULL &&
                      pool_gather_enough(mp, cache);
        gathered = true;
        if (!enough) {
            struct heap_chunk chunk;
            error = blocks_grow(mp, handle, granules, &taken, &chunk);
        }
    }
    if (error == 0 && object == NULL) { /* no longer a pool with caches */
        return pool_allocate_slowly(mp, handle, size, taken);
    }
    pool_note_peak(mp);
    pool_leave(mp, taken);
    if (error != 0) {
        errno = error;
    }
    return object;
}

void *pool_allocate_at_last(struct memory_pool *mp, struct mp_handle *handle,
                            size_t size)
{
    if (mp->kind == POOL_CACHED) {
        return pool_allocate_uncached(mp, handle, size);
    }
    if (!mp->bounded || size - 1 >= mp->max_object) {
        return pool_allocate_slowly(mp, handle, size, pool_enter_lock(mp));
    }
    /* First the pools above, so that no two locks are held. */
    if (!tree_charge(mp, size)) {
        errno = ENOBUFS;
        return NULL;
    }
    void *object = pool_allocate_slowly(mp, handle, size, pool_enter_lock(mp));
    if (object == NULL) {
        tree_uncharge(mp, size);
    }
    return object;
}

struct heap_chunk pool_find(const struct memory_pool *mp, const void *ptr)
{
    struct heap_chunk chunk = {NULL, 0};

    /* A mark's block may lie in a chunk of the main heap. */
    for (const struct mark *s = mp->marks; s != NULL; s = s->next) {
        chunk = heap_find(&s->heap, ptr);
        if (chunk.block != NULL) {
            return chunk;
        }
    }
    return heap_find(&mp->heap, ptr);
}

struct heap_chunk pool_find_live(struct memory_pool *mp, const void *ptr)
{
    struct heap_chunk chunk = pool_find(mp, ptr);

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

void pool_drop_chunk(struct memory_pool *mp, struct heap_chunk chunk,
                     size_t size)
{
    if (chunk.block->slack != NULL) {
        mp->room += size;
        chunk.block->heap->held -= size;
    }
    if ((mp->flags & MP_ZERO_ON_FREE) != 0) {
        memset(block_address(chunk.block, chunk.granule), 0, size);
    }
    mp->freed++;
    blocks_keep(mp, heap_give(chunk.block->heap, chunk));
}

/* The free of an object into the heap; the lock as above. */
static bool pool_free_slowly(struct memory_pool *mp, const void *ptr,
                             bool taken)
{
    struct heap_chunk chunk = pool_find_live(mp, ptr);
    size_t size = 0;

    if (chunk.block != NULL) {
        size = pool_size_of(chunk);
        pool_drop_chunk(mp, chunk, size);
    }
    pool_leave(mp, taken);
    if (mp->bounded && size > 0) {
        tree_uncharge(mp, size);
    }
    return size > 0;
}

static MP_SLOW bool pool_free_uncached(struct memory_pool *mp,
                                       struct mp_handle *handle,
                                       const void *ptr)
{
    struct cache *cache = NULL;

    if (!sync_get(&mp->uncached) && range_owner(ptr) == mp) {
        cache = handle != NULL ? &handle->cache : cache_own(mp);
    }
    bool taken = pool_enter_lock(mp);
    if (cache != NULL && !mp->uncached && cache->mark == NULL) {
        struct heap_chunk chunk = pool_find_live(mp, ptr);
        size_t granules =
            chunk.block == NULL ? 0 : block_length(chunk.block, chunk.granule);
        if (granules - 1 < BLOCK_SHORT && chunk.block->heap == &mp->heap) {
            if (cache->fast.lists[granules - 1].room == 0) {
                cache_unload(cache, mp, granules);
            }
            bool given = mp_inline_give(cache->state, &cache->fast, mp, ptr);
            pool_leave(mp, taken);
            return given;
        }
    }
    return pool_free_slowly(mp, ptr, taken);
}

bool pool_free_at_last(struct memory_pool *mp, struct mp_handle *handle,
                       const void *ptr)
{
    if (mp->kind == POOL_CACHED) {
        return pool_free_uncached(mp, handle, ptr);
    }
    return pool_free_slowly(mp, ptr, pool_enter_lock(mp));
}

/* Live objects in all heaps; at rest. */
static size_t pool_count_live(const struct memory_pool *mp)
{
    size_t live = heap_count_live(&mp->heap);

    for (const struct mark *s = mp->marks; s != NULL; s = s->next) {
        live += heap_count_live(&s->heap);
    }
    return live;
}

void pool_reset(struct memory_pool *mp)
{
    bool taken = pool_enter_lock(mp);

    cache_pause(mp);
    size_t live = pool_count_live(mp);
    mp->freed += live;
    if (live > mp->peak_objects) {
        mp->peak_objects = live;
    }
    size_t held = pool_held(mp);
    mark_drop_all(mp);
    struct block *block = heap_reset(&mp->heap);
    while (block != NULL) {
        struct block *next = block->next;
        blocks_keep(mp, block);
        block = next;
    }
    cache_forget(mp);
    struct cache *cache = cache_resident(mp);
    if (cache != NULL && !mp->uncached) {
        cache_take_first(cache, mp);
    }
    mp->room += held;
    mp->resets++;
    cache_resume(mp);
    pool_leave(mp, taken);
    if (mp->bounded) {
        tree_uncharge(mp, held);
    }
}

size_t pool_trim(struct memory_pool *mp, size_t keep)
{
    bool taken = pool_enter_lock(mp);

    if (mp->kind == POOL_CACHED) {
        cache_pause(mp);
        for (struct cache *c = mp->caches; c != NULL; c = c->next) {
            cache_flush(c, mp);
        }
        cache_drain(mp);
        cache_resume(mp);
    }
    size_t before = mp->spare_bytes;
    struct block *surplus = blocks_surplus(mp, keep);
    size_t given = before - mp->spare_bytes;
    lock_leave(&mp->lock, taken);
    blocks_release(mp, surplus);
    return given;
}
