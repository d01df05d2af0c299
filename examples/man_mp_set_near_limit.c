/* SPDX-License-Identifier: MIT
 *
 * man_mp_set_near_limit.c - the example of mp_set_near_limit(3).
 *
 * A server takes no new work while its memory is nearly used up.
 */
#include <memory_pool.h>
#include <stdbool.h>
#include <stdlib.h>

/* From 80 of 100 bytes on the server is busy, until it looks again. */
static void note_busy(memory_pool_t *mp, size_t used, void *context)
{
    bool *busy = context;

    (void)mp;
    (void)used;
    *busy = true;
}

static memory_pool_t *make_pool(size_t capacity, bool *busy)
{
    const mp_options_t options = {.capacity = capacity};
    memory_pool_t *mp = mp_create(&options);

    *busy = false;
    if (mp != NULL) {
        mp_set_near_limit(mp, capacity / 100 * 80, note_busy, busy);
    }
    return mp;
}

int main(void)
{
    bool busy;
    memory_pool_t *mp = make_pool(1000000, &busy);

    if (mp == NULL || mp_allocate(mp, 700000) == NULL || busy) {
        return EXIT_FAILURE;
    }
    bool right = mp_allocate(mp, 100000) != NULL && busy;
    mp_destroy(mp);
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}
