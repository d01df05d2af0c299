/* SPDX-License-Identifier: MIT
 *
 * man_mp_set_capacity.c - the example of mp_set_capacity(3).
 *
 * The limit of a pool becomes smaller than what is in use.
 */
#include <errno.h>
#include <memory_pool.h>
#include <stdbool.h>
#include <stdlib.h>

/* Sets the limit of a pool, which drop() may empty bit by bit. */
static int set_limit(memory_pool_t *mp, size_t bytes,
                     bool (*drop)(memory_pool_t *mp))
{
    while (mp_set_capacity(mp, bytes) != 0) {
        if (errno != ENOBUFS || !drop(mp)) {
            return -1;
        }
    }
    return 0;
}

static void *replies[10];
static int count;

static bool drop_reply(memory_pool_t *mp)
{
    if (count == 0) {
        return false;
    }
    mp_free(mp, replies[--count]);
    return true;
}

int main(void)
{
    const mp_options_t options = {.capacity = 10000};
    memory_pool_t *mp = mp_create(&options);

    if (mp == NULL) {
        return EXIT_FAILURE;
    }
    while (count < 10) {
        replies[count] = mp_allocate(mp, 1000);
        if (replies[count++] == NULL) {
            return EXIT_FAILURE;
        }
    }
    bool right = set_limit(mp, 4500, drop_reply) == 0 && count == 4 &&
                 mp_allocate(mp, 501) == NULL;
    mp_destroy(mp);
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}
