/* SPDX-License-Identifier: MIT
 *
 * api.c - the exported functions: arguments checked, misuse answered.
 *
 * No mechanism is here.  Each function either refuses its arguments or hands
 * them to pool.c, and turns the answer into a report and errno once every
 * lock is released.
 */
#include <errno.h>

#include "pool.h"
#include "report.h"

/* Reports why an allocation failed, as errno tells. */
static MP_SLOW void *api_refuse(void)
{
    switch (errno) {
    case ENOBUFS:
        report_event(REPORT_FULL);
        break;
    case ENOMEM:
        report_failure("mp_allocate: malloc", ENOMEM);
        break;
    default:
        report_event(REPORT_SIZE);
        break;
    }
    return NULL;
}

memory_pool_t *init_memory_pool(void)
{
    const char *step = NULL;
    memory_pool_t *mp = pool_create(MAX_BLOCK_SIZE, &step);

    if (mp == NULL) {
        report_failure(step, errno);
    }
    return mp;
}

void destroy_memory_pool(memory_pool_t *mp)
{
    if (mp == NULL) {
        report_event(REPORT_NO_POOL);
        return;
    }
    pool_destroy(mp);
}

void *mp_allocate(memory_pool_t *mp, size_t m_size)
{
    if (mp == NULL) {
        report_event(REPORT_ALLOCATE_NO_POOL);
        return NULL;
    }
    void *object = pool_allocate(mp, m_size);
    return object != NULL ? object : api_refuse();
}

void free_memory(memory_pool_t *mp, const void *ptr)
{
    if (mp == NULL) {
        report_event(REPORT_NO_POOL);
    } else if (ptr == NULL) {
        report_event(REPORT_NO_POINTER);
    } else if (!pool_free(mp, ptr)) {
        report_event(REPORT_NOT_IN_POOL);
    }
}

void free_all_memory(memory_pool_t *mp)
{
    if (mp == NULL) {
        report_event(REPORT_NO_POOL);
        return;
    }
    pool_reset(mp);
}

bool is_mp_ptr(memory_pool_t *mp, void *ptr)
{
    if (mp == NULL) {
        report_event(REPORT_NO_POOL);
        return false;
    }
    if (ptr == NULL) {
        report_event(REPORT_NO_POINTER);
        return false;
    }
    return pool_has(mp, ptr);
}
