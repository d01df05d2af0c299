/* SPDX-License-Identifier: MIT
 *
 * guide_workers.c - mempool_guide(7): threads that allocate from one pool.
 */
#include <memory_pool.h>
#include <pthread.h>
#include <stdio.h>

struct job {
    memory_pool_t *mp; /* all jobs have the same pool */
    int first;
    int *squares;
};

/* Finds the squares of ten numbers.  They outlive the thread. */
static void *work(void *arg)
{
    struct job *job = arg;
    job->squares = mp_calloc(job->mp, 10, sizeof *job->squares);
    for (int i = 0; job->squares != NULL && i < 10; i++) {
        job->squares[i] = (job->first + i) * (job->first + i);
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
        for (int k = 0; jobs[i].squares != NULL && k < 10; k++) {
            sum += jobs[i].squares[k];
        }
    }
    destroy_memory_pool(mp); /* no thread uses it any more */
    printf("%d\n", sum);
    return sum != 2470;
}
