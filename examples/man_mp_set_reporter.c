/* SPDX-License-Identifier: MIT
 *
 * man_mp_set_reporter.c - the example of mp_set_reporter(3).
 *
 * Counts the double frees among the misuse of a pool.  Threads may report at
 * the same time, so the count is atomic.
 */
#include <memory_pool.h>
#include <stdatomic.h>
#include <stdlib.h>

static void count_double(const mp_report_t *report, void *context)
{
    atomic_int *count = context;

    if (report->event == MP_EVENT_NOT_IN_POOL &&
        report->where == MP_FREED && report->ptr == report->object) {
        atomic_fetch_add(count, 1);
    }
}

int main(void)
{
    mp_options_t options = {.flags = MP_QUARANTINE};
    memory_pool_t *mp = mp_create(&options);
    atomic_int count = 0;

    if (mp == NULL || mp_set_reporter(mp, count_double, &count) != 0) {
        return EXIT_FAILURE;
    }
    char *object = mp_allocate(mp, 24);
    if (object == NULL) {
        return EXIT_FAILURE;
    }
    mp_free(mp, object);
    mp_free(mp, object);     /* this one counts */
    mp_free(mp, object + 1); /* this is another misuse */
    mp_destroy(mp);
    return atomic_load(&count) == 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
