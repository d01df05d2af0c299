/* SPDX-License-Identifier: MIT
 *
 * man_mp_each_pool.c - the example of mp_each_pool(3).
 *
 * Of some pools the one with most memory is found by its name.
 */
#include <memory_pool.h>
#include <stdlib.h>
#include <string.h>

struct largest {
    char name[64];
    size_t bytes;
};

/* Compares a pool with the largest so far. */
static int compare(memory_pool_t *mp, void *arg)
{
    struct largest *largest = arg;
    mp_stats_t stats;

    if (mp_stats(mp, &stats) == 0 &&
        stats.backing_bytes > largest->bytes) {
        const char *name = mp_name(mp);
        snprintf(largest->name, sizeof largest->name, "%s",
                 name == NULL ? "(no name)" : name);
        largest->bytes = stats.backing_bytes;
    }
    return 0;
}

int main(void)
{
    memory_pool_t *small = mp_create(NULL);
    memory_pool_t *large = mp_create(&(mp_options_t){.name = "large"});
    struct largest largest = {.bytes = 0};

    if (small == NULL || large == NULL ||
        mp_allocate(large, 1 << 20) == NULL) {
        return EXIT_FAILURE;
    }
    bool right = mp_each_pool(compare, &largest) == 0 &&
                 strcmp(largest.name, "large") == 0;
    mp_destroy(large);
    mp_destroy(small);
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}
