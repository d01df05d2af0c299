/* SPDX-License-Identifier: MIT
 *
 * leaks.c - what is still live when a pool is destroyed.
 *
 * Objects are put into groups, of which each has a line in the report: one for
 * each size up to 1,024 bytes, and one for each doubling above.  There are some
 * thousand groups.  A table of all would take 45 KB, more than some threads
 * have of stack, and there may be no memory to get.  So the table is short.  A
 * pass over the pool keeps in it those groups that come first in the order of
 * sizes; the next pass goes on behind the last of them.  Programs seldom leak
 * more sizes than one table holds, so one pass is the rule.
 *
 * Invariants of the table during a pass:
 *
 *     after < key(0) < key(1) < ... < key(used - 1)
 *     no object of a group between after and key(used - 1) is left out
 *
 * The second holds because a group that is pushed off the end is never let in
 * again: it comes behind all that are there.
 *
 * What it cannot do: tell an object that is meant to go with its pool from one
 * that was forgotten.
 */
#include "pool/leaks.h"

#include <pthread.h>
#include <stdio.h>

#include "cache/pause.h"
#include "pool/report.h"
#include "pool/track.h"
#include "pool/walk.h"

/* Sizes, in bytes, that have a group of their own each. */
#define LEAKS_SIZES 1024u

/* Groups that are gathered in a pass: 3 KiB of them. */
#define LEAKS_GROUPS 64u

struct leaks_group {
    size_t key; /* the order of groups; 0: the total */
    const void *first;
    size_t count;
    size_t bytes;
    size_t least; /* sizes */
    size_t most;
};

struct leaks {
    const struct memory_pool *mp;
    size_t after; /* key of the last group that was told */
    size_t used;  /* groups in the table, by key */
    struct leaks_group all;
    struct leaks_group groups[LEAKS_GROUPS];
};

/* The group of objects of that size: 1 to LEAKS_SIZES, then one more for each
 * doubling. */
static size_t leaks_key(size_t size)
{
    ASSERT(size > 0);
    size_t key = size;

    if (size > LEAKS_SIZES) {
        /* Up to 2,048 bytes is the first, up to 4,096 the second. */
        key = LEAKS_SIZES + 1;
        for (size_t rest = (size - 1) / LEAKS_SIZES; rest > 1; rest /= 2) {
            key++;
        }
    }
    ASSERT(key <= LEAKS_SIZES + sizeof(size_t) * 8);
    return key;
}

static void leaks_add(struct leaks_group *group, const void *object,
                      size_t size)
{
    ASSERT(object != NULL && size > 0);
    if (group->count == 0) {
        /* The first one in the walk's order, whatever its pass. */
        group->first = object;
        group->least = group->most = size;
    }
    group->count++;
    group->bytes += size;
    group->least = size < group->least ? size : group->least;
    group->most = size > group->most ? size : group->most;
    ASSERT(leaks_key(group->least) == leaks_key(group->most) ||
           group->key == 0);
}

/* The group with that key in the table, made if it has none; NULL: it is for
 * another pass.  A group that is made pushes the last one out of a table that
 * is full. */
static struct leaks_group *leaks_find(struct leaks *leaks, size_t key)
{
    ASSERT(leaks->used <= LEAKS_GROUPS);
    size_t low = 0;
    size_t high = leaks->used;

