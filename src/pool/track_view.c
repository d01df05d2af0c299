/* SPDX-License-Identifier: MIT
 *
 * track_view.c - what a tracked pool has, for those who look.
 *
 * What it cannot do: change an object, or end it.
 */
#include "pool/track_parts.h"

#include "pool/damage.h"

bool track_callers(struct memory_pool *mp, const void *ptr,
                   struct record_callers *callers)
{
    bool taken = pool_enter(mp);
    const struct record *record = track_find(mp, ptr);
    bool noted = record != NULL && record->more != NULL &&
                 record->more->callers != NULL;

    if (noted) {
        *callers = *record->more->callers;
    }
    lock_leave(&mp->lock, taken);
    return noted;
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
    return record_search(&mp->track->table, (uintptr_t)ptr);
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
    const struct record *record = record_next(&mp->track->table, address);

    while (record != NULL && record->freed) {
        record = record_next(&mp->track->table, record_address(record));
    }
    return record;
}

bool track_is_sound(const struct memory_pool *mp)
{
    ASSERT(pool_is_entered(mp));
    const struct track *track = mp->track;
    size_t count;
    size_t bytes;

    return record_is_sound(&track->table, &count, &bytes) &&
           count == track->count && quota_is_sound(&mp->quota, bytes);
}

/* A pool whose damage the calling thread reports.  The list is the thread's
 * own, on its stack. */
struct track_report {
    const struct memory_pool *mp;
    const struct track_report *outer;
};
static _Thread_local const struct track_report *track_reports MP_INLINE_TLS;

static bool track_is_telling(const struct memory_pool *mp)
{
    const struct track_report *report = track_reports;

    while (report != NULL && report->mp != mp) {
        report = report->outer;
    }
    return report != NULL;
}

/* The record is copied, with what it leads to: once the lock is left the
 * object may go. */
bool track_report_damage(struct memory_pool *mp)
{
    ASSERT(lock_none_is_held());
    struct record copy = {.size = 0};
    struct record_more more;
    struct record_callers callers;
    enum fence_damage damage = FENCE_WHOLE;
    const struct record *record = NULL;
    const void *at = NULL;
    uintptr_t last = 0;
    bool taken = pool_enter(mp);

    while (damage == FENCE_WHOLE &&
           (record = record_next(&mp->track->table, last)) != NULL) {
        damage = track_look(record, &at);
        last = record_address(record);
    }
    /* The report function may call mp_check() in its turn.  Other threads find
     * the same, and each is told. */
    bool tells = damage != FENCE_WHOLE && !track_is_telling(mp);
    if (tells) {
        copy = *record;
        more = *record->more; /* only what has more can be damaged */
        copy.more = &more;
        if (more.callers != NULL) {
            callers = *more.callers;
            more.callers = &callers;
        }
    }
    lock_leave(&mp->lock, taken);
    if (tells) {
        const struct track_report report = {mp, track_reports};
        track_reports = &report;
        damage_report(mp, &copy, damage, at);
        track_reports = report.outer;
    }
    return damage == FENCE_WHOLE;
}
