/* SPDX-License-Identifier: MIT
 *
 * alloc.c - the slow path of allocating and freeing, and the modes.
 *
 * Capacity is a promise about the bytes that callers ask for.  So a mode that
 * counts keeps an object's size to the byte: its chunk's length in granules
 * stands in the block's map, and how many bytes of the last granule were not
 * asked for in the slack byte beside it.  What alignment and fragmentation
 * cost is paid with further blocks, not with capacity.  Caches in such a mode
 * charge beforehand, see pool/recall.h.
 *
 * The order is the same everywhere: charge, take, gather, grow.  What the last
 * two bring is not handed to the caller but put where taking finds it, and then
 * all starts again from the charge.  So nothing that was true before the lock
 * was left has to be true after it.  A block for one long object is the only
 * thing that is kept in hand over a charge.
 *
 *     charge -> take from the heap -----------------------> chunk
 *       ^            | none
 *       |            v
 *       +-- gather once what depot and cache hold
 *       +-- get a block from the stock, the source or the pool's own heap
 *
 * Invariants, with the lock held and no charge of the caller's under way:
 *
 *     quota_held(quota) == sum of the sizes of live objects, in a mode that
 *                          counts, else 0
 *     heap->held        == the same sum over the heap of one mark
 *
 * What it cannot do: tell an object that was freed and handed out again from
 * its first life; the address is the same.
 */
#include "pool/alloc.h"

#include "cache/credit.h"
#include "cache/pause.h"
#include "pool/mark.h"
#include "pool/recall.h"
#include "pool/report.h"

/* Granules of a heap, 64 KiB, below which it grows before it takes back what
 * caches hold, and the part of it that they have to hold. */
#define ALLOC_GATHER_LEAST ((size_t)4096)
#define ALLOC_GATHER_PART 64

/* The part of all its blocks that a pool keeps empty while it has to grow. */
#define ALLOC_STOCK_PART 16

/* Bytes of empty blocks that a pool keeps.  One of the range costs a system
 * call as it goes and page faults as it comes, so a pool there keeps more.  A
 * backing may be expected to keep memory of its own. */
#define ALLOC_STOCK_CACHED ((size_t)16 << 20)
#define ALLOC_STOCK_LOCKED ((size_t)64 << 10)

/* The heap that the user allocates from as of now.  It is not kept over a
 * leaving of the lock: a reset drops marks of other threads, too. */
static struct heap *alloc_heap(struct memory_pool *mp, const struct user *user)
{
    struct mark *mark = mark_newest(mp, user);

    return mark == NULL ? &mp->heap : &mark->heap;
}

/* Before the heap grows: puts what caches and depot hold back into it, if that
 * is a good part of it.  True: it did.  To look costs a pass over the map; so
 * where it was in vain, the heap has to change by such a part first. */
static bool alloc_gather(struct memory_pool *mp)
{
    ASSERT(pool_is_entered(mp));
    ASSERT(mp->mode->caches);
    struct heap *heap = &mp->heap;
    size_t least = heap->size / ALLOC_GATHER_PART;
    size_t changed = heap->size > mp->gather_size
                         ? heap->size - mp->gather_size
                         : mp->gather_size - heap->size;

    /* A first block or two are cheaper than a search. */
    if (heap->size < ALLOC_GATHER_LEAST || changed < least ||
        !cache_set_has_freed(&mp->caches)) {
        return false;
    }
    pause_begin(&mp->caches);
    bool worth = cache_count(&mp->caches) >= least;
    if (worth) {
        cache_sweep(&mp->caches);
    }
    pause_end(&mp->caches);
    mp->gather_size = worth ? 0 : heap->size;
    return worth;
}

void alloc_note_peak(struct memory_pool *mp)
{
    ASSERT(pool_is_entered(mp));
    ASSERT(!mp->mode->counts);
    /* Runs count in full: what a cache has cut of its run, only that cache
     * knows.  So the peak is never too low. */
    if (mp->blocks.taken > mp->counters.peak) {
        mp->counters.peak = mp->blocks.taken;
    }
}

/* A new block from the source; NULL: it has none.  Leaves the lock meanwhile,
 * since a backing may be the program's own function. */