    /* The lowest place whose key is not less. */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (leaks->groups[middle].key < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    struct leaks_group *group = &leaks->groups[low];
    if (low < leaks->used && group->key == key) {
        return group;
    }
    if (key <= leaks->after || low == LEAKS_GROUPS) {
        return NULL;
    }
    if (leaks->used < LEAKS_GROUPS) {
        leaks->used++;
    }
    ASSERT(low < leaks->used);
    ASSERT(low == 0 || group[-1].key < key);
    memmove(group + 1, group, (leaks->used - low - 1) * sizeof *group);
    *group = (struct leaks_group){.key = key};
    return group;
}

static void leaks_visit_object(struct leaks *leaks, const void *object,
                               size_t size)
{
    struct leaks_group *group = leaks_find(leaks, leaks_key(size));

    if (group != NULL) {
        leaks_add(group, object, size);
    }
    leaks_add(&leaks->all, object, size);
}

/* Tracked objects lie in no block. */
static void leaks_visit_tracked(struct memory_pool *mp, struct leaks *leaks)
{
    uintptr_t last = 0;
    const struct record *record;

    while ((record = track_next(mp, last)) != NULL) {
        leaks_visit_object(leaks, record_object(record), record->size);
        last = record_address(record);
    }
}

/* Chunks in caches were freed, and what is lent holds a mark's own block: only
 * live pieces are the program's. */
static void leaks_visit_piece(const struct walk_piece *piece, void *arg)
{
    struct leaks *leaks = arg;
    struct heap_chunk chunk = {piece->block, piece->granule};

    ASSERT(pool_is_entered(leaks->mp) && piece->granules > 0);
    if (piece->kind != WALK_LIVE) {
        return;
    }
    leaks_visit_object(leaks, block_address(piece->block, piece->granule),
                       pool_size_of(chunk));
}

static void leaks_visit_block(struct block *block, const struct mark *mark,
                              void *arg)
{
    struct leaks *leaks = arg;

    ASSERT(block != NULL && leaks->mp != NULL);
    (void)mark; /* objects of a mark are leaks as others are */
    walk_block(leaks->mp, block, leaks_visit_piece, leaks);
}

/* Gathers the next groups; false: there are no more. */
static bool leaks_gather(struct memory_pool *mp, struct leaks *leaks)
{
    ASSERT(lock_none_is_held());
    bool taken = pool_enter(mp);

    /* The total is counted anew in each pass; the last one's is told. */
    leaks->used = 0;
    leaks->all = (struct leaks_group){.key = 0};
    pause_begin(&mp->caches);
    walk_blocks(mp, leaks_visit_block, leaks);
    if (pool_is_tracked(mp)) {
        leaks_visit_tracked(mp, leaks);
    }
    pause_end(&mp->caches);
    lock_leave(&mp->lock, taken);
    ASSERT(leaks->used <= LEAKS_GROUPS && leaks->used <= leaks->all.count);
    return leaks->used > 0;
}

/* Words for the sizes of a group, such as " of 16 to 24 bytes". */
static void leaks_name_sizes(const struct leaks_group *group, char *words,
                             size_t bytes)
{
    ASSERT(group->count > 0);
    ASSERT(group->least <= group->most);
    words[0] = '\0'; /* the total has no sizes */
    if (group->key != 0 && group->least == group->most) {
        snprintf(words, bytes, " of %zu byte%s", group->most,
                 group->most == 1 ? "" : "s");
    } else if (group->key != 0) {
        snprintf(words, bytes, " of %zu to %zu bytes", group->least,
                 group->most);
    }
}

/* The first object, and the caller that allocated it if that was noted. */
static void leaks_find_first(struct memory_pool *mp,
                             const struct leaks_group *group,
                             struct found *found)
{
    found_start(found, FOUND_LIVE);
    found_set_owner(found, mp);
    found->told = true;
    found->object = (uintptr_t)group->first;
    found->size = group->least == group->most ? group->most : 0;
    found->noted = pool_is_tracked(mp) &&
                   track_callers(mp, group->first, &found->callers);
}

/* The words are made on the stack, since a program that leaks may have no
 * memory left. */
static void leaks_tell(struct memory_pool *mp, const struct leaks_group *group)
{
    ASSERT(lock_none_is_held());
    ASSERT(group->count > 0 && group->bytes >= group->count);
    char sizes[64];
    char line[192];
    struct found found;

    found_start(&found, FOUND_UNASKED);
    leaks_name_sizes(group, sizes, sizeof sizes);
    snprintf(line, sizeof line, "leak: %zu object%s%s, %zu byte%s in all",
             group->count, group->count == 1 ? "" : "s", sizes, group->bytes,
             group->bytes == 1 ? "" : "s");
    if (group->key != 0) {
        size_t length = strlen(line);
        ASSERT(length < sizeof line);
        snprintf(line + length, sizeof line - length, ", first at %p",
                 group->first);
        leaks_find_first(mp, group, &found);
    }
    report_loudly(mp, MP_EVENT_LEAK, line,
                  group->key == 0 ? NULL : group->first, &found);
}

/* Gathers and tells until every group was told, then the total. */
static void leaks_tell_all(struct memory_pool *mp)
{
    struct leaks leaks;

    leaks.mp = mp;
    leaks.after = 0; /* no key is 0 */
    while (leaks_gather(mp, &leaks)) {
        size_t last = leaks.groups[leaks.used - 1].key;
        ASSERT(last > leaks.after);
        for (size_t i = 0; i < leaks.used; i++) {
            leaks_tell(mp, &leaks.groups[i]);
        }
        leaks.after = last;
        /* A table that did not fill up has pushed nothing out. */
        if (leaks.used < LEAKS_GROUPS) {
            break;
        }
    }
    if (leaks.all.count > 0) {
        leaks_tell(mp, &leaks.all);
    }
}

void leaks_report(struct memory_pool *mp)
{
    ASSERT(lock_none_is_held());
    int state;

    if (mp->settings.report == NULL &&
        (mp->settings.flags & (MP_LEAKS | MP_REPORT)) == 0 &&
        pool_reporter(mp).fn == NULL) {
        return;
    }
    /* Writing a line is a cancellation point.  A thread that ended in one
     * would leave the pool's memory behind.  The request is not lost: it takes
     * effect at the thread's next cancellation point. */
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    leaks_tell_all(mp);
    pthread_setcancelstate(state, NULL);
}
