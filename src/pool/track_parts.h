/* SPDX-License-Identifier: MIT
 *
 * track_parts.h - what the files of tracked pools share.
 *
 * What it cannot do: serve other files.  They include track.h.
 */
#ifndef MP_TRACK_PARTS_H
#define MP_TRACK_PARTS_H

#include "pool/setting.h"
#include "pool/track.h"
#include "pool/track_mark.h"

/* Records that are made at once, and buckets that a pool begins with. */
#define TRACK_SLAB 62
#define TRACK_BUCKETS 64

struct track_slab {
    struct track_slab *next;
    struct record records[TRACK_SLAB];
};

/* The pool's lock, but what is fixed. */
struct track {
    unsigned flags;       /* fixed; of those that ask for a look at objects */
    size_t keeps;         /* fixed; bytes of freed memory that are kept */
    size_t room;          /* fixed; bytes of a buffer, in granules; SIZE_MAX:
                           * the pool is in none */
    uint64_t guard;       /* fixed; one in that many objects is guarded */
    struct setting_fail *fail; /* fixed; which requests fail; NULL: none */
    struct setting_fail own;   /* that, if words of the pool's own say so */
    size_t used;          /* bytes of the room that live objects take */
    struct record_table table;
    struct list live;     /* struct record by link; of no mark */
    struct treap_node *marks; /* struct track_mark, those that are open */
    struct record *oldest; /* the quarantine, by next */
    struct record *newest;
    size_t held;
    size_t count;         /* live objects */
    unsigned long requests; /* atomic; counted where some are guarded: a long,
                             * since not every processor adds to 64 bits that
                             * threads share */
    struct record *spare;
    struct track_slab *slabs;
    size_t made;          /* records in all slabs */
};

/* Bytes of a buffer that an object of that size takes; 0: the pool is in no
 * buffer. */
static inline size_t track_granules(const struct track *track, size_t size)
{
    return track->room == SIZE_MAX ? 0
                                   : sizes_granules(size) * SIZES_GRANULE;
}

/* What leads to the live object that starts there, and that object; NULL:
 * none.  The lock is held. */
static inline struct record **track_find_link(const struct memory_pool *mp,
                                              const void *ptr)
{
    struct record **link = record_find(&mp->track->table, (uintptr_t)ptr);

    return link != NULL && !(*link)->freed ? link : NULL;
}

static inline struct record *track_find(const struct memory_pool *mp,
                                        const void *ptr)
{
    struct record **link = track_find_link(mp, ptr);

    return link == NULL ? NULL : *link;
}

/* Takes a live object out.  The lock is held. */
static inline struct record *track_remove(struct memory_pool *mp,
                                          struct record **link)
{
    struct track *track = mp->track;
    struct record *record = *link;

    ASSERT(pool_is_entered(mp) && !record->freed && track->count > 0);
    record_remove(&track->table, link);
    list_remove(&record->link);
    track->count--;
    return record;
}

/* track_keep.c */

/* What a look at a record finds; *at: the first byte that is wrong. */
MP_INNER enum fence_damage track_look(const struct record *record,
                                      const void **at);

/* Records of a list, from the first to the last, are spare from now on.  The
 * lock is held. */
MP_INNER void track_spare(struct track *track, struct record *first,
                          struct record *last);

/* Gives back the memory of an object that has no record.  No lock held. */
MP_INNER void track_drop(void *object, struct record_more *more);

/* Gives back the memory of a list of records that are out of the table, and the
 * records.  They were checked before.  No lock held. */
MP_INNER void track_give(struct memory_pool *mp, struct record *records);

/* The end of an object that is out of the table; no lock held. */
MP_INNER void track_end(struct memory_pool *mp, struct record *record,
                        enum record_end end);

#endif /* MP_TRACK_PARTS_H */
