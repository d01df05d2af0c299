/* SPDX-License-Identifier: MIT
 *
 * track_keep.c - tracked objects that ended: checked, kept, given back.
 *
 * What it cannot do: take an object out of the table.  Who ended it did.
 */
#include "pool/track_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/tool.h"
#include "pool/callers.h"
#include "pool/damage.h"

enum fence_damage track_look(const struct record *record, const void **at)
{
    if (record->more == NULL) {
        return FENCE_WHOLE;
    }
    return record->freed
               ? fence_check_closed(&record->more->fence, record->size, at)
               : fence_check(&record->more->fence, record->size, at);
}

/* Looks at a record that is out of the table, and reports what is wrong, once:
 * what is around an object that is kept would be looked at again. */
static void track_check(struct memory_pool *mp, const struct record *record)
{
    const void *at = NULL;
    enum fence_damage damage = track_look(record, &at);

    if (damage != FENCE_WHOLE) {
        damage_report(mp, record, damage, at);
        if (!record->freed) {
            fence_mend(&record->more->fence, record->size);
        }
    }
}

void track_spare(struct track *track, struct record *first,
                 struct record *last)
{
    last->next = track->spare;
    track->spare = first;
}

void track_drop(void *object, struct record_more *more)
{
    MP_FRAME();
    if (more == NULL) {
        free(object);
    } else {
        fence_drop(&more->fence);
        free(more);
    }
}

void track_give(struct memory_pool *mp, struct record *records)
{
    MP_FRAME();
    struct record *last = records;

    if (records == NULL) {
        return;
    }
    for (struct record *r = records; r != NULL; r = r->next) {
        track_drop(record_object(r), r->more);
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
        track->held -= last->bytes;
        record_remove(&track->table, record_link(&track->table, last));
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

    fence_close(&record->more->fence, record->size,
                (track->flags & MP_POISON) != 0);
    bool taken = pool_enter(mp);
    record->freed = true;
    record->next = NULL;
    record_insert(&track->table, record);
    if (track->newest != NULL) {
        track->newest->next = record;
    } else {
        track->oldest = record;
    }
    track->newest = record;
    track->held += record->bytes;
    struct record *expired = track_expire(mp, track->keeps);
    lock_leave(&mp->lock, taken);
    track_expired(mp, expired);
}

void track_end(struct memory_pool *mp, struct record *record,
               enum record_end end)
{
    MP_FRAME();
    ASSERT(lock_none_is_held());
    track_check(mp, record);
    if ((mp->settings.flags & MP_ZERO_ON_FREE) != 0) {
        void *object = record_object(record);
        /* Another thread may just have got it: nobody reads it any more. */
        if (end == RECORD_RESET) {
            (void)tool_allow_races(object, record->size);
        }
        memset(object, 0, record->size);
        /* free() would make the compiler leave that out. */
        __asm__ volatile("" : : "r"(object) : "memory");
    }
    if (record->more != NULL && record->more->callers != NULL) {
        callers_note(record->more->callers->freed);
    }
    record->end = end;
    if (mp->track->keeps > 0) {
        track_keep(mp, record);
    } else {
        record->next = NULL;
        track_give(mp, record);
    }
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
