/* SPDX-License-Identifier: MIT
 *
 * object.c - what can be done with objects besides allocating and freeing.
 *
 * An object grows where it stands if what lies behind it is free, else it
 * moves.  In a pool that counts only the growth is charged, so that an object
 * of more than half of the capacity can grow, though both copies exist for a
 * moment.  The bytes are copied under the lock there: a reset could give the
 * old ones back meanwhile.
 *
 *     quota:   |---- old ----|- growth -|        one charge more
 *     heap:    |---- old ----|   |-------- new --------|
 *
 * A stricter alignment than a granule's is cut out of a longer chunk, whose
 * ends go back to the heap.
 *
 * What it cannot do: keep a stricter alignment than the usual one for an
 * object that has to move.
 */
#include "pool/object.h"

#include "pool/mark.h"
#include "pool/recall.h"
#include "pool/track.h"

/* An object that moves as it grows gets room for this part of it besides. */
#define OBJECT_SPARE_PART 8

/* One that is aligned gets so many times as much, of which all but the first
 * stays free behind it.  It does not grow into what is behind its block, since
 * the block begins with granules that were skipped. */
#define OBJECT_SPARE_ALIGNED 4

/* A part of a live chunk is about to become free.  Where that is outside of
 * the range, caches of a pool in the range could cut runs from it, and would
 * look for their map in the range.  Until then such a block was one long chunk,
 * which did no harm. */
static void object_free_part(struct memory_pool *mp, struct heap_chunk chunk)
{
    ASSERT(pool_is_entered(mp));
    if (mp->blocks.ranged && !range_has_block(chunk.block)) {
        attach_retire(&mp->caches);
    }
}

/* Fits a live chunk to that many granules where it stands; false: what is
 * behind it is not free, and nothing changed. */
static bool object_fit(struct memory_pool *mp, struct heap_chunk chunk,
                       size_t granules)
{
    ASSERT(pool_is_entered(mp));
    ASSERT(granules > 0);
    size_t length = block_length(chunk.block, chunk.granule);

    if (granules > length) {
        /* No lock is left here: extending takes what is there, or fails. */
        return granules <= SIZES_GRANULES_MOST &&
               heap_extend(chunk.block->heap, chunk, (uint32_t)granules);
    }
    if (granules < length) {
        object_free_part(mp, chunk);
        heap_shrink(chunk.block->heap, chunk, (uint32_t)granules);
    }
    return true;
}

/* Number of the mark that a chunk belongs to; 0: none.  Numbers are never used
 * again, so it tells a later mark whose memory is the same. */
static uint64_t object_mark(const struct memory_pool *mp,
                            struct heap_chunk chunk)
{
    ASSERT(pool_is_entered(mp) && chunk.block != NULL);
    const struct mark *mark = mark_of(mp, chunk.block->heap);

    return mark == NULL ? 0 : mark->number;
}

/* Bytes that an object which has to move gets besides, so that it need not move
 * again with the next step: then what growing costs does not depend on how
 * long the object is.  A short object is cheap to copy. */
static size_t object_spare(const struct memory_pool *mp, size_t size)
{
    size_t least = mp->mode->counts ? BLOCKS_WHOLE : SIZES_SHORT;
    size_t spare = size / OBJECT_SPARE_PART;

    return size > least * SIZES_GRANULE && size <= SIZE_MAX / 2 &&
                   spare <= SIZE_MAX / 2 - size &&
                   size + spare <= sync_get(&mp->settings.max_object)
               ? spare
               : 0;
}

/* A chunk for an object that moves, of a pool that counts, with room to spare
 * if there is some: that is no part of the chunk, but of its block. */
static enum result object_chunk(struct memory_pool *mp,
                                const struct user *user, size_t charge,
                                size_t size, bool *taken,
                                struct heap_chunk *chunk)
{
    size_t granules = sizes_granules(size);
    size_t spare = sizes_granules(object_spare(mp, size));
    enum result result =
        alloc_chunk(mp, user, charge, granules + spare, taken, chunk);

    if (result == RESULT_OK && spare > 0) {
        heap_narrow(chunk->block->heap, *chunk, (uint32_t)granules);
    } else if (result == RESULT_NO_MEMORY && spare > 0) {
        result = alloc_chunk(mp, user, charge, granules, taken, chunk);
    }
    return result;
}

/* Moves an object of old bytes that grows to size, in a pool that counts.  The
 * lock, held on entry and on return, may be left meanwhile.  So the object is
 * sought again: a thread that resets the pool or frees the object takes it
 * away, which is the program's error. */
