/* SPDX-License-Identifier: MIT
 *
 * misuse.c - from a result to a report, a count and errno.
 *
 * One table has all of it.  So two functions that fail for the same reason give
 * the same answer.
 *
 * What it cannot do: choose the words of an event.  report.c has them.
 */
#include "api/misuse.h"

#include <errno.h>

#include "base/probe.h"
#include "base/tool.h"
#include "pool/report.h"
#include "pool/setting.h"
#include "pool/track.h"
#include "view/locate.h"

/* Where a result is no refusal of an object. */
#define MISUSE_NOT_COUNTED (-1)

static const struct misuse_row {
    mp_event_t event;
    int error;
    int refusal; /* POOL_REFUSED_*, or MISUSE_NOT_COUNTED */
} misuse_rows[] = {
    [RESULT_SIZE] = {MP_EVENT_SIZE, EINVAL, POOL_REFUSED_SIZE},
    [RESULT_FULL] = {MP_EVENT_FULL, ENOBUFS, POOL_REFUSED_FULL},
    [RESULT_NO_MEMORY] = {MP_EVENT_NO_MEMORY, ENOMEM, POOL_REFUSED_MEMORY},
    [RESULT_NOT_LIVE] = {MP_EVENT_NOT_IN_POOL, EINVAL, MISUSE_NOT_COUNTED},
    [RESULT_NO_MARK] = {MP_EVENT_MARK, EINVAL, MISUSE_NOT_COUNTED},
    [RESULT_BUSY] = {MP_EVENT_BUSY, EBUSY, MISUSE_NOT_COUNTED},
    [RESULT_DAMAGED] = {MP_EVENT_DAMAGE, ENOTRECOVERABLE,
                        MISUSE_NOT_COUNTED},
};

/* The row of a result that is no success. */
static const struct misuse_row *misuse_row_of(enum result result)
{
    /* A result that was added without a row would report event 0 and set errno
     * to 0, and a caller would take the failure for a success. */
    ASSERT(result != RESULT_OK);
    ASSERT((size_t)result < sizeof misuse_rows / sizeof misuse_rows[0]);
    ASSERT(misuse_rows[result].error != 0);
    return &misuse_rows[result];
}

void misuse_find(memory_pool_t *mp, mp_event_t event, const void *ptr,
                 struct found *found)
{
    ASSERT(lock_none_is_held());
    if (event == MP_EVENT_NO_POINTER || event == MP_EVENT_NOT_IN_POOL ||
        event == MP_EVENT_WRONG_SIZE ||
        (event == MP_EVENT_NO_POOL && ptr != NULL)) {
        locate_find(mp, ptr, found);
    } else {
        found_start(found, FOUND_UNASKED);
    }
}

/* Finding out what an address is costs far more than any other part of a
 * report, so it is left where nobody wants to know. */
static void misuse_report(memory_pool_t *mp, mp_event_t event,
                          const char *message, const void *ptr)
{
    struct found found;

    if (report_wants_all(mp)) {
        misuse_find(mp, event, ptr, &found);
        report_found(mp, event, message, ptr, &found);
    } else {
        report_words(mp, event, message, ptr);
    }
}

void misuse_argument(memory_pool_t *mp, mp_event_t event, const void *ptr)
{
    ASSERT(lock_none_is_held());
    ASSERT(mp != NULL || event == MP_EVENT_NO_POOL);
    /* The report comes first: its function may set errno itself. */
    misuse_report(mp, event, report_message(event), ptr);
    errno = EINVAL;
}

void misuse_words(memory_pool_t *mp, mp_event_t event, const char *message,
                  const void *ptr)
{
    /* The program's own function is told, and may call the library again. */
    ASSERT(lock_none_is_held() && message != NULL);
    ASSERT(mp != NULL || event == MP_EVENT_NO_POOL);
    misuse_report(mp, event, message, ptr);
    errno = EINVAL;
}

