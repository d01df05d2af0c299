/* SPDX-License-Identifier: MIT
 *
 * man_mp_map.c - the example of mp_map(3).
 *
 * A picture of a pool with objects of some sizes and a hole.
 */
#include <memory_pool.h>
#include <stdio.h>
#include <stdlib.h>

/* Draws the pool into a file that a browser shows. */
static bool draw(memory_pool_t *mp, const char *path)
{
    FILE *stream = fopen(path, "w");

    if (stream == NULL) {
        return false;
    }
    bool done = mp_map(mp, stream) == 0;
    return fclose(stream) == 0 && done;
}

int main(void)
{
    memory_pool_t *mp = mp_create(NULL);

    if (mp == NULL) {
        return EXIT_FAILURE;
    }
    void *first = mp_allocate(mp, 100);
    bool right = first != NULL && mp_allocate(mp, 1000) != NULL &&
                 mp_allocate(mp, 10000) != NULL;
    free_memory(mp, first);
    right = right && draw(mp, "/dev/null") && !draw(mp, "/no/such/directory");
    destroy_memory_pool(mp);
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}
