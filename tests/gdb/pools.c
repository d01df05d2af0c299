/* SPDX-License-Identifier: MIT
 *
 * pools.c - makes pools of each kind and ends in a crash, for gdb to look at.
 *
 * The pools and what is in them have names in one variable, told.
 */
#include <memory_pool.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct told {
    memory_pool_t *server;  /* cached; the parent of the next */
    memory_pool_t *request; /* counted */
    memory_pool_t *locked;
    memory_pool_t *buffer;
    memory_pool_t *base;
    memory_pool_t *tracked;
    memory_pool_t *gone;    /* destroyed; the library keeps it */
    mp_handle_t *handle;
    mp_mark_t mark;
    mp_mark_t no_mark;
    mp_string_t string;
    mp_options_t options;
    mp_stats_t stats;
    char *live;             /* 40 bytes of server */
    char *middle;           /* 3000 bytes */
    char *large;            /* 1000000 bytes */
    char *marked;           /* 100 bytes, of the mark */
    char *cached;           /* 200 bytes, freed, in a cache */
    char *exact;            /* 33 bytes of request */
    char *first;            /* 20 bytes of locked */
    char *free;             /* freed there: 48 bytes with another behind */
    char *base_object;      /* 7 bytes */
    char *watched;          /* 24 bytes of tracked */
    char *watched_freed;    /* 25 bytes, freed */
    char *foreign;
    char *far;              /* in the range, where nothing is yet */
    size_t capacity;        /* of base */
};

/* Read by gdb alone.  The last two are in the manual. */
extern struct told told;
extern char *user_name, *old_name;
struct told told;
char *user_name, *old_name;

static atomic_bool there; /* the second thread is where it stays */

/* Ends the program where it lacks memory: a test then has nothing to show. */
static void *have(void *pointer)
{
    if (pointer == NULL) {
        perror("pools");
        exit(1);
    }
    return pointer;
}

static void *allocate(memory_pool_t *mp, size_t size)
{
    return memset(have(mp_allocate(mp, size)), 'x', size);
}

/* A second thread that has a cache, and stays. */
static void *work(void *argument)
{
    told.cached = allocate(told.server, 200);
    free_memory(told.server, told.cached);
    atomic_store(&there, true);
    while (argument == NULL) {
        pause();
    }
    return argument;
}

static memory_pool_t *create(mp_options_t options)
{
    return have(mp_create(&options));
}

static void make_pools(void)
{
    static char memory[8192];
    static mp_backing_t backing;

    backing = mp_backing_buffer(memory, sizeof memory);
    told.server = create((mp_options_t){.name = "server"});
    free_all_memory(told.server);
    told.request = create((mp_options_t){
        .name = "request", .capacity = 4096, .parent = told.server});
    destroy_memory_pool(create((mp_options_t){.threads = MP_THREADS_LOCKED}));
    told.locked = create((mp_options_t){.threads = MP_THREADS_LOCKED});
    told.buffer = create((mp_options_t){.backing = &backing});
    told.base = have(init_memory_pool());
    told.options = (mp_options_t){
        .name = "tracked\n", .flags = MP_CALLERS | MP_POISON};
    told.tracked = create(told.options);
    told.gone = create((mp_options_t){.capacity = 0});
    destroy_memory_pool(told.gone);
}

static void make_objects(void)
{
    told.live = allocate(told.server, 40);
    told.middle = allocate(told.server, 3000);
    told.large = allocate(told.server, 1000000);
    told.handle = have(mp_attach(told.server));
    told.exact = allocate(told.request, 33);
    told.first = allocate(told.locked, 20);
    told.free = allocate(told.locked, 48);
    allocate(told.locked, 16);
    free_memory(told.locked, told.free);
    told.base_object = allocate(told.base, 7);
    told.watched = allocate(told.tracked, 24);
    told.watched_freed = allocate(told.tracked, 25);
    free_memory(told.tracked, told.watched_freed);
    mp_append_bytes(told.server, &told.string, "grown", 5);
    told.mark = mp_mark(told.server);
    told.marked = allocate(told.server, 100);
    user_name = told.exact;
    old_name = told.watched_freed;
    told.foreign = (char *)&told;
    told.far = (char *)told.server + 40960;
    told.capacity = MAX_BLOCK_SIZE;
    if (mp_allocate(told.request, 4090) != NULL) {
        exit(1);
    }
    mp_stats(told.server, &told.stats);
}

int main(void)
{
    pthread_t thread;

    make_pools();
    make_objects();
    if (pthread_create(&thread, NULL, work, NULL) != 0) {
        return 1;
    }
    while (!atomic_load(&there)) {
        sched_yield();
    }
    abort();
}
