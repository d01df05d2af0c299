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
 * Each mark has a list of its records, and the pool has a list of the records
 * of no mark.  So the cost of a rewind depends on the number of objects.
 *
 * Invariants, with the lock held:
 *
 *     track->live   == records in the tree that are not freed
 *     track->held   == bytes of memory of those that are freed
 *     quota_held()  == sum of the sizes of the live ones
 *
 * What it cannot do: say that an address was an object of the pool, once the
 * memory was given back.  malloc() may have returned it for something else.
 */
#include "pool/track.h"

#include <stdlib.h>

#include "base/tool.h"
#include "pool/callers.h"
#include "pool/damage.h"
#include "pool/recall.h"
#include "pool/setting.h"
#include "pool/track_mark.h"

/* Records that are made at once. */
#define TRACK_SLAB 62

/* Bytes of freed memory that a pool keeps at least where something is to be
 * found in it: filled objects, and pages that cannot be touched. */
#define TRACK_LEAST_FILLED ((size_t)64 << 10)
#define TRACK_LEAST_GUARDED ((size_t)4 << 20)

struct track_slab {
    struct track_slab *next;
    struct record records[TRACK_SLAB];
};

/* The pool's lock, but what is fixed. */
struct track {
    unsigned flags;       /* fixed */
    size_t keeps;         /* fixed; bytes of freed memory that are kept */
    size_t room;          /* fixed; bytes of a buffer, in granules */
    uint64_t guard;       /* fixed; one in that many objects is guarded */
    size_t used;          /* bytes of the room that live objects take */
    struct record *root;
    struct list live;     /* struct record by link; of no mark */
    struct treap_node *marks; /* struct track_mark, those that are open */
    struct record *oldest; /* the quarantine, by next */
    struct record *newest;
    size_t held;
    size_t count;         /* live objects */
    bool telling;         /* mp_check() found damage and reports it */
    uint64_t serial;      /* objects made so far */
    struct record *spare;
    struct track_slab *slabs;
};

struct track *track_make(unsigned flags)
{
    const struct setting *setting = setting_get();
    struct track *track = calloc(1, sizeof *track);

