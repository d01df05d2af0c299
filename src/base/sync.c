/* SPDX-License-Identifier: MIT
 *
 * sync.c - the heavy fence, for which the rare side pays.
 *
 * Linux's membarrier(2), in its private expedited form: an interrupt to each
 * processor that runs a thread of this process.  Elsewhere there is none, and
 * pools do without thread caches.
 *
 * A program may refuse itself membarrier(2) after it made its first pool: a
 * sandbox is set up like that.  What a thread stored is then waited for.  A
 * processor empties its store buffer within microseconds, and at each
 * interrupt, so after 10 ms every store from before is seen.  That is slow, so
 * the caller is told.
 *
 * What it cannot do: reach the threads of another process that shares the
 * memory.
 */
#include "base/sync.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "base/assert.h"

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
    ASSERT(command == SYNC_EXPEDITED || command == SYNC_REGISTER_EXPEDITED);
    int error = errno;
    bool done = syscall(SYS_membarrier, command, 0, 0) == 0;

    errno = error;
    return done;
}

bool sync_fence_start(void)
{
    return sync_membarrier(SYNC_REGISTER_EXPEDITED);
}

/* Waits until every store from before is seen by all processors. */
static void sync_wait(void)
{
    const struct timespec time = {0, 10000000};
    int error = errno;
    int cancel;

    /* Sleeping is a cancellation point, and the caller holds locks. */
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL) == EINTR) {
        /* A signal cut it short: all of it again. */
    }
    pthread_setcancelstate(cancel, NULL);
    errno = error;
}

bool sync_fence_heavy(void)
{
    bool done = sync_membarrier(SYNC_EXPEDITED);

    if (!done) {
        sync_wait();
    }
    return done;
}

#else

bool sync_fence_start(void)
{
    return false;
}

bool sync_fence_heavy(void)
{
    return true; /* no cache was ever enabled, so nothing has to be seen */
}

#endif
