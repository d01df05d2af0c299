/* SPDX-License-Identifier: MIT
 *
 * backing.h - where the memory of pools comes from.
 *
 * What it cannot do: serve two pools from one buffer at once.
 */
#ifndef MP_BACKING_H
#define MP_BACKING_H

#include "base/compiler.h"
#include "memory_pool.h"

/* The functions are as memory_pool.h asks for them; each may set errno. */
MP_INNER void *backing_malloc_acquire(void *context, size_t size,
                                      size_t alignment);
MP_INNER void backing_malloc_release(void *context, void *block, size_t size);
MP_INNER void *backing_mmap_acquire(void *context, size_t size,
                                    size_t alignment);
MP_INNER void backing_mmap_release(void *context, void *block, size_t size);

/* Initialisers, for what api/ exports as mp_backing_malloc and
 * mp_backing_mmap: C takes no const variable in their place. */
#define BACKING_MALLOC \
    {.acquire = backing_malloc_acquire, .release = backing_malloc_release}
#define BACKING_MMAP \
    {.acquire = backing_mmap_acquire, .release = backing_mmap_release}

/* The first of them, for pools that found no room in the range. */
MP_INNER const mp_backing_t backing_malloc;

/* The memory that it gives is the process's own alone, so that the system may
 * take pages which nobody uses, and give others, all zero, when they are
 * touched.  Of a program's own functions nobody knows. */
MP_INNER bool backing_is_private(const mp_backing_t *backing);

/* Gives the whole pages of such memory to the system, or of the range's.  What
 * was in them is lost; the addresses stay the caller's.  Returns their bytes,
 * less where the system refuses. */
MP_INNER size_t backing_drop(void *start, size_t bytes);

/* What mp_backing_buffer() returns. */
MP_INNER mp_backing_t backing_of_buffer(void *buffer, size_t size);

/* Bytes that a caller's buffer can still give, if the backing is one; else
 * 0.  A pool takes all of them at once. */
MP_INNER size_t backing_buffer_room(const mp_backing_t *backing);

#endif /* MP_BACKING_H */
