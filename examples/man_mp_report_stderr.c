/* SPDX-License-Identifier: MIT
 *
 * man_mp_report_stderr.c - the example of mp_report_stderr(3).
 *
 * Counts the misuse of a pool instead of printing it.  Threads may report at
 * the same time, so the count is atomic.
 */
#include <memory_pool.h>
#include <stdatomic.h>
#include <stdlib.h>

static void count_misuse(memory_pool_t *mp, mp_event_t event,
                         const char *message, const void *ptr, void *context)
{
    atomic_int *count = context;

    (void)mp;
    (void)message;
    (void)ptr;
    if (event == MP_EVENT_NOT_IN_POOL) {
        atomic_fetch_add(count, 1);
    }
}

int main(void)
{
    atomic_int count = 0;
    mp_options_t options = {0};
    int outside;

    options.report = count_misuse;
    options.report_context = &count;
    memory_pool_t *mp = mp_create(&options);
    if (mp == NULL) {
        return EXIT_FAILURE;
    }
    free_memory(mp, &outside);
    destroy_memory_pool(mp);
    return atomic_load(&count) == 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
