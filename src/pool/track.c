/* SPDX-License-Identifier: MIT
 *
 * track.c - tracked pools: the mode for debugging.
 *
 * The picture shows the life of an object.  The library holds no lock while it
 * calls malloc() and free() or checks an object's memory; the pool's lock is
 * for the records alone.
 *
 *     memory -> charge, record into the table -> live
 *     live -> out of the table, uncharged -> checked -> memory given back
 *                                             |  or, in a pool that keeps it:
 *                                             v
 *       into the table as freed, filled -> oldest out -> checked -> given back
 *
 * A record that is out of the table belongs to the thread that took it out.
 *
 * A checker makes each instruction cost as much as twenty.  So under one, where
 * there is nothing to check, an object is born in one hold of the lock and ends
 * in one, and nothing is called meanwhile that need not be.
 *
 * Invariants, with the lock held:
 *
 *     track->count  == records in the table that are not freed
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

/* Flags that ask for a look at an object, or for something around it. */
#define TRACK_LOOKS                                                        \
    (MP_POISON | MP_REDZONE | MP_QUARANTINE | MP_GUARD | MP_CALLERS | MP_TAGS)

/* Atomic; tracked pools. */
static unsigned long track_pools;

bool track_has_pools(void)
{
    return sync_get(&track_pools) != 0;
}

struct track *track_make(const mp_options_t *options)
{
    struct track *track = calloc(1, sizeof *track);
    unsigned flags = options->flags;
    size_t quarantine;

