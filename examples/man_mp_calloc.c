/* SPDX-License-Identifier: MIT
 *
 * man_mp_calloc.c - the example of mp_calloc(3).
 *
 * A table whose size comes from outside: a product that would overflow is
 * refused, not cut short.
 */
#include <memory_pool.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

struct slot {
    const char *key;
    long value;
};

/* An empty table of count slots: every byte is 0. */
static struct slot *new_table(memory_pool_t *mp, size_t count)
{
    return mp_calloc(mp, count, sizeof(struct slot));
}

int main(void)
{
    volatile size_t too_many = SIZE_MAX / 2; /* unknown to the compiler */
    memory_pool_t *mp = mp_create(NULL);

    if (mp == NULL) {
        return EXIT_FAILURE;
    }
    struct slot *table = new_table(mp, 100);
    bool right = table != NULL && table[99].value == 0;
    errno = 0;
    right = right && new_table(mp, too_many) == NULL && errno == EINVAL;
    destroy_memory_pool(mp);
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}
