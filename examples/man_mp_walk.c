/* SPDX-License-Identifier: MIT
 *
 * man_mp_walk.c - the example of mp_walk(3).
 *
 * The objects of a pool are all of one kind, so the pool is the list of them.
 */
#include <memory_pool.h>
#include <stdlib.h>

struct account {
    long balance;
};

/* Adds up what the objects of the pool are worth. */
static int add_up(void *object, size_t size, void *arg)
{
    const struct account *account = object;
    long *sum = arg;

    (void)size;
    *sum += account->balance;
    return 0;
}

int main(void)
{
    memory_pool_t *mp = mp_create(NULL);
    long sum = 0;

    if (mp == NULL) {
        return EXIT_FAILURE;
    }
    for (long i = 1; i <= 1000; i++) {
        struct account *account = mp_allocate(mp, sizeof *account);
        if (account == NULL) {
            return EXIT_FAILURE;
        }
        account->balance = i;
    }
    bool right = mp_walk(mp, add_up, &sum) == 0 && sum == 500500;
    destroy_memory_pool(mp);
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}
