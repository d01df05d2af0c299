/* SPDX-License-Identifier: MIT
 *
 * sync.c - the heavy fence, for which the rare side pays.
 *
 * membarrier(2) of Linux and FreeBSD, in its private expedited form: an
 * interrupt to each processor that runs a thread of this process.  Elsewhere
 * there is none, and each side pays for its own order.
 *
 * The system may refuse membarrier(2) after the program made its first pool:
 * a program that enters a sandbox may lose the call.  Then sync_fence_heavy()
 * waits for 10 ms.  A processor empties its store buffer within microseconds,
 * and at each interrupt, so after that time every earlier store is seen.  That
 * is slow, so a caller stops using the heavy fence for a set of caches after
 * its first refusal there.
 *
 * What it cannot do: reach the threads of another process that shares the
 * memory.
 */
#include "base/sync.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"

#ifdef __has_include
#if __has_include(<sys/syscall.h>)
#include <sys/syscall.h>
#endif
#endif

enum { SYNC_UNKNOWN, SYNC_WORKS, SYNC_REFUSED };
static int sync_fence; /* atomic */

MP_INNER_OBJECT bool sync_fence_on;

/* From linux/membarrier.h, which older systems lack; FreeBSD has the same. */
#define SYNC_EXPEDITED (1 << 3)
#define SYNC_REGISTER_EXPEDITED (1 << 4)

/* True: the system did it.  Keeps errno. */
static bool sync_membarrier(int command)
{
    ASSERT(command == SYNC_EXPEDITED || command == SYNC_REGISTER_EXPEDITED);
#ifdef SYS_membarrier
    int error = errno;
    bool done = syscall(SYS_membarrier, command, 0, 0) == 0;

    errno = error;
    return done;
#else
    return false;
#endif
}

void sync_fence_renew(void)
{
    bool works = sync_membarrier(SYNC_REGISTER_EXPEDITED);

    /* Release pairs with the acquire below: a thread that reads that it works
     * may use what was registered. */
    sync_put_release(&sync_fence, works ? SYNC_WORKS : SYNC_REFUSED);
    sync_put(&sync_fence_on, works);
}

bool sync_fence_works(void)
{
    int fence = sync_get_acquire(&sync_fence);

    if (fence == SYNC_UNKNOWN) {
        sync_fence_renew();
        fence = sync_get(&sync_fence);
    }
    return fence == SYNC_WORKS;
}

/* Waits until every store from before is seen by all processors. */
static void sync_wait(void)
{
    const struct timespec time = {0, 10000000};
    int error = errno;
    int cancel;

    /* Sleeping is a cancellation point, and the caller holds locks. */
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    while (nanosleep(&time, NULL) != 0 && errno == EINTR) {
        /* A signal cut it short: all of it again. */
    }
    pthread_setcancelstate(cancel, NULL);
    errno = error;
}

void sync_fence_heavy(void)
{
    ASSERT(sync_get(&sync_fence) != SYNC_UNKNOWN);
    if (!sync_membarrier(SYNC_EXPEDITED)) {
        sync_wait();
        /* Relaxed: a thread that reads it too late waits once more. */
        sync_put(&sync_fence, SYNC_REFUSED);
        sync_put(&sync_fence_on, false);
    }
}
