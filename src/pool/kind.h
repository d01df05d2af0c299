/* SPDX-License-Identifier: MIT
 *
 * kind.h - what kind of pool a pool is, and why.
 *
 * The kind is what a program is told of a pool's mode.  The reason is noted as
 * the pool is made, where the options are looked at, and a pool has one reason
 * only: the first that was found.
 *
 * What it cannot do: say that a cached pool works under its lock for a while,
 * as one does whose capacity is nearly used.
 */
#ifndef MP_KIND_H
#define MP_KIND_H

#include "base/compiler.h"
#include "memory_pool.h"

/* Each reason is one of a single kind; see kind.c. */
enum kind_why {
    KIND_DEFAULT,
    KIND_CAPACITY,
    KIND_ZERO,
    KIND_ABOVE,
    KIND_SHORT,
    KIND_WAS_ABOVE,
    KIND_LOCKED,
    KIND_BACKING,
    KIND_BUFFER,
    KIND_NO_RANGE,
    KIND_NO_SLOT,
    KIND_OUTSIDE,
    KIND_NO_CACHE,
    KIND_FLAGS,
    KIND_OPTIONS,
    KIND_CHECKER,
    KIND_NO_POOL
};

/* The reason of a pool that was moved: of the others of its kind, one above is
 * that a pool above has a capacity.  The pool's lock is held. */
MP_INNER void kind_renew(struct memory_pool *mp);

/* The reason that holds now: caches may have been given up meanwhile.  Needs no
 * lock. */
MP_INNER enum kind_why kind_why_of(const struct memory_pool *mp);

/* The kind of a reason; "KIND: REASON"; and a kind's word alone. */
MP_INNER mp_kind_t kind_of(enum kind_why why);
MP_INNER const char *kind_text(enum kind_why why);
MP_INNER const char *kind_word(mp_kind_t kind);

#endif /* MP_KIND_H */
