/* SPDX-License-Identifier: MIT
 *
 * metrics.c - writes the OpenMetrics text of some pools, for openmetrics.sh.
 *
 * Among them are pools of one name, pools of each kind, names of odd bytes, and
 * pools that are gone by more names than are told apart.
 */
#include <memory_pool.h>
#include <stdlib.h>

static memory_pool_t *metrics_make(const mp_options_t *options)
{
    memory_pool_t *mp = mp_create(options);

    if (mp == NULL) {
        exit(EXIT_FAILURE);
    }
    for (size_t size = 1; size < 100000; size *= 3) {
        void *object = mp_allocate(mp, size);
        if (size % 2 == 0) {
            mp_free(mp, object);
        }
    }
    return mp;
}

int main(void)
{
    static const char *const names[] = {
        "top", "request", NULL, "", "a\"b\\c\nd", "\xff\x01{}=,#",
        "\xc3\xa4\xe2\x82\xac", "(others)",
    };
    memory_pool_t *top = metrics_make(NULL);

    for (unsigned i = 0; i < 100; i++) {
        char name[20];
        snprintf(name, sizeof name, "gone %u", i % 30);
        mp_options_t options = {
            .parent = top,
            .name = i % 2 == 0 ? names[i / 2 % 8] : name,
            .capacity = i % 3 == 0 ? 10000 : 0,
            .threads = i % 5 == 0 ? MP_THREADS_LOCKED : MP_THREADS_CACHED,
            .flags = i % 7 == 0 ? MP_PASSTHROUGH : 0,
        };
        memory_pool_t *mp = metrics_make(&options);
        if (i % 2 != 0) {
            mp_destroy(mp);
        }
    }
    int failed = mp_stats_print(top, stdout, MP_OPENMETRICS);
    mp_destroy(top);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
