/* SPDX-License-Identifier: MIT
 *
 * object.h - what can be done with objects besides taking and freeing them.
 */
#ifndef MP_OBJECT_H
#define MP_OBJECT_H

#include "pool/pool.h"

/* Largest alignment, in bytes. */
#define OBJECT_ALIGNMENT_MOST ((size_t)65536)

/* Resizes a live object of old bytes; NULL: errno, and it is as it was. */
void *object_resize(struct memory_pool *mp, void *ptr, size_t size);

/* alignment is a power of two up to OBJECT_ALIGNMENT_MOST. */
void *object_align(struct memory_pool *mp, size_t alignment, size_t size);

/* Bytes of a live object that its holder may use; 0: there is none. */
size_t object_size(struct memory_pool *mp, const void *ptr);

#endif /* MP_OBJECT_H */
