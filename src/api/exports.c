/* SPDX-License-Identifier: MIT
 *
 * exports.c - exported constants, the version, reports to standard error.
 *
 * What it cannot do: define a constant as a copy of an inner one, since C takes
 * no variable as an initialiser.  So each has an initialiser of its own, with
 * the same functions, which programs may compare and copy.
 */
#include "api/misuse.h"
#include "pool/report.h"
#include "store/backing.h"

#define EXPORTS_TEXT_OF(number) #number
#define EXPORTS_TEXT(number) EXPORTS_TEXT_OF(number)

const mp_backing_t mp_backing_malloc = BACKING_MALLOC;
const mp_backing_t mp_backing_mmap = BACKING_MMAP;

/* The structure is returned by value, so that nothing has to be freed later. */
mp_backing_t mp_backing_buffer(void *buffer, size_t size)
{
    return backing_of_buffer(buffer, size);
}

/* The version of the library that runs.  The header's macros say what a
 * program was compiled with, and a program may compare the two. */
const char *mp_version(void)
{
    return EXPORTS_TEXT(MP_VERSION_MAJOR) "." EXPORTS_TEXT(
        MP_VERSION_MINOR) "." EXPORTS_TEXT(MP_VERSION_PATCH);
}

/* A base pool's line is the message alone: the base functions printed such
 * lines, and programs compare them. */
void mp_report_stderr(memory_pool_t *mp, mp_event_t event,
                      const char *message, const void *ptr, void *context)
{
    struct found found;

    (void)context;
    ASSERT(lock_none_is_held());
    if (message == NULL) {
        return;
    }
    /* mp is NULL where no pool could be made: then the line has no name. */
    if (!report_prints_all(mp)) {
        report_print(mp, message, ptr, NULL);
        return;
    }
    misuse_find(mp, event, ptr, &found);
    report_print(mp, message, ptr, &found);
}

int mp_set_reporter(memory_pool_t *mp, mp_reporter_fn *fn, void *context)
{
    if (!misuse_may_use(mp)) {
        return -1;
    }
    pool_set_reporter(mp, (struct pool_reporter){fn, context});
    return 0;
}
