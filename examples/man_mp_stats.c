/* SPDX-License-Identifier: MIT
 *
 * man_mp_stats.c - the example of mp_stats(3).
 *
 * A pool with a free block says so, and no more once that is given back.  A
 * machine with 32-bit addresses keeps no such block in the first place.
 */
#include <memory_pool.h>
#include <stdlib.h>

/* True if more than a quarter of the pool's memory is unused. */
static bool wants_trim(memory_pool_t *mp)
{
    mp_stats_t stats;

    return mp_stats(mp, &stats) == 0 &&
           stats.live_bytes + stats.cached_bytes <
               stats.backing_bytes / 4 * 3;
}

int main(void)
{
    memory_pool_t *mp = mp_create(NULL);

    if (mp == NULL || mp_allocate(mp, 1000000) == NULL) {
        return EXIT_FAILURE;
    }
    bool right = !wants_trim(mp);
    free_all_memory(mp);
    mp_stats_t before;
    right = right && wants_trim(mp) && mp_stats(mp, &before) == 0;
    size_t given = mp_trim(mp, 0);
    mp_stats_t after;
    right = right && mp_stats(mp, &after) == 0 &&
            before.backing_bytes - after.backing_bytes == given &&
            (given > 0 || sizeof(void *) < 8);
    destroy_memory_pool(mp);
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}