    if (track == NULL) {
        return NULL;
    }
    sync_add(&track_pools, 1ul);
    (void)tool_allow_races(track, sizeof *track);
    track->room = SIZE_MAX;
    track->fail = setting_numbers(options->name, options->debug, &quarantine,
                                  &track->guard, &track->own);
    if ((flags & MP_PASSTHROUGH) != 0) {
        return track;
    }
    track->flags = flags & TRACK_LOOKS;
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

bool track_looks(const struct track *track)
{
    return track->flags != 0;
}

void track_free(struct track *track)
{
    ASSERT(track->table.count == 0 && track->marks == NULL);
    while (track->slabs != NULL) {
        struct track_slab *slab = track->slabs;
        track->slabs = slab->next;
        free(slab);
    }
    free(track->table.buckets);
    free(track);
    sync_add(&track_pools, (unsigned long)-1);
}

/* Adds records to the spare ones, and a bucket for each where there is memory
 * for that; false: no memory.  The lock, held on entry and on return, is left
 * meanwhile, so others may have taken all of them. */
static MP_SLOW bool track_refill(struct memory_pool *mp, bool *taken)
{
    ASSERT(pool_is_entered(mp));
    struct track *track = mp->track;
    size_t had = track->table.room;
    size_t room = had == 0 ? TRACK_BUCKETS : had * 2;
    struct record **buckets = NULL;
    bool added = false;

    if (track->made + TRACK_SLAB <= had) {
        room = had;
    }
    lock_leave(&mp->lock, *taken);
    struct track_slab *slab = calloc(1, sizeof *slab);
    if (room > had) {
        buckets = calloc(room, sizeof *buckets);
    }
    if (slab != NULL) {
        (void)tool_allow_races(slab, sizeof *slab);
    }
    if (buckets != NULL) {
        (void)tool_allow_races(buckets, room * sizeof *buckets);
    }
    tool_precede(&track->table);
    *taken = pool_enter(mp);
    /* Another thread may have been faster. */
    if (buckets != NULL && room > track->table.room) {
        buckets = record_widen(&track->table, buckets, room);
    }
    if (slab != NULL && track->table.room > 0) {
        slab->next = track->slabs;
        track->slabs = slab;
        track->made += TRACK_SLAB;
        for (size_t i = 0; i < TRACK_SLAB; i++) {
            slab->records[i].next = track->spare;
            track->spare = &slab->records[i];
        }
        slab = NULL;
        added = true;
    }
    if (buckets != NULL || slab != NULL) {
        lock_leave(&mp->lock, *taken);
        tool_follow(&track->table); /* others may have made them */
        free(buckets);
        free(slab);
        *taken = pool_enter(mp);
    }
    return added || track->spare != NULL;
}

/* A spare record; NULL: no memory.  The lock may be left meanwhile. */
static inline struct record *track_take_spare(struct memory_pool *mp,
                                              bool *taken)
{
    struct track *track = mp->track;

    while (track->spare == NULL) {
        if (!track_refill(mp, taken)) {
            return NULL;
        }
    }
    struct record *record = track->spare;
    track->spare = record->next;
    record->next = NULL;
    return record;
}

/* The list that the user's objects belong to as of now. */
static inline struct list *track_list(struct track *track,
                                      const struct user *user)
{
    if (track->marks == NULL) {
        return &track->live;
    }
    struct track_mark *mark =
        track_mark_search(track->marks, user->number, UINT64_MAX);

    return mark == NULL ? &track->live : &mark->live;
}

/* The short way of a charge, and back, serves: it is the pool's own, nobody is
 * to be told of it, and there is no room to be counted. */
static inline bool track_bumps(const struct memory_pool *mp)
{
    return quota_is_own(&mp->quota) && mp->near.fn == NULL &&
           mp->track->room == SIZE_MAX;
}

/* The limits allow so many bytes more.  Nothing is charged for the question: a
 * charge that is taken back is "full" to others meanwhile. */
static bool track_fits(struct memory_pool *mp, size_t bytes)
{
    enum quota_state state;

    ASSERT(pool_is_entered(mp));
    return quota_refuser(&mp->quota, bytes, &state) == NULL;
}

/* Charges for an object that takes the place of one of was bytes, 0: of
 * none. */
static enum result track_charge(struct memory_pool *mp, size_t was,
                                size_t size)
{
    struct track *track = mp->track;
    size_t used = track->used - track_granules(track, was);

    ASSERT(pool_is_entered(mp));
    if (track_granules(track, size) > track->room ||
        used > track->room - track_granules(track, size)) {
        return track_fits(mp, size > was ? size - was : 0)
                   ? RESULT_NO_MEMORY
                   : quota_refusal(&mp->quota);
    }
    if (size > was && !quota_charge(&mp->quota, size - was)) {
        return quota_refusal(&mp->quota);
    }
    if (size < was) {
        quota_uncharge(&mp->quota, was - size);
    }
    track->used = used + track_granules(track, size);
    return RESULT_OK;
}

/* The same for a new object, once what other pools of the tree lend to caches
 * was taken back.  The lock may be left meanwhile. */
static inline enum result track_charge_new(struct memory_pool *mp, size_t size,
                                           bool *taken)
{
    enum result result;

    if (track_bumps(mp) && quota_can_bump(&mp->quota, size)) {
        quota_bump(&mp->quota, size);
        return RESULT_OK;
    }
    do {
        result = track_charge(mp, 0, size);
    } while (result == RESULT_FULL && recall_for(mp, size, taken));
    return result;
}

/* The end of that charge. */
static inline void track_uncharge(struct memory_pool *mp, size_t size)
{
    if (track_bumps(mp)) {
        quota_unbump(&mp->quota, size);
    } else {
        quota_uncharge(&mp->quota, size);
        mp->track->used -= track_granules(mp->track, size);
    }
}

/* What becomes an object once there is a record of it. */
struct track_piece {
    void *object;
    size_t bytes; /* of all its memory */
    struct record_more *more;
};

/* Makes it live.  The lock is held. */
static inline void track_add(struct memory_pool *mp, struct list *list,
                             struct record *record, struct track_piece piece,
                             size_t size)
{
    struct track *track = mp->track;

    ASSERT(pool_is_entered(mp));
    record->hidden = ~(uintptr_t)piece.object;
    record->size = size;
    record->bytes = piece.bytes;
    record->more = piece.more;
    record->freed = false;
    record_insert(&track->table, record);
    list_push(list, &record->link);
    track->count++;
}

/* The same in a pool that looks at objects itself. */
static MP_SLOW struct track_piece track_make_fenced(struct memory_pool *mp,
                                                    size_t size,
                                                    size_t alignment)
{
    MP_FRAME();
    struct track *track = mp->track;
    bool calls = (track->flags & MP_CALLERS) != 0;
    bool guarded = (track->flags & MP_GUARD) != 0 &&
                   (sync_add(&track->requests, 1ul) + 1) % track->guard == 0;
    size_t callers = calls ? sizeof(struct record_callers) : 0;
    struct track_piece piece = {NULL, 0, NULL};
    struct record_more *more = calloc(1, sizeof *more + callers);

    if (more == NULL) {
        return piece;
    }
    piece.object =
        fence_make(&more->fence, track->flags, guarded, size, alignment, mp);
    if (piece.object == NULL) {
        free(more);
        return piece;
    }
    if (calls) {
        more->callers = (struct record_callers *)(void *)(more + 1);
        callers_note(more->callers->allocated);
    }
    piece.bytes = more->fence.bytes;
    piece.more = more;
    return piece;
}

/* Memory for an object; no object: there is none.  No lock held. */
static inline struct track_piece track_make_piece(struct memory_pool *mp,
                                                  size_t size,
                                                  size_t alignment)
{
    struct track_piece piece = {NULL, size, NULL};

    ASSERT(lock_none_is_held());
    /* Beyond that malloc() would have to refuse it, and some checkers end a
     * program that asks. */
    if (size > PTRDIFF_MAX - 4 * alignment) {
        return piece;
    }
    if (mp->track->flags != 0) {
        return track_make_fenced(mp, size, alignment);
    }
    tool_begin_alloc();
    piece.object = alignment <= _Alignof(max_align_t)
                       ? malloc(size)
                       : fence_allocate(size, alignment);
    tool_end_alloc();
    return piece;
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
        fits = track_fits(mp, more);
    } while (!fits && recall_for(mp, more, &taken));
    enum result result = fits ? RESULT_NO_MEMORY : quota_refusal(&mp->quota);
    lock_leave(&mp->lock, taken);
    return result;
}

