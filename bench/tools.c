/* SPDX-License-Identifier: MIT
 *
 * tools.c - a program that allocates much, for tools to watch.
 *
 *     tools KIND N USE THREADS
 *
 * does N rounds in a pool of that kind, or with "malloc".  Each of the threads
 * does its part of them in the one pool.
 *
 * In each round an object is freed, and another one is allocated.  With USE
 * "used" the first is summed up before, and the second is written: this is as
 * little as a program does with an object that it needs.  With "bare" nothing
 * is done with them.
 *
 * What it cannot do: measure itself.  tools.sh does.
 */
#include <pthread.h>
#include <stdbool.h>

#include "kinds.h"

#define TOOLS_OBJECTS 256u
#define TOOLS_THREADS 16u

struct tools_object {
    unsigned char *bytes;
    size_t size;
};

static volatile unsigned tools_sum;
static memory_pool_t *tools_pool; /* NULL: malloc() */
static bool tools_used;
static unsigned long tools_rounds; /* of a thread */

static void tools_use(struct tools_object object)
{
    unsigned sum = 0;

    for (size_t i = 0; i < object.size; i++) {
        sum += object.bytes[i];
    }
    if (sum == 1) {
        tools_sum = sum;
    }
}

/* A thread's rounds; NULL: done, else there was no memory. */
static void *tools_run(void *seed)
{
    struct tools_object *objects = calloc(TOOLS_OBJECTS, sizeof *objects);
    memory_pool_t *mp = tools_pool;
    unsigned random = *(unsigned *)seed;

    for (unsigned long i = 0; objects != NULL && i < tools_rounds; i++) {
        random = random * 1103515245u + 12345u;
        struct tools_object *at = &objects[random >> 16 & (TOOLS_OBJECTS - 1)];
        if (tools_used) {
            tools_use(*at);
        }
        if (mp == NULL) {
            free(at->bytes);
        } else if (at->bytes != NULL) {
            kinds_free(mp, at->bytes);
        }
        at->size = 16 + (random >> 24 & 127u);
        at->bytes = mp == NULL ? malloc(at->size)
                               : kinds_allocate(mp, at->size);
        if (at->bytes == NULL) {
            return seed;
        }
        if (tools_used) {
            memset(at->bytes, (int)i, at->size);
        }
    }
    for (unsigned i = 0; mp == NULL && i < TOOLS_OBJECTS; i++) {
        free(objects[i].bytes);
    }
    free(objects);
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[TOOLS_THREADS];
    unsigned seeds[TOOLS_THREADS];
    const char *kind = argc > 1 ? argv[1] : "default";
    unsigned long count = argc > 4 ? strtoul(argv[4], NULL, 10) : 1;
    int failed = 0;

    if (count < 1 || count > TOOLS_THREADS) {
        return 2;
    }
    tools_used = argc <= 3 || strcmp(argv[3], "bare") != 0;
    tools_rounds = (argc > 2 ? strtoul(argv[2], NULL, 10) : 1) / count;
    tools_pool = strcmp(kind, "malloc") == 0 ? NULL : kinds_make(kind);
    for (unsigned i = 0; i < count; i++) {
        seeds[i] = i + 1;
        if (i > 0 &&
            pthread_create(&threads[i], NULL, tools_run, &seeds[i]) != 0) {
            return 2;
        }
    }
    failed |= tools_run(&seeds[0]) != NULL;
    for (unsigned i = 1; i < count; i++) {
        void *answer = NULL;
        failed |= pthread_join(threads[i], &answer) != 0 || answer != NULL;
    }
    if (tools_pool != NULL) {
        kinds_end(tools_pool);
    }
    return failed;
}
