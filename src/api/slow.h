/* SPDX-License-Identifier: MIT
 *
 * slow.h - the long ways of allocating and freeing, where no short one served.
 *
 * What it cannot do: try a short way first.  fast.h has those.
 */
#ifndef MP_SLOW_H
#define MP_SLOW_H

#include "cache/user.h"
#include "pool/pool.h"

/* What mp_allocate() does for any user; errno is as it was then.  NULL: the
 * request was refused, counted and reported, and errno says why.  step is what
 * a lack of memory is reported under.  mp is not NULL; no lock held. */
MP_INNER void *slow_allocate(memory_pool_t *mp, const struct user *user,
                             size_t size, const char *step);

/* What free_memory() does for any user and any address; errno is as it was, or
 * the address was reported.  mp is not NULL; no lock held. */
MP_INNER void slow_free(memory_pool_t *mp, const struct user *user,
                        const void *ptr);

#endif /* MP_SLOW_H */
