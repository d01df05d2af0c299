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

/* Records that are made at once. */
#define TRACK_SLAB 62

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
    struct setting_fail *fail; /* fixed; which requests fail; NULL: none */
    struct setting_fail own;   /* that, if words of the pool's own say so */
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

/* Bytes of a buffer that an object of that size takes. */
static inline size_t track_granules(size_t size)
{
    return sizes_granules(size) * SIZES_GRANULE;
}

/* The live object that starts there; NULL: none.  The lock is held. */
static inline struct record *track_find(const struct memory_pool *mp,
                                        const void *ptr)
{
    struct record *record = record_find(mp->track->root, (uintptr_t)ptr);

    return record != NULL && !record->freed && record_object(record) == ptr
               ? record
               : NULL;
}

/* Takes a live object out.  The lock is held. */
static inline void track_remove(struct memory_pool *mp, struct record *record)
{
    struct track *track = mp->track;

    ASSERT(pool_is_entered(mp) && !record->freed && track->count > 0);
    record_remove(&track->root, record);
    outside_remove(&record->plot);
    list_remove(&record->link);
    track->count--;
}

/* track_keep.c */

/* What a look at a record finds; *at: the first byte that is wrong. */
MP_INNER enum fence_damage track_look(const struct record *record,
                                      const void **at);

/* Records of a list, from the first to the last, are spare from now on.  The
 * lock is held. */
MP_INNER void track_spare(struct track *track, struct record *first,
                          struct record *last);

/* Gives back the memory of a list of records that are out of the tree, and the
 * records.  They were checked before.  No lock held. */
MP_INNER void track_give(struct memory_pool *mp, struct record *records);

/* The end of an object that is out of the tree; no lock held. */
MP_INNER void track_end(struct memory_pool *mp, struct record *record,
                        enum record_end end);

#endif /* MP_TRACK_PARTS_H */
