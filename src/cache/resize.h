/* SPDX-License-Identifier: MIT
 *
 * resize.h - an object gets another size by its user's cache alone.
 *
 * An object that only grows or shrinks within its chunk stays.  One that ends
 * where its cache's run begins grows into the run.  Any other short or middle
 * object moves to a chunk that the cache has.
 *
 * What it cannot do: grow into what is free behind the object in the heap, or
 * give the end of a long chunk back.  The slow path does both, under the lock.
 */
#ifndef MP_RESIZE_H
#define MP_RESIZE_H

#include "cache/credit.h"

/* Inside the pool's cache: the object at ptr with a size that the pool may
 * take, the old bytes in it; NULL: the slow path has to serve, and nothing
 * changed.  *left is the old object, which is still live and is to be freed;
 * NULL: there is none. */
MP_INNER void *resize_inside(const struct mp_inline_thread *state,
                             struct mp_inline_cache *fast,
                             const struct memory_pool *mp, void *ptr,
                             size_t size, void **left);

/* The same where the pool counts: what the object grows by comes from the
 * cache's credit.  It never leaves an object behind. */
MP_INNER void *resize_counted(const struct mp_inline_thread *state,
                              struct cache *cache,
                              const struct memory_pool *mp, void *ptr,
                              size_t size);

#endif /* MP_RESIZE_H */