    if (track == NULL) {
        return NULL;
    }
    track->flags = flags;
    track->room = SIZE_MAX;
    track->guard = setting->guard;
    if ((flags & MP_PASSTHROUGH) != 0) {
        return track;
    }
    if ((flags & MP_QUARANTINE) != 0) {
        track->keeps = setting->quarantine;
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

/* Bytes of a buffer that an object of that size takes. */
static size_t track_granules(size_t size)
{
    return sizes_granules(size) * SIZES_GRANULE;
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
    list_push(list, &record->link);
    track->count++;
}

/* The live object that starts there; NULL: none.  The lock is held. */
static struct record *track_find(const struct memory_pool *mp,
                                 const void *ptr)
{
    struct record *record = record_find(mp->track->root, (uintptr_t)ptr);

    return record != NULL && !record->freed && record_object(record) == ptr
               ? record
               : NULL;
}

/* Takes a live object out.  The lock is held. */
static void track_remove(struct memory_pool *mp, struct record *record)
{
    struct track *track = mp->track;

    ASSERT(pool_is_entered(mp) && !record->freed && track->count > 0);
    record_remove(&track->root, record);
    list_remove(&record->link);
    track->count--;
}

/* What a look at a record finds. */
static enum fence_damage track_look(const struct record *record,
                                    const void **at)
{
    return record->freed
               ? fence_check_closed(&record->fence, record->size, at)
               : fence_check(&record->fence, record->size, at);
}

/* Looks at a record that is out of the tree, and reports what is wrong. */
static void track_check(struct memory_pool *mp, const struct record *record)
{
    const void *at = NULL;
    enum fence_damage damage = track_look(record, &at);

    if (damage != FENCE_WHOLE) {
        damage_report(mp, record, damage, at);
    }
}

/* Records of a list, from the first to the last, are spare from now on.  The
 * lock is held. */
static void track_spare(struct track *track, struct record *first,
                        struct record *last)
{
    last->next = track->spare;
    track->spare = first;
}

/* Gives back the memory of a list of records that are out of the tree, and the
 * records.  They were checked before.  No lock held. */
static void track_give(struct memory_pool *mp, struct record *records)
{
    MP_FRAME();
    struct record *last = records;

    if (records == NULL) {
        return;
    }
    for (struct record *r = records; r != NULL; r = r->next) {
        fence_drop(&r->fence);
        last = r;
    }
    bool taken = pool_enter(mp);
    track_spare(mp->track, records, last);
    lock_leave(&mp->lock, taken);
}

/* Takes the oldest out of the quarantine until it holds at most so many bytes;
 * a list by next.  The lock is held. */
static struct record *track_expire(struct memory_pool *mp, size_t most)
{
    struct track *track = mp->track;
    struct record *first = track->oldest;
    struct record *last = NULL;

    ASSERT(pool_is_entered(mp));
    while (track->held > most) {
        last = track->oldest;
        ASSERT(last != NULL && last->freed);
        track->oldest = last->next;
        track->held -= last->fence.bytes;
        record_remove(&track->root, last);
    }
    if (last == NULL) {
        return NULL;
    }
    last->next = NULL;
    if (track->oldest == NULL) {
        track->newest = NULL;
    }
    return first;
}

/* Checks the same records and gives them back.  No lock held. */
static void track_expired(struct memory_pool *mp, struct record *records)
{
    MP_FRAME();
    for (struct record *r = records; r != NULL; r = r->next) {
        track_check(mp, r);
    }
    track_give(mp, records);
}

/* Keeps the memory of an object that was freed. */
static void track_keep(struct memory_pool *mp, struct record *record)
{
    MP_FRAME();
    struct track *track = mp->track;

    fence_close(&record->fence, record->size,
                (track->flags & MP_POISON) != 0);
    bool taken = pool_enter(mp);
    record->freed = true;
    record->next = NULL;
    record_insert(&track->root, record);
    if (track->newest != NULL) {
        track->newest->next = record;
    } else {
        track->oldest = record;
    }
    track->newest = record;
    track->held += record->fence.bytes;
    struct record *expired = track_expire(mp, track->keeps);
    lock_leave(&mp->lock, taken);
    track_expired(mp, expired);
}

/* The end of an object that is out of the tree; no lock held. */
static void track_end(struct memory_pool *mp, struct record *record,
                      enum record_end end)
{
    MP_FRAME();
    ASSERT(lock_none_is_held());
    track_check(mp, record);
    if ((mp->settings.flags & MP_ZERO_ON_FREE) != 0) {
        void *object = record_object(record);
        memset(object, 0, record->size);
        /* free() would make the compiler leave that out. */
        __asm__ volatile("" : : "r"(object) : "memory");
    }
    if (record->callers != NULL) {
        callers_note(record->callers->freed);
    }
    record->end = end;
    if (mp->track->keeps > 0) {
        track_keep(mp, record);
    } else {
        record->next = NULL;
        track_give(mp, record);
    }
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
        record->hidden = ~(uintptr_t)object;
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
    if (setting_fails()) {
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
    if (setting_fails()) {
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

bool track_callers(struct memory_pool *mp, const void *ptr,
                   struct record_callers *callers)
{
    bool taken = pool_enter(mp);
    const struct record *record = track_find(mp, ptr);
    bool noted = record != NULL && record->callers != NULL;

    if (noted) {
        *callers = *record->callers;
    }
    lock_leave(&mp->lock, taken);
    return noted;
}

enum result track_open_mark(struct memory_pool *mp, uint64_t owner,
                            uint64_t number)
{
    ASSERT(lock_none_is_held());
    struct track_mark *mark = calloc(1, sizeof *mark);

    if (mark == NULL) {
        return RESULT_NO_MEMORY;
    }
    mark->owner = owner;
    mark->number = number;
    list_push(&mark->live, &mark->end);
    bool taken = pool_enter(mp);
    track_mark_add(&mp->track->marks, mark);
    lock_leave(&mp->lock, taken);
    return RESULT_OK;
}

/* Takes the records of a list out of the tree, onto a list by next, the oldest
 * first.  end: what the list ends with; NULL: nothing.  Returns the bytes that
 * they were charged.  The lock is held. */
static size_t track_take_list(struct memory_pool *mp, struct list *list,
                              const struct list_link *end,
                              struct record **gone)
{
    struct track *track = mp->track;
    size_t held = 0;

    while (list->first != end) {
        struct record *record = LIST_ENTRY(list->first, struct record, link);
        track_remove(mp, record);
        held += record->size;
        track->used -= track_granules(record->size);
        record->next = *gone;
        *gone = record;
    }
    return held;
}

static void track_free_marks(struct track_mark *marks)
{
    while (marks != NULL) {
        struct track_mark *next = marks->next;
        free(marks);
        marks = next;
    }
}

/* Ends the objects of a list. */
static void track_end_list(struct memory_pool *mp, struct record *records,
                           enum record_end end)
{
    MP_FRAME();
    while (records != NULL) {
        struct record *next = records->next;
        track_end(mp, records, end);
        records = next;
    }
}

bool track_has_mark(struct memory_pool *mp, uint64_t owner, uint64_t number)
{
    ASSERT(lock_none_is_held());
    bool taken = pool_enter(mp);
    const struct track_mark *mark =
        track_mark_get(mp->track->marks, owner, number);

    lock_leave(&mp->lock, taken);
    return mark != NULL;
}

/* Moves the records of a mark that goes in front of another list, their order
 * kept: the first of that list takes the place of the mark's end. */
static void track_join(struct list *into, struct track_mark *mark)
{
    struct list_link **end = mark->end.from;

    ASSERT(*end == &mark->end && mark->end.next == NULL);
    if (end != &mark->live.first) {
        *end = into->first;
        if (into->first != NULL) {
            into->first->from = end;
        }
        into->first = mark->live.first;
        into->first->from = &into->first;
    }
}

/* Takes the marks of an owner off, from the newest to the last one; by next,
 * the last one first.  The lock is held. */
static struct track_mark *track_take_marks(struct track *track,
                                           const struct track_mark *last)
{
    struct track_mark *gone = NULL;
    struct track_mark *mark;

    while (gone != last &&
           (mark = track_mark_search(track->marks, last->owner,
                                     UINT64_MAX)) != NULL) {
        track_mark_remove(&track->marks, mark);
        mark->next = gone;
        gone = mark;
    }
    ASSERT(gone == last);
    return gone;
}

enum result track_commit(struct memory_pool *mp, uint64_t owner,
                         uint64_t number)
{
    ASSERT(lock_none_is_held());
    bool taken = pool_enter(mp);
    struct track *track = mp->track;
    const struct track_mark *last =
        track_mark_get(track->marks, owner, number);
    struct track_mark *gone = NULL;

    if (last != NULL) {
        struct track_mark *below =
            track_mark_search(track->marks, owner, number - 1);
        gone = track_take_marks(track, last);
        for (struct track_mark *mark = gone; mark != NULL; mark = mark->next) {
            track_join(below == NULL ? &track->live : &below->live, mark);
        }
    }
    lock_leave(&mp->lock, taken);
    track_free_marks(gone);
    return last != NULL ? RESULT_OK : RESULT_NO_MARK;
}

/* The owner's newer marks go with this one. */
enum result track_rewind(struct memory_pool *mp, uint64_t owner,
                         uint64_t number)
{
    MP_FRAME();
    ASSERT(lock_none_is_held());
    bool taken = pool_enter(mp);
    struct track *track = mp->track;
    const struct track_mark *last =
        track_mark_get(track->marks, owner, number);
    struct track_gone gone = {NULL, NULL};

    if (last != NULL) {
        size_t before = track->count;
        size_t held = 0;
        gone.marks = track_take_marks(track, last);
        for (struct track_mark *m = gone.marks; m != NULL; m = m->next) {
            held += track_take_list(mp, &m->live, &m->end, &gone.records);
        }
        mp->counters.freed += before - track->count;
        quota_uncharge(&mp->quota, held);
    }
    lock_leave(&mp->lock, taken);
    track_end_list(mp, gone.records, RECORD_REWOUND);
    track_free_marks(gone.marks);
    return last != NULL ? RESULT_OK : RESULT_NO_MARK;
}

struct track_gone track_drop_all(struct memory_pool *mp)
{
    ASSERT(pool_is_entered(mp));
    struct track *track = mp->track;
    struct track_gone gone = {NULL, NULL};
    struct track_mark *mark;

    (void)track_take_list(mp, &track->live, NULL, &gone.records);
    while ((mark = track_mark_take(&track->marks)) != NULL) {
        (void)track_take_list(mp, &mark->live, &mark->end, &gone.records);
        mark->next = gone.marks;
        gone.marks = mark;
    }
    ASSERT(track->count == 0 && track->used == 0);
    return gone;
}

void track_finish(struct memory_pool *mp, struct track_gone gone)
{
    MP_FRAME();
    ASSERT(lock_none_is_held());
    track_end_list(mp, gone.records, RECORD_RESET);
    track_free_marks(gone.marks);
}

size_t track_trim(struct memory_pool *mp, size_t keep)
{
    ASSERT(lock_none_is_held());
    bool taken = pool_enter(mp);
    size_t given = mp->track->held;
    struct record *expired = track_expire(mp, keep);

    given -= mp->track->held;
    lock_leave(&mp->lock, taken);
    track_expired(mp, expired);
    return given;
}

size_t track_held(const struct memory_pool *mp)
{
    ASSERT(pool_is_entered(mp));
    return mp->track->held;
}

size_t track_count(const struct memory_pool *mp)
{
    ASSERT(pool_is_entered(mp));
    return mp->track->count;
}

const struct record *track_search(const struct memory_pool *mp,
                                  const void *ptr)
{
    ASSERT(pool_is_entered(mp));
    const struct record *record =
        record_find(mp->track->root, (uintptr_t)ptr);

    return record != NULL &&
                   (uintptr_t)ptr - record_address(record) < record->size
               ? record
               : NULL;
}

mp_where_t track_locate(const struct memory_pool *mp, const void *ptr)
{
    const struct record *record = track_search(mp, ptr);

    if (record == NULL) {
        return MP_FOREIGN;
    }
    if (record->freed) {
        return MP_FREED;
    }
    return record_object(record) == ptr ? MP_LIVE : MP_INTERIOR;
}

const struct record *track_next(const struct memory_pool *mp,
                                uintptr_t address)
{
    ASSERT(pool_is_entered(mp));
    const struct record *record = record_find_next(mp->track->root, address);

    while (record != NULL && record->freed) {
        record = record_find_next(mp->track->root,
                                  record_address(record) + 1);
    }
    return record;
}

bool track_is_sound(const struct memory_pool *mp)
{
    ASSERT(pool_is_entered(mp));
    const struct track *track = mp->track;
    size_t count;
    size_t bytes;

    return record_is_sound(track->root, &count, &bytes) &&
           count == track->count && quota_is_sound(&mp->quota, bytes);
}

/* The record is copied, with what it leads to: once the lock is left the
 * object may go. */
bool track_report_damage(struct memory_pool *mp)
{
    ASSERT(lock_none_is_held());
    struct record copy = {.size = 0};
    struct record_callers callers;
    enum fence_damage damage = FENCE_WHOLE;
    const struct record *record = NULL;
    const void *at = NULL;
    uintptr_t next = 0;
    bool taken = pool_enter(mp);

    while (damage == FENCE_WHOLE &&
           (record = record_find_next(mp->track->root, next)) != NULL) {
        damage = track_look(record, &at);
        next = record_address(record) + 1;
    }
    /* The report function may call mp_check() in its turn. */
    bool tells = damage != FENCE_WHOLE && !mp->track->telling;
    if (tells) {
        mp->track->telling = true;
        copy = *record;
        if (record->callers != NULL) {
            callers = *record->callers;
            copy.callers = &callers;
        }
    }
    lock_leave(&mp->lock, taken);
    if (tells) {
        damage_report(mp, &copy, damage, at);
        taken = pool_enter(mp);
        mp->track->telling = false;
        lock_leave(&mp->lock, taken);
    }
    return damage == FENCE_WHOLE;
}
