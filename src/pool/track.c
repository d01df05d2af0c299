/* SPDX-License-Identifier: MIT
 *
 * track.c - tracked pools: the mode for debugging.
 *
 * The picture shows the life of an object.  The library holds no lock while it
 * calls malloc() and free() or checks an object's memory; the pool's lock is
 * for the records alone.
 *
 *     fence_make -> charge, record into the tree -> live
 *     live -> out of the tree, uncharged -> checked -> memory given back
 *                                             |  or, in a pool that keeps it:
 *                                             v
 *        into the tree as freed, filled -> oldest out -> checked -> given back
 *
 * A record that is out of the tree belongs to the thread that took it out.
 *
 * Invariants, with the lock held:
 *
 *     track->count  == records in the tree that are not freed
 *     track->held   == bytes of memory of those that are freed
 *     quota_held()  == sum of the sizes of the live ones
 *
 * What it cannot do: say that an address was an object of the pool, once the
 * memory was given back.  malloc() may have returned it for something else.
 */
#include "pool/track_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/tool.h"
#include "pool/callers.h"
#include "pool/recall.h"
#include "pool/setting.h"

/* Bytes of freed memory that a pool keeps at least where something is to be
 * found in it: filled objects, and pages that cannot be touched. */
#define TRACK_LEAST_FILLED ((size_t)64 << 10)
#define TRACK_LEAST_GUARDED ((size_t)4 << 20)

struct track *track_make(const mp_options_t *options)
{
    struct track *track = calloc(1, sizeof *track);
    unsigned flags = options->flags;
    size_t quarantine;

    if (track == NULL) {
        return NULL;
    }
    track->flags = flags;
    track->room = SIZE_MAX;
    track->fail = setting_numbers(options->name, options->debug, &quarantine,
                                  &track->guard, &track->own);
    if ((flags & MP_PASSTHROUGH) != 0) {
        return track;
    }
    if ((flags & MP_QUARANTINE) != 0) {
        track->keeps = quarantine;
    }
    if ((flags & (MP_POISON | MP_CALLERS)) != 0 &&
        track->keeps < TRACK_LEAST_FILLED) {
        track->keeps = TRACK_LEAST_FILLED;
    }
    if ((flags & MP_GUARD) != 0 && track->keeps < TRACK_LEAST_GUARDED) {
        track->keeps = TRACK_LEAST_GUARDED;
    }
    return track;
}

void track_limit(struct track *track, size_t room)
{
    track->room = room;
}

void track_free(struct track *track)
{
    ASSERT(track->root == NULL && track->marks == NULL);
    while (track->slabs != NULL) {
        struct track_slab *slab = track->slabs;
        track->slabs = slab->next;
        for (size_t i = 0; i < TRACK_SLAB; i++) {
            free(slab->records[i].callers);
        }
        free(slab);
    }
    free(track);
}

/* Adds records to the spare ones; false: no memory.  The lock, held on entry
 * and on return, is left meanwhile. */
static bool track_refill(struct memory_pool *mp, bool *taken)
{
    ASSERT(pool_is_entered(mp));
    lock_leave(&mp->lock, *taken);
    struct track_slab *slab = calloc(1, sizeof *slab);
    *taken = pool_enter(mp);
    if (slab == NULL) {
        return false;
    }
    struct track *track = mp->track;
    slab->next = track->slabs;
    track->slabs = slab;
    for (size_t i = 0; i < TRACK_SLAB; i++) {
        slab->records[i].next = track->spare;
        track->spare = &slab->records[i];
    }
    return true;
}

/* The list that the user's objects belong to as of now. */
static struct list *track_list(struct track *track, const struct user *user)
{
    struct track_mark *mark =
        track_mark_search(track->marks, user->number, UINT64_MAX);

    return mark == NULL ? &track->live : &mark->live;
}

/* Charges for an object that takes the place of one of was bytes, 0: of
 * none. */
static enum result track_charge(struct memory_pool *mp, size_t was,
                                size_t size)
{
    struct track *track = mp->track;
    size_t used = track->used - track_granules(was);

    ASSERT(pool_is_entered(mp));
    if (size > was && !quota_charge(&mp->quota, size - was)) {
        return quota_refusal(&mp->quota);
    }
    if (track_granules(size) > track->room ||
        used > track->room - track_granules(size)) {
        if (size > was) {
            quota_undo(&mp->quota, size - was);
        }
        return RESULT_NO_MEMORY;
    }
    if (size < was) {
        quota_uncharge(&mp->quota, was - size);
    }
    track->used = used + track_granules(size);
    return RESULT_OK;
}