static struct block *alloc_acquire(struct memory_pool *mp, size_t granules,
                                   bool whole, bool *taken)
{
    ASSERT(pool_is_entered(mp));
    size_t bytes = blocks_plan(&mp->blocks, whole);
    /* Empty blocks that do not serve now are of less use than the new one. */
    struct block *excess = blocks_excess(
        &mp->blocks, mp->blocks.bytes / ALLOC_STOCK_PART);

    lock_leave(&mp->lock, *taken);
    blocks_release(&mp->blocks, excess);
    struct block *block = blocks_acquire(&mp->blocks, granules, bytes);
    *taken = pool_enter(mp);
    ASSERT(block == NULL || block->granules >= granules);
    blocks_count(&mp->blocks, block);
    return block;
}

/* A block for a mark's heap, cut out of the pool's own heap, where the source
 * has no more, as a buffer has not; NULL: no chunk there is long enough. */
static struct block *alloc_lend(struct memory_pool *mp, size_t granules)
{
    ASSERT(pool_is_entered(mp));
    ASSERT(mp->marks.open != NULL);
    ASSERT(granules > 0);
    size_t fit = blocks_fit(sizeof(struct block), BLOCKS_LEAST);
    size_t need = granules;
    struct block *block = NULL;

    /* The block has a map of its own, as all blocks outside of the range. */
    granules = granules > fit ? granules : fit;
    while ((block = heap_lend(&mp->heap, blocks_layout(sizeof *block,
                                                       granules))) == NULL &&
           granules > need) {
        granules = granules / 2 > need ? granules / 2 : need;
    }
    if (block != NULL) {
        blocks_lay(block, (unsigned char *)(block + 1), granules,
                   mp->blocks.counted);
        block->lent = true;
        block->lender = &mp->heap;
    }
    return block;
}

/* Says whether caches may take what is freed in the block.  They do not where
 * it is a mark's, since they would hand it out again beyond the rewind. */
static void alloc_name(struct memory_pool *mp, struct block *block,
                       const struct heap *heap)
{
    ASSERT(pool_is_entered(mp));
    if (range_has(block)) {
        ASSERT(!block->lent && block->bytes > 0);
        range_rename(block, block->bytes, mp, heap != &mp->heap);
    }
}

/* Puts an empty block into a heap. */
static void alloc_add(struct memory_pool *mp, struct heap *heap,
                      struct block *block, size_t granules)
{
    ASSERT(pool_is_entered(mp));
    ASSERT(sync_get(&block->map[0]) == BLOCK_NONE);
    if (!range_has(block)) {
        /* A cache would cut its run from it, and reads maps in the range. */
        attach_retire(&mp->caches);
    }
    alloc_name(mp, block, heap);
    heap_add(heap, block, granules);
}

/* Puts a block that the source gave, or one lent if that is NULL, into the
 * user's heap as of now: marks may have come and gone since it was wanted. */
static enum result alloc_add_got(struct memory_pool *mp,
                                 const struct user *user, size_t granules,
                                 struct block *block)
{
    struct heap *heap = alloc_heap(mp, user);

    if (block == NULL && heap != &mp->heap) {
        block = alloc_lend(mp, granules);
    }
    if (block == NULL) {
        /* What the heap has free elsewhere may still serve. */
        return heap_mix(heap) ? RESULT_OK : RESULT_NO_MEMORY;
    }
    alloc_add(mp, heap, block, granules);
    return RESULT_OK;
}

/* Gets the user's heap a block in which a chunk of that length fits.  The lock
 * may be left meanwhile. */
static enum result alloc_grow(struct memory_pool *mp, const struct user *user,
                              size_t granules, bool *taken)
{
    ASSERT(pool_is_entered(mp));
    ASSERT(granules <= BLOCKS_WHOLE);
    struct block *block = blocks_take(&mp->blocks, granules);

    if (block == NULL) {
        block = alloc_acquire(mp, granules, false, taken);
    }
    return alloc_add_got(mp, user, granules, block);
}

bool alloc_charge(struct memory_pool *mp, size_t bytes, bool *taken)
{
    ASSERT(pool_is_entered(mp));
    while (!quota_charge(&mp->quota, bytes)) {
        if (!recall_for(mp, bytes, taken)) {
            return false;
        }
    }
    return true;
}

/* Gets a block that is one long chunk, and charges for it.  The block came
 * while the lock was left, so the charge may be refused now: then the block
 * goes to the stock, where the next request finds it.  chunk->block NULL and
 * RESULT_OK: the user's heap got a block that was lent, and nothing is
 * charged. */
