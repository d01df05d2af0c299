/* SPDX-License-Identifier: MIT
 *
 * found.h - what is known of the address that a report is of.
 *
 * view/locate.c finds it, or the caller that reports knows it.  The structure
 * has copies of names and callers, since the pool that owns the address may go
 * as soon as its lock is left.
 *
 * What it cannot do: tell an object that was freed from the one that has its
 * address now.
 */
#ifndef MP_FOUND_H
#define MP_FOUND_H

#include "pool/line.h"
#include "pool/pool.h"
#include "pool/record.h"

enum found_what {
    FOUND_UNASKED,  /* the report is of no address */
    FOUND_NULL,     /* the address is NULL */
    FOUND_FOREIGN,  /* no pool is known to have it */
    FOUND_UNUSED,   /* a pool has, or had, the memory, and no object there */
    FOUND_LIVE,     /* the start of a live object */
    FOUND_INTERIOR, /* inside of one */
    FOUND_FREED,    /* what was there was freed */
    FOUND_GONE,     /* the same, or it went with a reset */
    FOUND_REWOUND,  /* what was there went with a mark */
    FOUND_RESET     /* what was there went with a reset */
};

struct found {
    enum found_what what;
    bool told;                  /* the message says what it is */
    const memory_pool_t *owner; /* NULL: none; not to be read through */
    char name[POOL_NAME];       /* of the owner; "": none */
    uintptr_t object;           /* that the address lies in; 0: not known */
    size_t size;                /* of that object */
    bool noted;                 /* callers are known */
    bool freed;                 /* those that freed it, too */
    struct record_callers callers;
};

/* Nothing is known but that. */
MP_INNER void found_start(struct found *found, enum found_what what);

/* The owner; the pool's name is fixed, and copied. */
MP_INNER void found_set_owner(struct found *found,
                              const struct memory_pool *mp);

/* The object, as a tracked pool knows it; the pool's lock is held, or the
 * record is out of the table. */
MP_INNER void found_set_record(struct found *found,
                               const struct record *record, const void *ptr);

/* Adds which pool the report is of; and, unless FOUND_UNASKED or told, which
 * address, what that is, and whose.  mp may be NULL, but not in these cases. */
MP_INNER void found_put(struct line *line, const struct memory_pool *mp,
                        const void *ptr, const struct found *found);

/* What mp_locate() calls it, to its owner. */
MP_INNER mp_where_t found_where(const struct found *found);

#endif /* MP_FOUND_H */
