/* SPDX-License-Identifier: MIT
 *
 * guide_workers.c - mempool_guide(7): threads that share a pool.
 */
#include <memory_pool.h>
#include <pthread.h>
#include <stdio.h>

struct result {
    struct result *next;
    int number;
};

struct job {
    memory_pool_t *mp; /* all jobs have the same pool */
    int first;
    struct result *results;
};

/* Finds the squares of ten numbers.  The results outlive the thread. */
static void *work(void *arg)
{
    struct job *job = arg;
    for (int i = job->first; i < job->first + 10; i++) {
        struct result *result = mp_allocate(job->mp, sizeof *result);
        if (result == NULL) {
            break;
        }
        result->number = i * i;
        result->next = job->results;
        job->results = result;
    }
    return NULL;
}

int main(void)
{
    memory_pool_t *mp = mp_create(NULL);
    struct job jobs[2] = {{mp, 0, NULL}, {mp, 10, NULL}};
    pthread_t threads[2];
    int sum = 0;
    for (int i = 0; i < 2; i++) {
        if (pthread_create(&threads[i], NULL, work, &jobs[i]) != 0) {
            return 1;
        }
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        for (struct result *r = jobs[i].results; r != NULL; r = r->next) {
            sum += r->number;
        }
    }
    destroy_memory_pool(mp); /* no thread uses it any more */
    printf("%d\n", sum);
    return sum != 2470;
}