/* A part of its callers, which keep frame pointers. */
static inline MP_INLINED enum result
track_new(struct memory_pool *mp, const struct user *user, size_t alignment,
          size_t size, void **object)
{
    ASSERT(lock_none_is_held());
    if (setting_fails(mp->track->fail)) {
        return RESULT_NO_MEMORY;
    }
    struct track_piece piece = track_make_piece(mp, size, alignment);
    if (piece.object == NULL) {
        return track_refusal(mp, 0, size);
    }
    bool taken = pool_enter(mp);
    struct record *record = track_take_spare(mp, &taken);
    enum result result = record == NULL ? RESULT_NO_MEMORY
                                        : track_charge_new(mp, size, &taken);
    if (MP_LIKELY(result == RESULT_OK)) {
        track_add(mp, track_list(mp->track, user), record, piece, size);
        *object = piece.object;
    } else if (record != NULL) {
        track_spare(mp->track, record, record);
    }
    lock_leave(&mp->lock, taken);
    if (MP_LIKELY(result == RESULT_OK)) {
        return result;
    }
    track_drop(piece.object, piece.more);
    return record == NULL ? track_refusal(mp, 0, size) : result;
}

enum result track_align(struct memory_pool *mp, const struct user *user,
                        size_t alignment, size_t size, void **object)
{
    MP_FRAME();
    return track_new(mp, user, alignment, size, object);
}

static enum result track_allocate(struct memory_pool *mp,
                                  const struct user *user, size_t size,
                                  void **object)
{
    MP_FRAME();
    return track_new(mp, user, SIZES_GRANULE, size, object);
}

/* Nothing is looked at, noted or kept as the object ends, as under checkers. */
static inline bool track_is_plain(const struct memory_pool *mp)
{
    return mp->track->flags == 0 &&
           (mp->settings.flags & MP_ZERO_ON_FREE) == 0;
}

/* The record of an object that is plain is spare at once, in the hold that
 * takes it out. */
static enum result track_release(struct memory_pool *mp,
                                 const struct user *user, const void *ptr)
{
    MP_FRAME();
    struct record *record = NULL;
    bool plain = track_is_plain(mp);

    (void)user;
    ASSERT(lock_none_is_held());
    bool taken = pool_enter(mp);
    struct record **link = track_find_link(mp, ptr);

    if (MP_LIKELY(link != NULL)) {
        record = track_remove(mp, link);
        track_uncharge(mp, record->size);
        mp->counters.freed++;
        if (plain) {
            track_spare(mp->track, record, record);
        }
    }
    lock_leave(&mp->lock, taken);
    if (record == NULL) {
        return RESULT_NOT_LIVE;
    }
    if (plain) {
        free((void *)(uintptr_t)ptr);
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

/* The object always moves, so that a use of the old address is found.  As any
 * object that moves it was allocated anew, and leaves its mark. */
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
    struct track_piece piece = track_make_piece(mp, size, SIZES_GRANULE);
    if (piece.object == NULL) {
        return track_refusal(mp, was, size);
    }
    bool taken = pool_enter(mp);
    struct record *record = track_take_spare(mp, &taken);
    struct record **old;
    struct record *moved = NULL;
    enum result result = RESULT_NO_MEMORY;
    while (record != NULL) {
        /* Misuse alone could have freed it since. */
        old = track_find_link(mp, ptr);
        result = old == NULL || (*old)->size != was
                     ? RESULT_NOT_LIVE
                     : track_charge(mp, was, size);
        if (result != RESULT_FULL || !recall_for(mp, size - was, &taken)) {
            break;
        }
    }
    if (result == RESULT_OK) {
        struct list *list = track_list(mp->track, user);
        memcpy(piece.object, ptr, was < size ? was : size);
        moved = track_remove(mp, old);
        track_add(mp, list, record, piece, size);
        mp->counters.freed++; /* as for any object that moves */
        *object = piece.object;
    } else if (record != NULL) {
        track_spare(mp->track, record, record);
    }
    lock_leave(&mp->lock, taken);
    if (result == RESULT_OK) {
        track_end(mp, moved, RECORD_FREED);
        return result;
    }
    track_drop(piece.object, piece.more);
    return record == NULL ? track_refusal(mp, was, size) : result;
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
        if (record->more == NULL ? size <= record->bytes
                                 : fence_fit(&record->more->fence, was, size)) {
            record->size = size;
        } else {
            /* Only a longer object does not fit. */
            ASSERT(size > was);
            quota_undo(&mp->quota, size - was);
            track->used -=
                track_granules(track, size) - track_granules(track, was);
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
