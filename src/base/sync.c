/* SPDX-License-Identifier: MIT
 *
 * sync.c - the barrier that the rare side pays for.
 *
 * Linux's membarrier(2), in its private expedited form: an interrupt to each
 * processor that runs a thread of this process.  Elsewhere there is none, and
 * pools do without thread caches.
 */
#include "base/sync.h"

#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#endif

#if defined(__linux__) && defined(SYS_membarrier)

/* From linux/membarrier.h, which older systems lack. */
#define SYNC_EXPEDITED (1 << 3)
#define SYNC_REGISTER_EXPEDITED (1 << 4)

bool sync_barrier_start(void)
{
    return syscall(SYS_membarrier, SYNC_REGISTER_EXPEDITED, 0, 0) == 0;
}

void sync_barrier(void)
{
    syscall(SYS_membarrier, SYNC_EXPEDITED, 0, 0);
}

#else

bool sync_barrier_start(void)
{
    return false;
}

void sync_barrier(void)
{
}

#endif
