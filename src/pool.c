/* SPDX-License-Identifier: MIT
 *
 * pool.c - a pool's life, and its objects counted to the byte.
 *
 * Capacity is a promise about the bytes that callers ask for, so an object's
 * size is kept to the byte: its chunk's length in granules stands in the
 * block's map, and how many bytes of the last granule were not asked for in
 * the slack byte beside it.  Whatever alignment and fragmentation cost is
 * paid with further blocks, not with capacity.
 *
 * What it cannot do: tell an object freed and handed out again from its
 * first life; the address is the same.
 *
 * Locks, in the order in which they are taken: the list of all pools, then
 * a pool's own.  The list is there for fork(): the child must find every
 * pool whole and unlocked, so the handlers hold all locks across it.
 */
#include "pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

/* Granules of a further block at least: 1 KiB. */
#define POOL_BLOCK_LEAST 64u

static struct lock pool_list_lock;
static struct memory_pool *pool_list; /* pool_list_lock */
static bool pool_fork_ready;          /* pool_list_lock */

static void pool_fork_prepare(void)
{
    lock_take(&pool_list_lock);
    for (struct memory_pool *mp = pool_list; mp != NULL; mp = mp->next) {
        lock_take(&mp->lock);
    }
    lock_fork_prepare();
}

static void pool_fork_drop(void)
{
    for (struct memory_pool *mp = pool_list; mp != NULL; mp = mp->next) {
        lock_drop(&mp->lock);
    }
    lock_drop(&pool_list_lock);
}

static void pool_fork_parent(void)
{
    lock_fork_parent();
    pool_fork_drop();
}

static void pool_fork_child(void)
{
    lock_fork_child();
    pool_fork_drop();
}

/* Makes the pool known to the fork handlers; 0 or an error number. */
static int pool_enlist(struct memory_pool *mp)
{
    bool taken = lock_enter(&pool_list_lock);
    int error = 0;

    if (!pool_fork_ready) {
        error = pthread_atfork(pool_fork_prepare, pool_fork_parent,
                               pool_fork_child);
        pool_fork_ready = error == 0;
    }
    if (error == 0) {
        mp->previous = NULL;
        mp->next = pool_list;
        if (pool_list != NULL) {
            pool_list->previous = mp;
        }
        pool_list = mp;
    }
    lock_leave(&pool_list_lock, taken);
    return error;
}

static void pool_delist(struct memory_pool *mp)
{
    bool taken = lock_enter(&pool_list_lock);

    if (mp->next != NULL) {
        mp->next->previous = mp->previous;
    }
    if (mp->previous != NULL) {
        mp->previous->next = mp->next;
    } else {
        pool_list = mp->next;
    }
    lock_leave(&pool_list_lock, taken);
}

/* Bytes of a head followed by granules, their map and their slack, with what
 * aligning the granules may cost. */
static size_t pool_layout(size_t head, uint32_t granules)
{
    return head + BLOCK_GRANULE - 1 + granules * (BLOCK_GRANULE + 2) + 2;
}

static void pool_lay_block(struct block *block, unsigned char *memory,
                           uint32_t granules)
{
    size_t shift = (size_t)(-(uintptr_t)memory % BLOCK_GRANULE);

    block->base = memory + shift;
    block->map = block->base + granules * BLOCK_GRANULE + 1;
    block->slack = block->map + granules + 1;
    block->granules = granules;
    memset(block->map - 1, 0, (size_t)granules + 2);
}

struct memory_pool *pool_create(size_t capacity, const char **step)
{
    uint32_t granules = (uint32_t)block_granules(capacity);
    struct memory_pool *mp =
        malloc(pool_layout(sizeof *mp, granules));

    if (mp == NULL) {
        *step = "init_memory_pool: malloc";
        return NULL;
    }
    memset(&mp->lock, 0, sizeof mp->lock);
    pool_lay_block(&mp->first, (unsigned char *)(mp + 1), granules);
    mp->first.bytes = 0;
    heap_start(&mp->heap, &mp->first);
    mp->room = capacity;
    mp->capacity = capacity;
    mp->max_object = capacity;
    int error = pool_enlist(mp);
    if (error != 0) {
        *step = "init_memory_pool: pthread_atfork";
        free(mp);
        errno = error;
        return NULL;
    }
    return mp;
}

/* Gives back blocks that are linked by next. */
static void pool_release(struct block *block)
{
    while (block != NULL) {
        struct block *next = block->next;
        free(block);
        block = next;
    }
}