static enum result object_move(struct memory_pool *mp, const struct user *user,
                               struct heap_chunk from, size_t old,
                               size_t size, bool *taken, void **object)
{
    ASSERT(pool_is_entered(mp));
    ASSERT(mp->mode->counts && size > old);
    struct heap_chunk chunk;
    void *ptr = block_address(from.block, from.granule);
    uint64_t resets = mp->counters.resets;
    uint64_t mark = object_mark(mp, from);
    enum result result =
        object_chunk(mp, user, size - old, size, taken, &chunk);
    if (result != RESULT_OK) {
        return result;
    }
    from = pool_find_live(mp, ptr);
    if (resets != mp->counters.resets || from.block == NULL ||
        pool_size_of(from) != old || object_mark(mp, from) != mark) {
        /* As if nothing had been asked: no free is counted. */
        heap_give(chunk.block->heap, chunk);
        quota_undo(&mp->quota, size - old);
        return RESULT_NOT_LIVE;
    }
    alloc_note_size(chunk, 0, size);
    *object = block_address(chunk.block, chunk.granule);
    memcpy(*object, ptr, old);
    /* Its charge goes on for the new chunk, so in between no other thread
     * can be charged for these bytes. */
    alloc_drop_moved(mp, from, old);
    ASSERT(pool_size_of(chunk) == size);
    return RESULT_OK;
}

/* Fits a live object of old bytes, of a pool that counts, where it stands,
 * charge and all; RESULT_OK and false in *fits: it has to move, and nothing is
 * charged. */
static enum result object_fit_counted(struct memory_pool *mp,
                                      struct heap_chunk chunk, size_t old,
                                      size_t size, bool *fits)
{
    ASSERT(mp->mode->counts && old == pool_size_of(chunk));
    ASSERT(pool_is_entered(mp));
    size_t granules = sizes_granules(size);
    unsigned char *object = block_address(chunk.block, chunk.granule);

    *fits = true;
    if (size <= old) {
        if ((mp->settings.flags & MP_ZERO_ON_FREE) != 0) {
            /* First, since the heap keeps its links in free chunks. */
            memset(object + size, 0, old - size);
        }
        (void)object_fit(mp, chunk, granules); /* a shorter one always fits */
        quota_uncharge(&mp->quota, old - size);
    } else {
        /* First: a chunk that was extended for nothing would have cut what
         * was behind it out of its bin. */
        if (!quota_charge(&mp->quota, size - old)) {
            return RESULT_FULL;
        }
        *fits = object_fit(mp, chunk, granules);
        if (!*fits) {
            quota_undo(&mp->quota, size - old);
            return RESULT_OK;
        }
    }
    alloc_note_size(chunk, old, size);
    ASSERT(pool_size_of(chunk) == size);
    return RESULT_OK;
}

/* To find, to charge and to fit are one hold of the lock.  So the object that
 * is fitted is the one that was found. */
static enum result object_resize_counted(struct memory_pool *mp,
                                         const struct user *user, void *ptr,
                                         size_t size, void **object)
{
    ASSERT(mp->mode->counts && user != NULL);
    struct cache *own = recall_find_own(mp, user);
    bool taken = pool_enter(mp);
    struct heap_chunk chunk;
    enum result result;
    size_t old;
    bool fits;

    recall_own(mp, own);
    /* A recall of credit may leave the lock, and then all is sought again. */
    do {
        chunk = pool_find_live(mp, ptr);
        if (chunk.block == NULL) {
            lock_leave(&mp->lock, taken);
            return RESULT_NOT_LIVE;
        }
        old = pool_size_of(chunk);
        result = object_fit_counted(mp, chunk, old, size, &fits);
    } while (result == RESULT_FULL && recall_for(mp, size - old, &taken));
    if (result == RESULT_FULL) {
        result = quota_refusal(&mp->quota);
    } else if (!fits) {
        result = object_move(mp, user, chunk, old, size, &taken, object);
    } else if (result == RESULT_OK) {
        *object = ptr;
    }
    pool_leave(mp, taken);
    return result;
}

/* The same in a pool with caches, where an object that moves is allocated and
 * freed as others are: in the user's cache, if it is short. */
static enum result object_resize_cached(struct memory_pool *mp,
                                        const struct user *user, void *ptr,
                                        size_t size, void **object)
{
    ASSERT(!mp->mode->counts && user != NULL);
    bool taken = pool_enter(mp);
    struct heap_chunk chunk = pool_find_live(mp, ptr);

    if (chunk.block == NULL) {
        lock_leave(&mp->lock, taken);
        return RESULT_NOT_LIVE;
    }
    /* A pool that zeroes what is freed counts. */
    ASSERT((mp->settings.flags & MP_ZERO_ON_FREE) == 0);
    size_t old = pool_size_of(chunk);
    bool fits = object_fit(mp, chunk, sizes_granules(size));
    if (fits) {
        alloc_note_peak(mp); /* a chunk that was extended takes more */
    }
    pool_leave(mp, taken);
    if (fits) {
        *object = ptr;
        return RESULT_OK;
    }
    /* The old object stays live until it is copied, so nobody else gets its
     * chunk meanwhile. */
    enum result result =
        alloc_object(mp, user, size + object_spare(mp, size), object);
    if (result == RESULT_NO_MEMORY) {
        result = alloc_object(mp, user, size, object);
    }
    if (result == RESULT_OK) {
        ASSERT(*object != ptr);
        memcpy(*object, ptr, old < size ? old : size);
        (void)alloc_free(mp, user, ptr); /* misuse alone could free it first */
    }
    return result;
}

