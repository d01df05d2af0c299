/* SPDX-License-Identifier: MIT
 *
 * record.h - what a tracked pool knows of each object, by address.
 *
 * The records of a pool are in a table by hash.  The key is the piece of
 * address space that the object starts in, so that an address inside of an
 * object finds it, too: in the piece of the address or in one of those before
 * it.  An address that starts an object is found in one step, however many
 * there are.  So is the record that comes next in the order of the table, which
 * stays the same when the table grows.
 *
 * Addresses are kept inverted.  A checker that looks for leaks reads the
 * library's memory for pointers, and an object that only its record leads to
 * is one that the program has lost.
 *
 * What it cannot do: lock, or find memory for the table.  The pool's lock is
 * held in every function.  Nor can it find an address that is inside of no
 * object fast: that takes a step for each piece of the longest object, or for
 * each record, whichever is less.
 */
#ifndef MP_RECORD_H
#define MP_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "pool/fence.h"

/* Return addresses that are noted of a call. */
#define RECORD_FRAMES 12

struct record_callers {
    void *allocated[RECORD_FRAMES]; /* up to the first that is NULL */
    void *freed[RECORD_FRAMES];
};

/* What a pool that looks for faults itself knows of an object besides. */
struct record_more {
    struct fence fence;
    struct record_callers *callers; /* NULL: not noted */
};

/* What ended an object. */
enum record_end { RECORD_FREED, RECORD_REWOUND, RECORD_RESET };

/* The pool's lock owns it; once it is out of the table, the thread that took it
 * out.  Under a checker these are half of what a short object takes, so there
 * is no member for what another one tells. */
struct record {
    struct record *chain;   /* the next one in its bucket */
    union {
        struct list_link link; /* live: among those of one mark, or of none */
        struct record *next;   /* else in the quarantine, or in a list of
                                * records that are done with, or spare */
    };
    uintptr_t hidden;         /* ~ of the object's address */
    size_t size;              /* bytes, as asked for */
    size_t bytes;             /* of all memory that it has */
    struct record_more *more; /* NULL: the memory is all that there is */
    bool freed;               /* it waits in the quarantine */
    enum record_end end;      /* why, where it does */
};

/* All zero: it has no buckets, and takes no record. */
struct record_table {
    struct record **buckets;
    size_t room;     /* buckets, a power of two; 0: none */
    unsigned shift;  /* of a key, to the number of its bucket */
    size_t count;
    size_t longest;  /* bytes of the memory of the longest one, ever */
};

static inline uintptr_t record_address(const struct record *record)
{
    return ~record->hidden;
}

static inline void *record_object(const struct record *record)
{
    return (void *)record_address(record);
}

/* Bytes of a piece, as a power of two.  Short pieces have few objects each, and
 * long objects have few long pieces. */
#define RECORD_PIECE 7

/* The key of a piece.  No two have the same: the factor, 2^64 by the golden
 * ratio, is odd. */
static inline uint64_t record_key(uintptr_t address)
{
    return (uint64_t)(address >> RECORD_PIECE) * 0x9e3779b97f4a7c15u;
}

/* What leads to the records whose key is that.  There are buckets. */
static inline struct record **record_bucket(const struct record_table *table,
                                            uint64_t key)
{
    return &table->buckets[key >> table->shift];
}

/* What leads to the record of that very address; NULL: there is none. */
static inline struct record **record_find(const struct record_table *table,
                                          uintptr_t address)
{
    if (table->count == 0) {
        return NULL;
    }
    struct record **link = record_bucket(table, record_key(address));
    while (*link != NULL && (*link)->hidden != ~address) {
        link = &(*link)->chain;
    }
    return *link == NULL ? NULL : link;
}

/* What leads to a record that is in the table. */
static inline struct record **record_link(const struct record_table *table,
                                          const struct record *record)
{
    struct record **link =
        record_bucket(table, record_key(record_address(record)));

    while (*link != record) {
        link = &(*link)->chain;
    }
    return link;
}

/* Adds a record, whose address no other has; there are buckets.  And takes the
 * one out that a link leads to. */
static inline void record_insert(struct record_table *table,
                                 struct record *record)
{
    struct record **link =
        record_bucket(table, record_key(record_address(record)));

    record->chain = *link;
    *link = record;
    table->count++;
    if (record->bytes > table->longest) {
        table->longest = record->bytes;
    }
}

static inline void record_remove(struct record_table *table,
                                 struct record **link)
{
    *link = (*link)->chain;
    table->count--;
}

/* The record of the object that an address lies in; NULL: none. */
MP_INNER struct record *record_search(const struct record_table *table,
                                      uintptr_t address);

/* The record behind that of an address in the order of the table, whether or
 * not the address has one; 0: the first one.  NULL: none. */
MP_INNER struct record *record_next(const struct record_table *table,
                                    uintptr_t address);

/* Gives the table so many buckets, a power of two, which are NULL; returns
 * those that it had. */
MP_INNER struct record **record_widen(struct record_table *table,
                                      struct record **buckets, size_t room);

/* The table is in order; *count and *bytes become those of the live ones. */
MP_INNER bool record_is_sound(const struct record_table *table, size_t *count,
                              size_t *bytes);

#endif /* MP_RECORD_H */