static enum result alloc_grow_whole(struct memory_pool *mp,
                                    const struct user *user, size_t charge,
                                    size_t granules, bool *taken,
                                    struct heap_chunk *chunk)
{
    ASSERT(granules > BLOCKS_WHOLE && chunk->block == NULL);
    ASSERT(pool_is_entered(mp));
    struct block *block = blocks_take_whole(&mp->blocks, granules);

    if (block == NULL) {
        block = alloc_acquire(mp, granules, true, taken);
    }
    if (block == NULL) {
        return alloc_add_got(mp, user, granules, NULL);
    }
    if (!alloc_charge(mp, charge, taken)) {
        blocks_push(&mp->blocks, block);
        return quota_refusal(&mp->quota);
    }
    struct heap *heap = alloc_heap(mp, user);
    /* Outside of the range, too, caches go on: no run is cut from a block
     * that has nothing free.  object.c retires them before it frees a part. */
    alloc_name(mp, block, heap);
    heap_add_whole(heap, block, granules, chunk);
    return RESULT_OK;
}

/* Charges, and takes a chunk of the user's heap.  chunk->block NULL and
 * RESULT_OK: the heap has none, and nothing is charged. */
static enum result alloc_take(struct memory_pool *mp, const struct user *user,
                              size_t charge, size_t granules, bool *taken,
                              struct heap_chunk *chunk)
{
    ASSERT(pool_is_entered(mp) && chunk->block == NULL);
    if (!alloc_charge(mp, charge, taken)) {
        return quota_refusal(&mp->quota);
    }
    /* After the charge: what no capacity could hold is refused as "full". */
    if (granules > SIZES_GRANULES_MOST) {
        quota_undo(&mp->quota, charge);
        return RESULT_NO_MEMORY;
    }
    *chunk = heap_take(alloc_heap(mp, user), (uint32_t)granules);
    if (chunk->block == NULL) {
        quota_undo(&mp->quota, charge);
    }
    return RESULT_OK;
}

/* The loop ends: a turn that takes nothing gathers once, adds a block in which
 * the chunk fits, or fails.  It comes round again only where other threads
 * used up such a block first, and then they got on. */
enum result alloc_chunk(struct memory_pool *mp, const struct user *user,
                        size_t charge, size_t granules, bool *taken,
                        struct heap_chunk *chunk)
{
    ASSERT(pool_is_entered(mp));
    ASSERT(granules > 0);
    ASSERT(mp->mode->counts || charge == 0);
    bool gathered = !mp->mode->caches || granules > BLOCKS_WHOLE;
    enum result result = RESULT_OK;

    chunk->block = NULL;
    while (result == RESULT_OK) {
        result = alloc_take(mp, user, charge, granules, taken, chunk);
        if (result != RESULT_OK || chunk->block != NULL) {
            break;
        }
        if (!gathered && alloc_heap(mp, user) == &mp->heap) {
            gathered = true;
            (void)alloc_gather(mp); /* a long chunk may be whole now */
        } else if (granules <= BLOCKS_WHOLE) {
            result = alloc_grow(mp, user, granules, taken);
        } else {
            result = alloc_grow_whole(mp, user, charge, granules, taken,
                                      chunk);
            if (chunk->block != NULL) {
                break;
            }
        }
    }
    ASSERT((result == RESULT_OK) == (chunk->block != NULL));
    if (result == RESULT_OK && !mp->mode->counts) {
        alloc_note_peak(mp);
    }
    return result;
}

/* held matters in a mark's heap alone, but is kept in each: to ask whose heap
 * it is costs more than to add. */
void alloc_note_size(struct heap_chunk chunk, size_t was, size_t size)
{
    ASSERT(chunk.block != NULL);
    size_t bytes = block_length(chunk.block, chunk.granule) * SIZES_GRANULE;
    ASSERT(bytes >= size);
    block_put_slack(chunk.block, chunk.granule, bytes - size);
    chunk.block->heap->held += size - was; /* as unsigned numbers */
}