enum result object_resize(struct memory_pool *mp, const struct user *user,
                          void *ptr, size_t size, void **object)
{
    MP_FRAME();
    ASSERT(lock_none_is_held());
    if (!pool_is_whole(mp)) {
        return RESULT_DAMAGED;
    }
    /* As unsigned numbers: a size of 0, too. */
    if (size - 1 >= sync_get(&mp->settings.max_object)) {
        return RESULT_SIZE;
    }
    if (size > SIZE_MAX - SIZES_GRANULE) {
        return quota_refusal(&mp->quota);
    }
    if (pool_is_tracked(mp)) {
        return track_resize(mp, user, ptr, size, object);
    }
    return (mp->mode->counts ? object_resize_counted : object_resize_cached)(
        mp, user, ptr, size, object);
}

/* Cuts granules out of a longer live chunk so that they start aligned.  One
 * that is all of its block and starts there already keeps what is behind it if
 * it is to grow. */
static struct heap_chunk object_trim(struct memory_pool *mp,
                                     struct heap_chunk chunk,
                                     size_t alignment, uint32_t granules,
                                     bool grows)
{
    uintptr_t address = (uintptr_t)block_address(chunk.block, chunk.granule);
    uint32_t skipped = (uint32_t)(-address % alignment / SIZES_GRANULE);
    uint32_t length = block_length(chunk.block, chunk.granule);

    ASSERT(skipped + granules <= length);
    ASSERT(pool_is_entered(mp) && granules > 0);
    if (granules == length) {
        return chunk;
    }
    object_free_part(mp, chunk);
    if (skipped == 0 && grows) {
        heap_narrow(chunk.block->heap, chunk, granules);
        return chunk;
    }
    return heap_trim(chunk.block->heap, chunk, skipped, granules);
}

/* A new object of a pool that is not tracked.  Only size is charged: the
 * granules that are skipped are free again before the lock is left, so
 * alignment costs no capacity.  spare: bytes that it gets besides, if the pool
 * has them, as object_spare() says. */
static enum result object_cut(struct memory_pool *mp, const struct user *user,
                              size_t alignment, size_t size, size_t spare,
                              void **object)
{
    bool counts = mp->mode->counts;
    size_t granules = sizes_granules(size);
    bool aligned = alignment > SIZES_GRANULE;
    size_t more = sizes_granules(spare);
    size_t behind = more * (aligned ? OBJECT_SPARE_ALIGNED : 1);
    /* A chunk starts at a granule, so this many may have to be skipped. */
    size_t extra = aligned ? alignment / SIZES_GRANULE - 1 : 0;
    struct heap_chunk chunk;
    struct cache *own = recall_find_own(mp, user);
    bool taken = pool_enter(mp);

    recall_own(mp, own);
    enum result result = alloc_chunk(mp, user, counts ? size : 0,
                                     granules + extra + behind, &taken, &chunk);
    if (result == RESULT_NO_MEMORY && more > 0) {
        more = 0;
        result = alloc_chunk(mp, user, counts ? size : 0, granules + extra,
                             &taken, &chunk);
    }
    if (result == RESULT_OK) {
        size_t kept = counts ? granules : granules + more;
        chunk = object_trim(mp, chunk, alignment, (uint32_t)kept, more > 0);
        if (counts) {
            alloc_note_size(chunk, 0, size);
        }
        *object = block_address(chunk.block, chunk.granule);
        ASSERT((uintptr_t)*object % alignment == 0);
    }
    pool_leave(mp, taken);
    return result;
}

enum result object_align(struct memory_pool *mp, const struct user *user,
                         size_t alignment, size_t size, void **object)
{
    MP_FRAME();
    ASSERT(lock_none_is_held());
    ASSERT(alignment != 0 && (alignment & (alignment - 1)) == 0);
    ASSERT(alignment <= OBJECT_ALIGNMENT_MOST);
    if (alignment <= SIZES_GRANULE) {
        return alloc_object(mp, user, size, object);
    }
    if (size - 1 >= sync_get(&mp->settings.max_object)) {
        return RESULT_SIZE;
    }
    if (size > SIZE_MAX - alignment) {
        return quota_refusal(&mp->quota);
    }
    if (pool_is_tracked(mp)) {
        return track_align(mp, user, alignment, size, object);
    }
    return object_cut(mp, user, alignment, size, 0, object);
}

