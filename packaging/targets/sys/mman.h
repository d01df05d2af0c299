/* SPDX-License-Identifier: MIT
 *
 * mman.h - mappings; see README.
 */
#ifndef TARGETS_SYS_MMAN_H
#define TARGETS_SYS_MMAN_H

#include <sys/types.h>

#define PROT_NONE 0
#define PROT_READ 1
#define PROT_WRITE 2
#define PROT_EXEC 4
#define MAP_SHARED 1
#define MAP_PRIVATE 2
#define MAP_FIXED 0x10
#define MAP_ANON 0x1000
#define MAP_ANONYMOUS MAP_ANON
#define MAP_FAILED ((void *)-1)
#define MS_SYNC 0
#define MCL_CURRENT 1
#define MCL_FUTURE 2

#if defined(__sun) || defined(__NetBSD__)
#define MAP_NORESERVE 0x40
#endif
#ifdef __FreeBSD__
#define MAP_EXCL 0x4000
#define MAP_GUARD 0x2000
#endif
#ifdef __NetBSD__
#define MAP_ALIGNED(n) ((n) << 24)
#endif

#if TARGETS_EXTENSIONS
#define MADV_NORMAL 0
#define MADV_RANDOM 1
#define MADV_SEQUENTIAL 2
#define MADV_WILLNEED 3
#define MADV_DONTNEED 4
#define MADV_FREE 5
#ifdef __FreeBSD__
#define MADV_NOCORE 8
#endif
int madvise(void *at, size_t size, int advice);
#ifdef __sun
int mincore(char *at, size_t size, char *pages);
#elif defined(__FreeBSD__)
int mincore(const void *at, size_t size, char *pages);
#elif defined(__NetBSD__)
int mincore(void *at, size_t size, char *pages);
#endif
#endif

void *mmap(void *at, size_t size, int protection, int flags, int file,
           off_t offset);
int munmap(void *at, size_t size);
int mprotect(void *at, size_t size, int protection);
int msync(void *at, size_t size, int flags);
int mlock(const void *at, size_t size);
int mlockall(int flags);
int posix_madvise(void *at, size_t size, int advice);

#endif /* TARGETS_SYS_MMAN_H */