void pool_destroy(struct memory_pool *mp)
{
    pool_delist(mp);
    pool_release(heap_reset(&mp->heap));
    heap_finish(&mp->heap);
    free(mp);
}

/* A block for at least that many granules; NULL: no memory. */
static struct block *pool_acquire(const struct memory_pool *mp,
                                  uint32_t granules)
{
    struct block *block;

    if (granules < POOL_BLOCK_LEAST) {
        granules = POOL_BLOCK_LEAST;
    }
    if (granules < mp->first.granules) {
        granules = mp->first.granules;
    }
    size_t bytes = pool_layout(sizeof *block, granules);
    block = malloc(bytes);
    if (block != NULL) {
        pool_lay_block(block, (unsigned char *)(block + 1), granules);
        block->bytes = bytes;
    }
    return block;
}

/* A chunk from a block that is not there yet; 0 or an error number.  The
 * lock, held on entry and on return, is left meanwhile, so size bytes may no
 * longer fit after it. */
static int pool_grow(struct memory_pool *mp, size_t size, uint32_t granules,
                     bool *taken, struct heap_chunk *chunk)
{
    lock_leave(&mp->lock, *taken);
    struct block *block = pool_acquire(mp, granules);
    *taken = lock_enter(&mp->lock);
    if (block == NULL) {
        return ENOMEM;
    }
    if (size > mp->room) {
        free(block);
        return ENOBUFS;
    }
    if (!heap_add(&mp->heap, block)) {
        free(block);
        return ENOMEM;
    }
    *chunk = heap_take(&mp->heap, granules);
    return 0;
}

MP_SLOW void *pool_allocate_slowly(struct memory_pool *mp, size_t size,
                                   bool taken)
{
    uint32_t granules = (uint32_t)block_granules(size);
    int error = ENOBUFS;
    void *object = NULL;
    struct heap_chunk chunk;

    if (size - 1 >= mp->max_object) {
        error = EINVAL;
    } else if (size <= mp->room) {
        error = 0;
        chunk = heap_take(&mp->heap, granules);
        if (chunk.block == NULL) {
            error = pool_grow(mp, size, granules, &taken, &chunk);
        }
    }
    if (error == 0) {
        chunk.block->slack[chunk.granule] =
            (unsigned char)(-size % BLOCK_GRANULE);
        mp->room -= size;
        object = block_address(chunk.block, chunk.granule);
    }
    lock_leave(&mp->lock, taken);
    if (error != 0) {
        errno = error;
    }
    return object;
}

void *pool_allocate_locked(struct memory_pool *mp, size_t size)
{
    lock_take(&mp->lock);
    void *object = pool_cut(mp, size);
    if (object == NULL) {
        return pool_allocate_slowly(mp, size, true);
    }
    lock_drop(&mp->lock);
    return object;
}

static bool pool_is_live(struct heap_chunk chunk)
{
    return chunk.block != NULL &&
           block_starts_live(chunk.block->map[chunk.granule]);
}

MP_SLOW bool pool_free_slowly(struct memory_pool *mp, const void *ptr,
                              bool taken)
{
    struct block *empty = NULL;
    struct heap_chunk chunk = heap_find(&mp->heap, ptr);
    bool live = pool_is_live(chunk);

    if (live) {
        mp->room += block_length(chunk.block, chunk.granule) * BLOCK_GRANULE -
                    chunk.block->slack[chunk.granule];
        empty = heap_give(&mp->heap, chunk);
    }
    lock_leave(&mp->lock, taken);
    free(empty);
    return live;
}

bool pool_free_locked(struct memory_pool *mp, const void *ptr)
{
    lock_take(&mp->lock);
    if (!pool_uncut(mp, ptr)) {
        return pool_free_slowly(mp, ptr, true);
    }
    lock_drop(&mp->lock);
    return true;
}

void pool_reset(struct memory_pool *mp)
{
    bool taken = lock_enter(&mp->lock);
    struct block *dropped = heap_reset(&mp->heap);

    mp->room = mp->capacity;
    lock_leave(&mp->lock, taken);
    pool_release(dropped);
}

bool pool_has(struct memory_pool *mp, const void *ptr)
{
    bool taken = lock_enter(&mp->lock);
    bool live = pool_is_live(heap_find(&mp->heap, ptr));

    lock_leave(&mp->lock, taken);
    return live;
}