/* The same for a new object, once what other pools of the tree lend to caches
 * was taken back.  The lock may be left meanwhile. */
static enum result track_charge_new(struct memory_pool *mp, size_t size,
                                    bool *taken)
{
    enum result result = track_charge(mp, 0, size);

    while (result == RESULT_FULL && recall_for(mp, size, taken)) {
        result = track_charge(mp, 0, size);
    }
    return result;
}

/* Makes an object live.  The lock is held. */
static void track_add(struct memory_pool *mp, struct list *list,
                      struct record *record)
{
    struct track *track = mp->track;

    ASSERT(pool_is_entered(mp));
    record->serial = ++track->serial;
    record->freed = false;
    record_insert(&track->root, record);
    outside_add(&record->plot, record_object(record), record->size, mp);
    list_push(list, &record->link);
    track->count++;
}

/* A record with memory for an object, in no tree; NULL: no memory.  No lock
 * held. */
static struct record *track_prepare(struct memory_pool *mp, size_t size,
                                    size_t alignment)
{
    MP_FRAME();
    struct track *track = mp->track;
    struct fence fence;

    ASSERT(lock_none_is_held());
    bool taken = pool_enter(mp);
    bool guarded = (track->flags & MP_GUARD) != 0 &&
                   (track->serial + 1) % track->guard == 0;
    struct record *record = NULL;
    if (track->spare != NULL || track_refill(mp, &taken)) {
        record = track->spare;
    }
    if (record != NULL) {
        track->spare = record->next;
    }
    lock_leave(&mp->lock, taken);
    if (record == NULL) {
        return NULL;
    }
    /* Beyond that malloc() would have to refuse it, and some checkers end a
     * program that asks. */
    void *object = size > PTRDIFF_MAX - 4 * alignment
                       ? NULL
                       : fence_make(&fence, track->flags, guarded, size,
                                    alignment, mp);
    if ((track->flags & MP_CALLERS) != 0 && record->callers == NULL) {
        record->callers = calloc(1, sizeof *record->callers);
    }
    if (object != NULL) {
        record->plot.hidden = ~(uintptr_t)object;
        record->size = size;
        record->fence = fence;
        if (record->callers != NULL) {
            callers_note(record->callers->allocated);
        }
        return record;
    }
    taken = pool_enter(mp);
    track_spare(track, record, record);
    lock_leave(&mp->lock, taken);
    return NULL;
}

/* What a request for which there is no memory is refused for: it is "full" only
 * where it would not fit either once what the tree lends was taken back. */
static enum result track_refusal(struct memory_pool *mp, size_t was,
                                 size_t size)
{
    size_t more = size > was ? size - was : 0;
    bool taken = pool_enter(mp);
    bool fits;

    do {
        fits = quota_charge(&mp->quota, more);
    } while (!fits && recall_for(mp, more, &taken));
    if (fits) {
        quota_undo(&mp->quota, more);
    }
    enum result result = fits ? RESULT_NO_MEMORY : quota_refusal(&mp->quota);
    lock_leave(&mp->lock, taken);
    return result;
}

enum result track_align(struct memory_pool *mp, const struct user *user,
                        size_t alignment, size_t size, void **object)
{
    MP_FRAME();
    ASSERT(lock_none_is_held());
    if (setting_fails(mp->track->fail)) {
        return RESULT_NO_MEMORY;
    }
    struct record *record = track_prepare(mp, size, alignment);
    if (record == NULL) {
        return track_refusal(mp, 0, size);
    }
    bool taken = pool_enter(mp);
    enum result result = track_charge_new(mp, size, &taken);
    if (result == RESULT_OK) {
        track_add(mp, track_list(mp->track, user), record);
        *object = record_object(record);
    }
    lock_leave(&mp->lock, taken);
    if (result != RESULT_OK) {
        record->next = NULL;
        track_give(mp, record);
    }
    return result;
}

static enum result track_allocate(struct memory_pool *mp,
                                  const struct user *user, size_t size,
                                  void **object)
{
    MP_FRAME();
    return track_align(mp, user, SIZES_GRANULE, size, object);
}

/* Nothing is looked at, noted or kept as the object ends, as under checkers. */
static bool track_is_plain(const struct memory_pool *mp,
                           const struct record *record)
{
    return mp->track->keeps == 0 && !record->fence.zoned &&
           record->fence.tag == NULL && record->callers == NULL &&
           (mp->settings.flags & MP_ZERO_ON_FREE) == 0;
}