void alloc_drop_moved(struct memory_pool *mp, struct heap_chunk chunk,
                      size_t size)
{
    ASSERT(pool_is_entered(mp));
    ASSERT(chunk.block != NULL && pool_size_of(chunk) == size);
    if (mp->mode->counts) {
        struct heap *heap = chunk.block->heap;
        /* What the pool's own heap has there means nothing, since the short
         * way does not count it.  In a mark's it may fall below 0, while its
         * owner's cache has not told what it handed out. */
        heap->held -= size;
    }
    if ((mp->settings.flags & MP_ZERO_ON_FREE) != 0) {
        /* First, since the heap keeps its links in free chunks. */
        memset(block_address(chunk.block, chunk.granule), 0, size);
    }
    mp->counters.freed++;
    heap_give(chunk.block->heap, chunk);
}

/* The charge goes after the chunk.  In the other order a request of another
 * pool of the tree could pass its quota while these bytes are still in use. */
void alloc_drop(struct memory_pool *mp, struct heap_chunk chunk, size_t size)
{
    alloc_drop_moved(mp, chunk, size);
    if (mp->mode->counts) {
        quota_uncharge(&mp->quota, size);
    }
}

/* An object from the heap.  The lock is held, and left here. */
static enum result alloc_from_heap(struct memory_pool *mp,
                                   const struct user *user, size_t size,
                                   bool taken, void **object)
{
    ASSERT(pool_is_entered(mp));
    bool counts = mp->mode->counts;
    size_t granules = sizes_granules(size);
    struct heap_chunk chunk;

    /* What caches take is cut so that it serves the next request of its size,
     * too. */
    if (mp->mode->caches) {
        granules = sizes_middle_round(granules);
    }
    enum result result =
        alloc_chunk(mp, user, counts ? size : 0, granules, &taken, &chunk);

    if (result == RESULT_OK) {
        if (counts) {
            alloc_note_size(chunk, 0, size);
        }
        /* Before the lock is left: then a reset may take the block away. */
        *object = block_address(chunk.block, chunk.granule);
    }
    pool_leave(mp, taken);
    return result;
}

/* Frees an object into its heap.  The lock is held, and left here. */
static enum result alloc_into_heap(struct memory_pool *mp, const void *ptr,
                                   bool taken)
{
    struct heap_chunk chunk = pool_find_live(mp, ptr);
    bool live = chunk.block != NULL;

    if (live) {
        /* In the hold in which it was found: two threads that free the same
         * object cannot both find it live. */
        alloc_drop(mp, chunk, pool_size_of(chunk));
    }
    pool_leave(mp, taken);
    return live ? RESULT_OK : RESULT_NOT_LIVE;
}

/* The modes without caches. */
static enum result alloc_locked(struct memory_pool *mp,
                                const struct user *user, size_t size,
                                void **object)
{
    ASSERT(!mp->mode->caches);
    return alloc_from_heap(mp, user, size, pool_enter(mp), object);
}

static enum result alloc_locked_free(struct memory_pool *mp,
                                     const struct user *user, const void *ptr)
{
    (void)user;
    ASSERT(!mp->mode->caches);
    return alloc_into_heap(mp, ptr, pool_enter(mp));
}

/* A short object from a list or the run; NULL: neither has one. */
static void *alloc_inside(struct memory_pool *mp, struct cache *cache,
                          size_t size)
{
    ASSERT(pool_is_entered(mp));
    return mp->caches.counts ? credit_take(cache->state, cache, size)
                             : mp_inline_take(cache->state, &cache->fast,
                                              size);
}

/* True: the cache may be used, and has credit for the object where that is
 * needed.  The lock is held. */
static bool alloc_can_take(struct memory_pool *mp, struct cache *cache,
                           size_t size)
{
    struct cache_set *set = &mp->caches;

    ASSERT(pool_is_entered(mp));
    return !set->retired &&
           (!set->counts || (!set->suspended && size <= cache->credit) ||
            recall_lend(mp, cache, size));
}

/* A program wrote over a link of free chunks, and the list that it was in leads
 * nowhere.  The map knows which chunks are free: all of them go back to the
 * heap.  Reported when the lock is left. */
static void alloc_mend(struct memory_pool *mp)
{
    ASSERT(pool_is_entered(mp));
    pause_begin(&mp->caches);
    cache_sweep(&mp->caches);
    pause_end(&mp->caches);
    mp->caches.damaged = true;
}

