/* SPDX-License-Identifier: MIT
 *
 * record.h - what a tracked pool knows of each object, by address.
 *
 * The records of a pool are a tree in the order of addresses, so that any
 * address finds the object that it lies in, in logarithmic time, with no
 * memory but the records' own.
 *
 * Addresses are kept inverted, as in all plots.  A checker that looks for leaks reads the
 * library's memory for pointers, and an object that only its record leads to
 * is one that the program has lost.
 *
 * What it cannot do: lock.  The pool's lock is held in every function.
 */
#ifndef MP_RECORD_H
#define MP_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "pool/fence.h"
#include "store/outside.h"

/* Return addresses that are noted of a call. */
#define RECORD_FRAMES 12

struct record_callers {
    void *allocated[RECORD_FRAMES]; /* up to the first that is NULL */
    void *freed[RECORD_FRAMES];
};

/* What ended an object. */
enum record_end { RECORD_FREED, RECORD_REWOUND, RECORD_RESET };

/* The pool's lock owns it; once it is out of the tree, the thread that took it
 * out. */
struct record {
    struct record *low;     /* subtrees: lower and higher addresses */
    struct record *high;
    struct list_link link;  /* among the live ones of one mark, or of none */
    struct record *next;    /* in the quarantine, or in a list of records that
                             * are done with, or spare */
    struct outside plot;    /* the object, also while it is not noted; for all
                             * pools together */
    uint64_t weight;        /* follows from that; fixed while it is in a tree */
    size_t size;            /* bytes, as asked for */
    uint64_t serial;        /* the pool's allocations are counted from 1 */
    struct fence fence;
    bool freed;             /* it waits in the quarantine */
    enum record_end end;    /* why, where it does */
    struct record_callers *callers; /* NULL: not noted */
};

static inline uintptr_t record_address(const struct record *record)
{
    return outside_start(&record->plot);
}

static inline void *record_object(const struct record *record)
{
    return (void *)record_address(record);
}

/* The record with the highest address that is not above; NULL: none. */
MP_INNER struct record *record_find(struct record *root, uintptr_t address);

/* The record with the lowest address that is not below; NULL: none. */
MP_INNER struct record *record_find_next(struct record *root,
                                         uintptr_t address);

/* No record has that address yet; and one in the tree leaves it. */
MP_INNER void record_insert(struct record **root, struct record *record);
MP_INNER void record_remove(struct record **root, struct record *record);

/* The tree is in order; *count and *bytes become those of the live ones. */
MP_INNER bool record_is_sound(const struct record *root, size_t *count,
                              size_t *bytes);

#endif /* MP_RECORD_H */