/* Only errno: whether and where to report is a setting of the pool that is
 * missing. */
bool misuse_has_pool(const memory_pool_t *mp)
{
    if (mp == NULL) {
        errno = EINVAL;
    }
    return mp != NULL;
}

bool misuse_is_whole(memory_pool_t *mp)
{
    if (!pool_is_whole(mp)) {
        misuse_answer(mp, RESULT_DAMAGED, NULL, NULL);
        return false;
    }
    return true;
}

bool misuse_may_use(memory_pool_t *mp)
{
    return misuse_has_pool(mp) && misuse_is_whole(mp);
}

/* Only a handle names the pool that could say how reports are made. */
bool misuse_has_handle(const mp_handle_t *handle)
{
    if (handle == NULL) {
        errno = EINVAL;
    }
    return handle != NULL;
}

bool misuse_retry_slow(memory_pool_t *mp, enum result result, size_t size)
{
    ASSERT(mp != NULL && lock_none_is_held());
    if (result == RESULT_DAMAGED) {
        return false;
    }
    if (quota_is_due(&mp->quota)) {
        pool_call_near(mp);
    }
    if (result != RESULT_FULL && result != RESULT_NO_MEMORY) {
        return false;
    }
    /* Read anew each time: the function may set another one. */
    struct pool_failure failure = pool_failure(mp);
    return failure.fn != NULL &&
           failure.fn(mp, size, misuse_row_of(result)->error,
                      failure.context);
}

/* A checker hears of a wrong free where it watches the pool's objects, after
 * the pool's own report, since it may end the program. */
static void misuse_blame(const memory_pool_t *mp, mp_event_t event,
                         const void *ptr)
{
    if (event == MP_EVENT_NOT_IN_POOL && pool_is_tracked(mp) &&
        setting_get()->checked) {
        tool_blame_free(ptr);
    }
}

void misuse_answer(memory_pool_t *mp, enum result result, const char *step,
                   const void *ptr)
{
    const struct misuse_row *row = misuse_row_of(result);

    ASSERT(mp != NULL && lock_none_is_held());
    /* No function of a damaged pool is called.  A lack of memory is told in the
     * words of perror(3), which need to know what step of whose failed. */
    if (result == RESULT_DAMAGED) {
        report_words(NULL, MP_EVENT_DAMAGE,
                     "the memory of a pool itself was written over", mp);
    } else if (row->event == MP_EVENT_NO_MEMORY) {
        ASSERT(step != NULL);
        report_failure(mp, step, row->error);
    } else {
        misuse_report(mp, row->event, report_message(row->event), ptr);
        misuse_blame(mp, row->event, ptr);
    }
    /* After the report, whose function may set errno itself. */
    errno = row->error;
}

void misuse_refuse(memory_pool_t *mp, enum result result, const char *step,
                   const void *ptr)
{
    int refusal = misuse_row_of(result)->refusal;

    ASSERT(mp != NULL && lock_none_is_held());
    ASSERT(refusal >= MISUSE_NOT_COUNTED && refusal <= POOL_REFUSED_MEMORY);
    /* Counted before it is reported, so that a report function that asks for
     * the statistics finds this refusal in them. */
    if (refusal != MISUSE_NOT_COUNTED) {
        probe_refuse(mp, misuse_row_of(result)->error);
        pool_count_refusal(mp, (enum pool_refusal)refusal);
    }
    misuse_answer(mp, result, step, ptr);
}

void misuse_free(memory_pool_t *mp, const void *ptr)
{
    ASSERT(mp != NULL && lock_none_is_held());
    /* NULL gets words of its own.  They tell the usual fault, a failed
     * allocation that was not noticed, from the freeing of a wrong address. */
    mp_event_t event =
        ptr == NULL ? MP_EVENT_NO_POINTER : MP_EVENT_NOT_IN_POOL;

    misuse_report(mp, event, report_message(event), ptr);
    misuse_blame(mp, event, ptr);
    errno = EINVAL;
}
