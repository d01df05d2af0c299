/* SPDX-License-Identifier: MIT
 *
 * lock.h - a mutex that costs nothing while the process has one thread.
 *
 * An uncontended pthread mutex is most of the price of a locked pool.  glibc
 * tells, in __libc_single_threaded, that no second thread exists; then no
 * lock is needed, since the only thread that could start another is the one
 * that is inside the library.  Elsewhere the lock is always taken.
 *
 * lock_enter() says whether it took the mutex, and the caller hands that to
 * lock_leave(): glibc may change its mind between the two only in ways that
 * do not matter here (from several threads to one), and the mutex must be
 * left as it was entered.
 *
 * Not for use in signal handlers, where a second entry by the same thread
 * would see the first one's half-done work.
 */
#ifndef MP_LOCK_H
#define MP_LOCK_H

#include <pthread.h>
#include <stdbool.h>

#ifdef HAVE_SYS_SINGLE_THREADED_H
#include <sys/single_threaded.h>
#endif

static inline bool lock_enter(pthread_mutex_t *mutex)
{
#ifdef HAVE_SYS_SINGLE_THREADED_H
    if (__libc_single_threaded) {
        return false;
    }
#endif
    pthread_mutex_lock(mutex);
    return true;
}

static inline void lock_leave(pthread_mutex_t *mutex, bool taken)
{
    if (taken) {
        pthread_mutex_unlock(mutex);
    }
}

#endif /* MP_LOCK_H */