/* What alloc_mend() noted, once; the lock is held. */
static bool alloc_was_damaged(struct memory_pool *mp)
{
    bool damaged = mp->caches.damaged;

    ASSERT(pool_is_entered(mp));
    mp->caches.damaged = false;
    return damaged;
}

/* A short object from the user's cache, which is filled first.  *object NULL
 * and RESULT_OK: the heap has to serve, since the caches were retired
 * meanwhile or there is no credit.  The lock is held, but may be left
 * meanwhile. */
static enum result alloc_from_cache(struct memory_pool *mp,
                                    const struct user *user,
                                    struct cache *cache, size_t size,
                                    bool *taken, void **object)
{
    ASSERT(pool_is_entered(mp));
    ASSERT(cache->set == &mp->caches);
    size_t granules = sizes_granules(size);
    ASSERT(granules > 0 && granules <= SIZES_SHORT);
    bool gathered = false;
    enum result result = RESULT_OK;

    *object = NULL;
    /* No need to be inside: only the lock's holder pauses caches. */
    while (result == RESULT_OK && alloc_can_take(mp, cache, size) &&
           (*object = alloc_inside(mp, cache, size)) == NULL) {
        if (cache_is_damaged(cache, &mp->caches, granules)) {
            alloc_mend(mp);
        }
        if (cache->fast.lists[granules - 1].chunks != NULL ||
            cache_fill(cache, &mp->caches, granules)) {
            continue;
        }
        /* What is gathered goes to the pool's own heap, which is of no use
         * to a user with a mark. */
        bool enough = !gathered && !cache_has_mark(cache, &mp->caches) &&
                      alloc_gather(mp);
        gathered = true;
        if (!enough) {
            result = alloc_grow(mp, user, granules, taken);
        }
    }
    if (*object != NULL && !mp->mode->counts) {
        alloc_note_peak(mp);
    }
    return result;
}

/* The mode with caches. */
static enum result alloc_cached(struct memory_pool *mp,
                                const struct user *user, size_t size,
                                void **object)
{
    struct cache *cache = NULL;
    enum result result = RESULT_OK;

    ASSERT(lock_none_is_held());
    ASSERT(mp->mode->caches);
    /* A thread that reads false too early asks again under the lock. */
    if (size <= SIZES_MIDDLE * SIZES_GRANULE &&
        !sync_get(&mp->caches.retired)) {
        cache = attach_cache(&mp->caches, user);
    } else {
        cache = recall_find_own(mp, user); /* for its credit alone */
    }
    bool taken = pool_enter(mp);
    *object = NULL;
    if (cache != NULL && cache->middle != NULL && cache->middle->damaged) {
        cache->middle->damaged = false;
        alloc_mend(mp);
    }
    if (cache != NULL && size <= SIZES_SHORT * SIZES_GRANULE &&
        !mp->caches.retired) {
        result = alloc_from_cache(mp, user, cache, size, &taken, object);
    }
    bool damaged = alloc_was_damaged(mp);
    if (result == RESULT_OK && *object == NULL) {
        if (cache != NULL && mp->caches.suspended && !mp->caches.retired) {
            /* A loan brings suspended caches back, for what is freed, too. */
            (void)recall_lend(mp, cache, size);
        }
        recall_own(mp, cache);
        result = alloc_from_heap(mp, user, size, taken, object);
    } else {
        pool_leave(mp, taken);
    }
    if (damaged) {
        report_words(mp, MP_EVENT_DAMAGE,
                     "a freed object was written to: its list was given up",
                     NULL);
    }
    return result;
}

/* Frees an object into the user's list, from which the excess goes to the
 * depot or the heap first; false: it is none of the chunks that lists take. */
