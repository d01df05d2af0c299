/* SPDX-License-Identifier: MIT
 *
 * sync.c - the heavy fence, for which the rare side pays.
 *
 * Linux's membarrier(2), in its private expedited form: an interrupt to each
 * processor that runs a thread of this process.  Elsewhere there is none, and
 * pools do without thread caches.
 *
 * What it cannot do: reach the threads of another process that shares the
 * memory; or work under a filter that a program sets up after it made its
 * first pool and that refuses membarrier(2).  Then a pause may miss a thread
 * that is inside.
 */
#include "base/sync.h"

#include <errno.h>

#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#endif

#if defined(__linux__) && defined(SYS_membarrier)

/* From linux/membarrier.h, which older systems lack. */
#define SYNC_EXPEDITED (1 << 3)
#define SYNC_REGISTER_EXPEDITED (1 << 4)

/* True: the system did it.  Keeps errno. */
static bool sync_membarrier(int command)
{
    int error = errno;
    bool done = syscall(SYS_membarrier, command, 0, 0) == 0;

    errno = error;
    return done;
}

bool sync_fence_start(void)
{
    return sync_membarrier(SYNC_REGISTER_EXPEDITED);
}

/* Fails only where a filter for system calls was set up after the start, and
 * this process has no other such fence.  That is no broken rule of the
 * library, so it is not asserted. */
void sync_fence_heavy(void)
{
    (void)sync_membarrier(SYNC_EXPEDITED);
}

#else

bool sync_fence_start(void)
{
    return false;
}

void sync_fence_heavy(void)
{
    /* No cache was ever enabled, so nothing has to be seen. */
}

#endif
