/* SPDX-License-Identifier: MIT
 *
 * threads.c - one pool and four threads that take from it and give back.
 *
 * The threads want more at once than a pool of 1024 bytes holds, so some of
 * them may be refused: how many depends on how they meet.  What a thread has
 * got is its own until it gives it back, whatever the others do meanwhile;
 * each marks its objects and looks at the marks before it frees them.
 */
#include <memory_pool.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { THREADS_COUNT = 4, THREADS_OBJECTS = 10, THREADS_SIZE = 64 };

static memory_pool_t *threads_pool; /* shared by all */

struct threads_one {
    pthread_t thread;
    int id;
    int damaged; /* objects whose bytes another thread has changed */
};

static int threads_holds(const unsigned char *object, int mark)
{
    for (int i = 0; i < THREADS_SIZE; i++) {
        if (object[i] != mark) {
            return 0;
        }
    }
    return 1;
}

static void *threads_run(void *arg)
{
    struct threads_one *self = arg;
    unsigned char *objs[THREADS_OBJECTS];

    printf("Thread %d: Starting\n", self->id);
    for (int i = 0; i < THREADS_OBJECTS; i++) {
        objs[i] = mp_allocate(threads_pool, THREADS_SIZE);
        if (objs[i] != NULL) {
            memset(objs[i], self->id + 1, THREADS_SIZE);
            printf("Thread %d: Allocated obj %d at %p\n", self->id, i,
                   (void *)objs[i]);
        }
    }
    for (int i = THREADS_OBJECTS - 1; i >= 0; i--) {
        if (objs[i] != NULL) {
            self->damaged += !threads_holds(objs[i], self->id + 1);
            free_memory(threads_pool, objs[i]);
            printf("Thread %d: Freed obj %d\n", self->id, i);
        }
    }
    printf("Thread %d: Exiting\n", self->id);
    return NULL;
}

int main(void)
{
    struct threads_one threads[THREADS_COUNT];
    int started = 0;
    int damaged = 0;

    threads_pool = init_memory_pool();
    if (threads_pool == NULL) {
        return 1;
    }
    for (; started < THREADS_COUNT; started++) {
        threads[started].id = started;
        threads[started].damaged = 0;
        int error = pthread_create(&threads[started].thread, NULL,
                                   threads_run, &threads[started]);
        if (error != 0) {
            fprintf(stderr, "threads: pthread_create: %s\n", strerror(error));
            break;
        }
    }
    for (int i = 0; i < started; i++) {
        pthread_join(threads[i].thread, NULL);
        damaged += threads[i].damaged;
    }
    destroy_memory_pool(threads_pool);
    if (damaged != 0) {
        fprintf(stderr, "threads: %d objects damaged\n", damaged);
    }
    return started < THREADS_COUNT || damaged != 0;
}
