/* SPDX-License-Identifier: MIT
 *
 * track_rewind.c - tracked pools: marks, and the end of many objects at once.
 *
 * Each mark has a list of its records, and the pool has a list of the records
 * of no mark.  So the cost of a rewind depends on the number of objects.
 *
 * What it cannot do: find a mark.  track_mark.c does.
 */
#include "pool/track_parts.h"

#include <stdlib.h>

#include "base/tool.h"

enum result track_open_mark(struct memory_pool *mp, uint64_t owner,
                            uint64_t number)
{
    ASSERT(lock_none_is_held());
    struct track_mark *mark = calloc(1, sizeof *mark);

    if (mark == NULL) {
        return RESULT_NO_MEMORY;
    }
    (void)tool_allow_races(mark, sizeof *mark);
    mark->owner = owner;
    mark->number = number;
    list_push(&mark->live, &mark->end);
    tool_precede(&mp->track->marks);
    bool taken = pool_enter(mp);
    track_mark_add(&mp->track->marks, mark);
    lock_leave(&mp->lock, taken);
    return RESULT_OK;
}

/* Takes the records of a list out of the table, onto a list by next, the oldest
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
        track_remove(mp, record_link(&track->table, record));
        held += record->size;
        track->used -= track_granules(track, record->size);
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
    if (gone.marks != NULL) {
        tool_follow(&mp->track->marks); /* of any user */
        track_free_marks(gone.marks);
    }
}

bool track_end_some(struct memory_pool *mp)
{
    ASSERT(lock_none_is_held());
    const struct track *track = mp->track;
    bool taken = pool_enter(mp);
    bool some = track->table.count > 0 || track->marks != NULL;
    struct track_gone gone = {NULL, NULL};

    if (some) {
        mp->counters.freed += track->count;
        quota_uncharge(&mp->quota, quota_held(&mp->quota));
        gone = track_drop_all(mp);
    }
    lock_leave(&mp->lock, taken);
    if (some) {
        track_finish(mp, gone);
        (void)track_trim(mp, 0);
    }
    return some;
}
