/* SPDX-License-Identifier: MIT
 *
 * man_init_memory_pool.c - the example of init_memory_pool(3).
 *
 * One pool, two threads, and the order in which they end: the threads are
 * joined before the pool goes, since destroy_memory_pool() must not run
 * beside any other call for its pool.
 */
#include <memory_pool.h>
#include <pthread.h>
#include <stdio.h>

static void *worker(void *pool)
{
    memory_pool_t *mp = pool;
    int *count = mp_allocate(mp, sizeof *count);

    if (count != NULL) {
        *count = 0;
        while (*count < 1000) {
            ++*count;
        }
    }
    return count; /* lives in the pool, not in the thread */
}

int main(void)
{
    pthread_t threads[2];
    int sum = 0;
    memory_pool_t *mp = init_memory_pool();

    if (mp == NULL) {
        return 1; /* the reason stands on standard error */
    }
    for (int i = 0; i < 2; i++) {
        if (pthread_create(&threads[i], NULL, worker, mp) != 0) {
            return 1;
        }
    }
    for (int i = 0; i < 2; i++) {
        void *count = NULL;
        pthread_join(threads[i], &count);
        if (count != NULL) {
            sum += *(int *)count;
        }
    }
    destroy_memory_pool(mp); /* both threads are done with it */
    printf("%d\n", sum);
    return 0;
}
