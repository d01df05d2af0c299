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
#include <stdlib.h>

#include "lock.h"

/* Granules of a further block at least: 1 KiB. */
#define POOL_BLOCK_LEAST 64u

static pthread_mutex_t pool_list_lock = PTHREAD_MUTEX_INITIALIZER;
static struct memory_pool *pool_list; /* pool_list_lock */
static bool pool_fork_ready;          /* pool_list_lock */

static void pool_fork_prepare(void)
{
    pthread_mutex_lock(&pool_list_lock);
    for (struct memory_pool *mp = pool_list; mp != NULL; mp = mp->next) {
        pthread_mutex_lock(&mp->lock);
    }
}

static void pool_fork_done(void)
{
    for (struct memory_pool *mp = pool_list; mp != NULL; mp = mp->next) {
        pthread_mutex_unlock(&mp->lock);
    }
    pthread_mutex_unlock(&pool_list_lock);
}

/* Makes the pool known to the fork handlers; 0 or an error number. */
static int pool_enlist(struct memory_pool *mp)
{
    bool taken = lock_enter(&pool_list_lock);
    int error = 0;

    if (!pool_fork_ready) {
        error = pthread_atfork(pool_fork_prepare, pool_fork_done,
                               pool_fork_done);
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
    return head + BLOCK_GRANULE - 1 + granules * (BLOCK_GRANULE + 2) + 1;
}

static void pool_lay_block(struct block *block, unsigned char *memory,
                           uint32_t granules)
{
    size_t shift = (size_t)(-(uintptr_t)memory % BLOCK_GRANULE);

    block->base = memory + shift;
    block->map = block->base + granules * BLOCK_GRANULE;
    block->slack = block->map + granules + 1;
    block->granules = granules;
    block->top = 0;
    memset(block->map, 0, (size_t)granules + 1);
}

struct memory_pool *pool_create(size_t capacity, const char **step)
{
    uint32_t granules = (uint32_t)block_granules(capacity);
    struct memory_pool *mp =
        malloc(pool_layout(sizeof *mp, granules));
    int error;

    if (mp == NULL) {
        *step = "init_memory_pool: malloc";
        return NULL;
    }
    error = pthread_mutex_init(&mp->lock, NULL);
    if (error != 0) {
        *step = "init_memory_pool: pthread_mutex_init";
        goto no_mutex;
    }
    pool_lay_block(&mp->first, (unsigned char *)(mp + 1), granules);
    mp->first.bytes = 0;
    heap_start(&mp->heap, &mp->first);
    mp->live = 0;
    mp->capacity = capacity;
    mp->max_object = capacity;
    error = pool_enlist(mp);
    if (error != 0) {
        *step = "init_memory_pool: pthread_atfork";
        goto no_list;
    }
    return mp;

no_list:
    pthread_mutex_destroy(&mp->lock);
no_mutex:
    free(mp);
    errno = error;
    return NULL;
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
    pthread_mutex_destroy(&mp->lock);
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

/* A chunk from a block that is not there yet.  The lock, held on entry and
 * on return, is left meanwhile: *size* bytes may no longer fit after it. */
static enum pool_status pool_grow(struct memory_pool *mp, size_t size,
                                  uint32_t granules, bool *taken,
                                  struct heap_chunk *chunk)
{
    lock_leave(&mp->lock, *taken);
    struct block *block = pool_acquire(mp, granules);
    *taken = lock_enter(&mp->lock);
    if (block == NULL) {
        return POOL_NO_MEMORY;
    }
    if (size > mp->capacity - mp->live) {
        free(block);
        return POOL_FULL;
    }
    if (!heap_add(&mp->heap, block)) {
        free(block);
        return POOL_NO_MEMORY;
    }
    *chunk = heap_take(&mp->heap, granules);
    return POOL_DONE;
}

enum pool_status pool_allocate(struct memory_pool *mp, size_t size,
                               void **object)
{
    if (size - 1 >= mp->max_object) {
        return POOL_BAD_SIZE;
    }
    uint32_t granules = (uint32_t)block_granules(size);
    bool taken = lock_enter(&mp->lock);
    if (size > mp->capacity - mp->live) {
        lock_leave(&mp->lock, taken);
        return POOL_FULL;
    }
    struct heap_chunk chunk = heap_take(&mp->heap, granules);
    if (chunk.block == NULL) {
        enum pool_status status =
            pool_grow(mp, size, granules, &taken, &chunk);
        if (status != POOL_DONE) {
            lock_leave(&mp->lock, taken);
            return status;
        }
    }
    chunk.block->slack[chunk.granule] =
        (unsigned char)(granules * BLOCK_GRANULE - size);
    mp->live += size;
    *object = block_address(chunk.block, chunk.granule);
    lock_leave(&mp->lock, taken);
    return POOL_DONE;
}

static bool pool_is_live(struct heap_chunk chunk)
{
    return chunk.block != NULL &&
           block_starts_live(chunk.block->map[chunk.granule]);
}

enum pool_status pool_free(struct memory_pool *mp, const void *ptr)
{
    struct block *empty = NULL;
    enum pool_status status = POOL_NOT_LIVE;
    bool taken = lock_enter(&mp->lock);
    struct heap_chunk chunk = heap_find(&mp->heap, ptr);

    if (pool_is_live(chunk)) {
        mp->live -= block_length(chunk.block, chunk.granule) * BLOCK_GRANULE -
                    chunk.block->slack[chunk.granule];
        empty = heap_give(&mp->heap, chunk);
        status = POOL_DONE;
    }
    lock_leave(&mp->lock, taken);
    free(empty);
    return status;
}

void pool_reset(struct memory_pool *mp)
{
    bool taken = lock_enter(&mp->lock);
    struct block *dropped = heap_reset(&mp->heap);

    mp->live = 0;
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
