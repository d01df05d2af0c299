/* SPDX-License-Identifier: MIT
 *
 * locate.h - what an address is, and whose.
 *
 * What it cannot do: say anything of an object that was freed and handed out
 * again: its address is the same.
 */
#ifndef MP_LOCATE_H
#define MP_LOCATE_H

#include "pool/found.h"

/* No lock held.  Reads only memory of the library. */
MP_INNER mp_where_t locate_address(struct memory_pool *mp, const void *ptr);

/* What an address is that a report about mp is of, and whose; mp NULL: the
 * report is of no pool.  No lock held. */
MP_INNER void locate_find(struct memory_pool *mp, const void *ptr,
                          struct found *found);

/* The pool that an address belongs to; NULL: none.  No lock held. */
MP_INNER memory_pool_t *locate_owner(const void *ptr);

#endif /* MP_LOCATE_H */
