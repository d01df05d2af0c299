/* SPDX-License-Identifier: MIT
 *
 * misuse.h - from a result to a report, a count and errno.
 *
 * Inner functions return an enum.  Only this file makes of it what a caller of
 * the library learns.  A report is made with no lock held.  errno is set after
 * it, since the program's own report function may change errno.
 *
 * What it cannot do: report when the pool is NULL, since the pool has the
 * report function.  Only the functions that then print do so.
 */
#ifndef MP_MISUSE_H
#define MP_MISUSE_H

#include "pool/found.h"
#include "pool/pool.h"

/* What the address is that a report of that event is of, and whose. */
MP_INNER void misuse_find(memory_pool_t *mp, mp_event_t event,
                          const void *ptr, struct found *found);

/* An argument that is none, in the event's own words or in others; errno is
 * EINVAL then.  mp NULL: printed on standard error. */
MP_INNER void misuse_argument(memory_pool_t *mp, mp_event_t event,
                              const void *ptr);
MP_INNER void misuse_words(memory_pool_t *mp, mp_event_t event,
                           const char *message, const void *ptr);

/* True: there is a pool.  Else errno is EINVAL, and nothing is printed. */
MP_INNER bool misuse_has_pool(const memory_pool_t *mp);

/* True: its own structure is whole.  Else that is printed, and errno is
 * ENOTRECOVERABLE.  misuse_may_use() asks both. */
MP_INNER bool misuse_is_whole(memory_pool_t *mp);
MP_INNER bool misuse_may_use(memory_pool_t *mp);

/* The same for a handle. */
MP_INNER bool misuse_has_handle(const mp_handle_t *handle);

/* After each try of a request for size bytes.  Calls what the program wants to
 * be called near a limit.  True: the try failed, and the program wants another
 * one.  Its functions may also leave for good: nothing is held then. */
MP_INNER bool misuse_retry_slow(memory_pool_t *mp, enum result result,
                                size_t size);
static inline bool misuse_retry(memory_pool_t *mp, enum result result,
                                size_t size)
{
    return MP_UNLIKELY(result != RESULT_OK || quota_is_due(&mp->quota)) &&
           misuse_retry_slow(mp, result, size);
}

/* Reports a result other than RESULT_OK and sets errno.  step is what a lack
 * of memory is reported under; NULL where there can be none. */
MP_INNER void misuse_answer(memory_pool_t *mp, enum result result,
                            const char *step, const void *ptr);

/* The same for a request for an object, which is counted as refused. */
MP_INNER void misuse_refuse(memory_pool_t *mp, enum result result,
                            const char *step, const void *ptr);

/* The same for an object that cannot be freed. */
MP_INNER void misuse_free(memory_pool_t *mp, const void *ptr);

#endif /* MP_MISUSE_H */