size_t object_size(struct memory_pool *mp, const void *ptr)
{
    ASSERT(lock_none_is_held());
    if (pool_is_tracked(mp)) {
        return track_size(mp, ptr);
    }
    bool taken = pool_enter(mp);
    struct heap_chunk chunk = pool_find_live(mp, ptr);
    size_t size = chunk.block == NULL ? 0 : pool_size_of(chunk);

    lock_leave(&mp->lock, taken);
    return size;
}

enum result object_expand(struct memory_pool *mp, void *ptr, size_t size)
{
    ASSERT(lock_none_is_held());
    if (size - 1 >= sync_get(&mp->settings.max_object)) {
        return RESULT_SIZE;
    }
    if (size > SIZE_MAX - SIZES_GRANULE) {
        return quota_refusal(&mp->quota);
    }
    if (pool_is_tracked(mp)) {
        return track_expand(mp, ptr, size);
    }
    bool taken = pool_enter(mp);
    enum result result = RESULT_OK;
    struct heap_chunk chunk;
    size_t old;
    bool fits;

    /* As in object_resize_counted(): all is sought again after a recall. */
    do {
        chunk = pool_find_live(mp, ptr);
        if (chunk.block == NULL) {
            lock_leave(&mp->lock, taken);
            return RESULT_NOT_LIVE;
        }
        old = pool_size_of(chunk);
        if (mp->mode->counts) {
            result = object_fit_counted(mp, chunk, old, size, &fits);
        } else {
            fits = object_fit(mp, chunk, sizes_granules(size));
            alloc_note_peak(mp);
        }
    } while (result == RESULT_FULL && recall_for(mp, size - old, &taken));
    pool_leave(mp, taken);
    if (result == RESULT_FULL) {
        return quota_refusal(&mp->quota);
    }
    return fits ? result : RESULT_NO_MEMORY;
}

/* The new object is there, and the old one is copied into it under the lock: a
 * reset could give the old one's block back meanwhile.  False: the old one is
 * gone, which is the program's error. */
static bool object_copy(struct memory_pool *mp, const void *from, size_t old,
                        void *to, size_t bytes)
{
    ASSERT(bytes <= old);
    if (pool_is_tracked(mp)) {
        bool live = track_size(mp, from) == old;
        if (live) {
            memcpy(to, from, bytes);
        }
        return live;
    }
    bool taken = pool_enter(mp);
    struct heap_chunk chunk = pool_find_live(mp, from);
    bool same = chunk.block != NULL && pool_size_of(chunk) == old;

    if (same) {
        memcpy(to, from, bytes);
    }
    lock_leave(&mp->lock, taken);
    return same;
}

enum result object_realign(struct memory_pool *mp, const struct user *user,
                           void *ptr, size_t alignment, size_t size,
                           void **object)
{
    ASSERT(lock_none_is_held() && alignment != 0);
    size_t old = object_size(mp, ptr);

    if (old == 0) {
        return size - 1 >= sync_get(&mp->settings.max_object) ? RESULT_SIZE
                                                   : RESULT_NOT_LIVE;
    }
    if ((uintptr_t)ptr % alignment == 0) {
        enum result result = object_expand(mp, ptr, size);
        *object = ptr;
        if (result != RESULT_NO_MEMORY) {
            return result;
        }
    }
    size_t spare = pool_is_tracked(mp) || size <= old
                       ? 0
                       : object_spare(mp, size);
    enum result result =
        spare > 0 ? object_cut(mp, user, alignment, size, spare, object)
                  : object_align(mp, user, alignment, size, object);
    if (result != RESULT_OK) {
        return result;
    }
    if (!object_copy(mp, ptr, old, *object, old < size ? old : size)) {
        (void)alloc_free(mp, user, *object);
        return RESULT_NOT_LIVE;
    }
    (void)alloc_free(mp, user, ptr); /* misuse alone could free it first */
    return RESULT_OK;
}

/* A pool that counts knows the size to the byte.  Another one knows the chunk,
 * of which an object has more than half: object_fit() makes sure of that. */
enum result object_compare(struct memory_pool *mp, const void *ptr,
                           size_t size, size_t *held)
{
    ASSERT(lock_none_is_held());
    *held = object_size(mp, ptr);

    if (*held == 0) {
        return RESULT_NOT_LIVE;
    }
    if (mp->mode->counts) {
        return size == *held ? RESULT_OK : RESULT_SIZE;
    }
    return size <= *held &&
                   sizes_granules(size) > *held / SIZES_GRANULE / 2
               ? RESULT_OK
               : RESULT_SIZE;
}