/* A checker makes each instruction cost as much as twenty.  So the record of
 * such an object is spare at once, in the hold that takes it out. */
static enum result track_release(struct memory_pool *mp,
                                 const struct user *user, const void *ptr)
{
    MP_FRAME();
    struct fence fence;
    bool plain = false;

    (void)user;
    ASSERT(lock_none_is_held());
    bool taken = pool_enter(mp);
    struct record *record = track_find(mp, ptr);

    if (record != NULL) {
        plain = track_is_plain(mp, record);
        track_remove(mp, record);
        quota_uncharge(&mp->quota, record->size);
        mp->track->used -= track_granules(record->size);
        mp->counters.freed++;
        if (plain) {
            fence = record->fence;
            track_spare(mp->track, record, record);
        }
    }
    lock_leave(&mp->lock, taken);
    if (record == NULL) {
        return RESULT_NOT_LIVE;
    }
    if (plain) {
        fence_drop(&fence);
    } else {
        track_end(mp, record, RECORD_FREED);
    }
    return RESULT_OK;
}

MP_INNER_OBJECT const struct pool_mode track_mode = {
    .caches = false,
    .counts = true,
    .stock_limit = 0,
    .allocate = track_allocate,
    .free = track_release,
};

/* The object always moves, so that a use of the old address is found.  It
 * leaves its mark only when it grows, as other objects do. */
enum result track_resize(struct memory_pool *mp, const struct user *user,
                         void *ptr, size_t size, void **object)
{
    MP_FRAME();
    ASSERT(lock_none_is_held());
    size_t was = track_size(mp, ptr);
    if (was == 0) {
        return RESULT_NOT_LIVE;
    }
    if (setting_fails(mp->track->fail)) {
        return RESULT_NO_MEMORY;
    }
    struct record *record = track_prepare(mp, size, SIZES_GRANULE);
    if (record == NULL) {
        return track_refusal(mp, was, size);
    }
    bool taken = pool_enter(mp);
    struct record *old;
    enum result result;
    do {
        /* Misuse alone could have freed it since. */
        old = track_find(mp, ptr);
        result = old == NULL || old->size != was
                     ? RESULT_NOT_LIVE
                     : track_charge(mp, was, size);
    } while (result == RESULT_FULL && recall_for(mp, size - was, &taken));
    if (result == RESULT_OK) {
        struct list *list = track_list(mp->track, user);
        memcpy(record_object(record), ptr, was < size ? was : size);
        track_remove(mp, old);
        track_add(mp, list, record);
        mp->counters.freed++; /* as for any object that moves */
        *object = record_object(record);
    }
    lock_leave(&mp->lock, taken);
    if (result == RESULT_OK) {
        track_end(mp, old, RECORD_FREED);
    } else {
        record->next = NULL;
        track_give(mp, record);
    }
    return result;
}

/* The object stays in its memory: it can become shorter, and then at most as
 * long again as it was made. */
enum result track_expand(struct memory_pool *mp, void *ptr, size_t size)
{
    ASSERT(lock_none_is_held() && size > 0);
    bool taken = pool_enter(mp);
    struct track *track = mp->track;
    struct record *record;
    enum result result;
    size_t was = 0;

    do {
        record = track_find(mp, ptr);
        was = record == NULL ? 0 : record->size;
        result = record == NULL ? RESULT_NOT_LIVE
                                : track_charge(mp, was, size);
    } while (result == RESULT_FULL && recall_for(mp, size - was, &taken));
    if (result == RESULT_OK) {
        if (size < was && (mp->settings.flags & MP_ZERO_ON_FREE) != 0) {
            memset((unsigned char *)ptr + size, 0, was - size);
        }
        if (fence_fit(&record->fence, was, size)) {
            record->size = size;
            outside_resize(&record->plot, size);
        } else {
            /* Only a longer object does not fit. */
            ASSERT(size > was);
            quota_undo(&mp->quota, size - was);
            track->used -= track_granules(size) - track_granules(was);
            result = RESULT_NO_MEMORY;
        }
    }
    lock_leave(&mp->lock, taken);
    return result;
}

size_t track_size(struct memory_pool *mp, const void *ptr)
{
    bool taken = pool_enter(mp);
    const struct record *record = track_find(mp, ptr);
    size_t size = record == NULL ? 0 : record->size;

    lock_leave(&mp->lock, taken);
    return size;
}
