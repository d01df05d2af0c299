/* SPDX-License-Identifier: MIT
 *
 * object.h - what can be done with objects besides allocating and freeing.
 *
 * What it cannot do: keep a stricter alignment than the usual one for an
 * object that is resized and has to move.
 */
#ifndef MP_OBJECT_H
#define MP_OBJECT_H

#include "pool/alloc.h"

/* Largest alignment, in bytes. */
#define OBJECT_ALIGNMENT_MOST ((size_t)65536)

/* No lock held in any of these.  All but RESULT_OK leave object and pool as
 * they were. */

/* Resizes the live object at ptr to size bytes; *object is its new address. */
MP_INNER enum result object_resize(struct memory_pool *mp,
                                   const struct user *user, void *ptr,
                                   size_t size, void **object);

/* alignment is a power of two up to OBJECT_ALIGNMENT_MOST. */
MP_INNER enum result object_align(struct memory_pool *mp,
                                  const struct user *user, size_t alignment,
                                  size_t size, void **object);

/* Resizes the live object at ptr where it stands.  RESULT_NO_MEMORY: what is
 * behind it is not free. */
MP_INNER enum result object_expand(struct memory_pool *mp, void *ptr,
                                   size_t size);

/* Resizes the live object at ptr so that it is aligned, as above; where it has
 * to move, both copies are charged for a moment. */
MP_INNER enum result object_realign(struct memory_pool *mp,
                                    const struct user *user, void *ptr,
                                    size_t alignment, size_t size,
                                    void **object);

/* RESULT_SIZE: as far as the pool knows, the live object at ptr is not of size
 * bytes, but of *held. */
MP_INNER enum result object_compare(struct memory_pool *mp, const void *ptr,
                                    size_t size, size_t *held);

/* Bytes of a live object that its holder may use; 0: there is none. */
MP_INNER size_t object_size(struct memory_pool *mp, const void *ptr);

#endif /* MP_OBJECT_H */
