/* SPDX-License-Identifier: MIT
 *
 * redirect.h - requests for memory go through inject.c.
 *
 * Each name below stands for a function of inject.c, from the line on where
 * this is included.  The archives of src/ that the tests link are compiled with
 * -include redirect.h, and support.h includes it for the tests.  So no linker
 * has to know --wrap, and the sources of the library stay as they are.
 *
 * The names are plain, not like functions, so that a member or an address of
 * the same name is renamed everywhere alike.  So a test of a room includes
 * support.h before the headers of src/ that have such a member.
 *
 * What it cannot do: see the calls of shared libraries, the C library's and the
 * installed libmempool's among them.
 */
#ifndef REDIRECT_H
#define REDIRECT_H

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/types.h>

void *inject_malloc(size_t size);
void *inject_calloc(size_t count, size_t size);
void *inject_realloc(void *at, size_t size);
void *inject_aligned_alloc(size_t alignment, size_t size);
int inject_posix_memalign(void **at, size_t alignment, size_t size);
void *inject_mmap(void *at, size_t size, int protection, int flags, int file,
                  off_t offset);
void inject_free(void *at);
int inject_munmap(void *at, size_t size);
int inject_pthread_mutex_init(pthread_mutex_t *mutex,
                              const pthread_mutexattr_t *attributes);

/* inject.c itself calls the system. */
#ifndef INJECT_SYSTEM
#define malloc inject_malloc
#define calloc inject_calloc
#define realloc inject_realloc
#define aligned_alloc inject_aligned_alloc
#define posix_memalign inject_posix_memalign
#define mmap inject_mmap
#define free inject_free
#define munmap inject_munmap
#define pthread_mutex_init inject_pthread_mutex_init
#endif

#endif /* REDIRECT_H */