static bool alloc_into_cache(struct memory_pool *mp, struct cache *cache,
                             const void *ptr)
{
    ASSERT(pool_is_entered(mp));
    ASSERT(cache->set == &mp->caches && !mp->caches.retired);
    struct heap_chunk chunk = pool_find_live(mp, ptr);
    size_t granules =
        chunk.block == NULL ? 0 : block_length(chunk.block, chunk.granule);

    /* What is a mark's stays out of lists, which outlive the mark. */
    if (granules == 0 || chunk.block->heap != &mp->heap) {
        return false;
    }
    if (cache->credit > CREDIT_MOST) {
        credit_collect(cache, &mp->caches);
        recall_settle(mp);
    }
    if (granules > SIZES_SHORT) {
        return cache_make_room(cache, &mp->caches, granules) &&
               (mp->caches.counts
                    ? credit_give(cache->state, cache, mp, ptr)
                    : cache_give_middle(cache->state, &cache->fast, mp, ptr));
    }
    /* The list has taken all frees that it was granted, which is the usual
     * reason to be here. */
    if (cache->fast.lists[granules - 1].room == 0) {
        cache_flush_excess(cache, &mp->caches, granules);
    }
    return mp->caches.counts
               ? credit_give(cache->state, cache, mp, ptr)
               : mp_inline_give(cache->state, &cache->fast, mp, ptr);
}

/* A free comes here for lists that are full, for long objects and those of
 * marks, and for foreign addresses.  The fast path has served the rest. */
static enum result alloc_cached_free(struct memory_pool *mp,
                                     const struct user *user, const void *ptr)
{
    struct cache *cache = NULL;

    ASSERT(lock_none_is_held());
    ASSERT(mp->mode->caches);
    /* A foreign address is no reason to make the thread a cache. */
    if (!sync_get(&mp->caches.retired) && range_owner(ptr) == mp) {
        cache = attach_cache(&mp->caches, user);
        if (cache != NULL) {
            cache_reach(cache);
        }
    }
    /* Here and not where they are needed: no lock is held yet.  Without memory
     * for them the chunk goes to the heap. */
    if (cache != NULL && cache->middle == NULL &&
        middle_is_live(cache->state, ptr)) {
        (void)cache_open_middle(cache);
    }
    if (cache != NULL) {
        cache_open_depot(&mp->caches);
    }
    bool taken = pool_enter(mp);
    if (cache != NULL && !mp->caches.retired && !mp->caches.suspended &&
        !cache_has_mark(cache, &mp->caches) &&
        alloc_into_cache(mp, cache, ptr)) {
        pool_leave(mp, taken);
        return RESULT_OK;
    }
    return alloc_into_heap(mp, ptr, taken);
}

static const struct pool_mode alloc_modes[] = {
    [ALLOC_CACHED] = {.locks = true,
                      .caches = true,
                      .counts = false,
                      .stock_limit = ALLOC_STOCK_CACHED,
                      .allocate = alloc_cached,
                      .free = alloc_cached_free},
    [ALLOC_COUNTED] = {.locks = true,
                       .caches = true,
                       .counts = true,
                       .stock_limit = ALLOC_STOCK_CACHED,
                       .allocate = alloc_cached,
                       .free = alloc_cached_free},
    [ALLOC_LOCKED] = {.locks = true,
                      .caches = false,
                      .counts = true,
                      .stock_limit = ALLOC_STOCK_LOCKED,
                      .allocate = alloc_locked,
                      .free = alloc_locked_free},
    [ALLOC_ALONE] = {.locks = false,
                     .caches = false,
                     .counts = true,
                     .stock_limit = ALLOC_STOCK_LOCKED,
                     .allocate = alloc_locked,
                     .free = alloc_locked_free},
};

/* Pools share the tables, which never change, so a mode is read without a
 * lock. */
const struct pool_mode *alloc_mode(enum alloc_mode mode)
{
    ASSERT((size_t)mode < sizeof alloc_modes / sizeof *alloc_modes);
    return &alloc_modes[mode];
}

/* Limits on sizes are the same in each mode.  Here they are checked before a
 * charge or a lock, so that a refusal changes nothing. */
enum result alloc_object(struct memory_pool *mp, const struct user *user,
                         size_t size, void **object)
{
    MP_FRAME();
    ASSERT(mp != NULL && user != NULL);
    ASSERT(lock_none_is_held());
    /* As unsigned numbers: a size of 0, too. */
    if (size - 1 >= mp->settings.max_object) {
        return RESULT_SIZE;
    }
    if (size > SIZE_MAX - SIZES_GRANULE) {
        return quota_refusal(&mp->quota);
    }
    return mp->mode->allocate(mp, user, size, object);
}

enum result alloc_free(struct memory_pool *mp, const struct user *user,
                       const void *ptr)
{
    MP_FRAME();
    ASSERT(mp != NULL && user != NULL);
    ASSERT(lock_none_is_held());
    return mp->mode->free(mp, user, ptr);
}
