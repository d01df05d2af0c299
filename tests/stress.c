/* SPDX-License-Identifier: MIT
 *
 * stress.c - threads that do everything at once, for as long as asked.
 *
 * Rounds of threads share some pools and a table of objects.  A thread that
 * takes an object out of the table owns it, checks each of its bytes, and frees
 * it, resizes it or puts it back.  The threads also make pools, and trees of
 * pools with cleanups, and pass them to other threads, which destroy them.
 * They reset one pool that others allocate from.  They set marks in the shared
 * pools, as threads and by handles that move between threads.  They call
 * statistics, walks and pictures for these pools.  Half of their calls are
 * compiled in, the other half calls the library.  The main thread forks
 * meanwhile; the child uses, checks, resets and destroys every pool.  Between
 * rounds every pool is checked, and now and then reset.
 *
 * MP_STRESS_SECONDS, MP_STRESS_THREADS and MP_SEED say how long, how many and
 * what; the seed gives each thread's choices, not how the threads interleave.
 * A free of what a reset dropped is not here: no program may do that beside
 * another free of the same address.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <memory_pool_inline.h>

#include "called.h"
#include "redirect.h"
#include "sanitizer.h"

#define STRESS_THREADS_MOST 64
#define STRESS_POOLS 4
#define STRESS_SLOTS 1024
#define STRESS_OPERATIONS 20000
#define STRESS_GIFTS 16
#define STRESS_CAPACITY ((size_t)24 << 20)
#define STRESS_CHILD_SECONDS 60

/* An object and what its bytes are. */
struct stress_item {
    unsigned char *at;
    size_t size;
    uint64_t tag;
    memory_pool_t *mp;
};

static memory_pool_t *stress_pools[STRESS_POOLS];
static memory_pool_t *stress_dropped; /* reset while others allocate */
static _Atomic(struct stress_item *) stress_slots[STRESS_SLOTS];
static _Atomic(memory_pool_t *) stress_gifts[STRESS_GIFTS];
static atomic_ulong stress_done;

static void stress_fail(const char *what, int line)
{
    fprintf(stderr, "stress: line %d: %s (errno %d)\n", line, what, errno);
    abort();
}

#define STRESS_EXPECT(what)               \
    do {                                  \
        if (!(what)) {                    \
            stress_fail(#what, __LINE__); \
        }                                 \
    } while (0)

static uint64_t stress_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static size_t stress_below(uint64_t *state, size_t bound)
{
    return (size_t)(stress_random(state) % bound);
}

static unsigned long stress_number(const char *name, unsigned long otherwise)
{
    const char *text = getenv(name);

    return text == NULL || *text == '\0' ? otherwise
                                         : strtoul(text, NULL, 10);
}

static double stress_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Most objects are small; a few are large enough for a block alone. */
static size_t stress_size(uint64_t *state)
{
    switch (stress_below(state, 64)) {
    case 0:
        return 1 + stress_below(state, 400000);
    case 1:
    case 2:
    case 3:
        return 1 + stress_below(state, 10000);
    default:
        return 1 + stress_below(state, (size_t)16
                                           << stress_below(state, 7));
    }
}

static unsigned char stress_byte(uint64_t tag, size_t i)
{
    return (unsigned char)((tag >> (i % 8 * 8)) + i / 8);
}

static void stress_fill(struct stress_item *item, uint64_t *state)
{
    item->tag = stress_random(state);
    for (size_t i = 0; i < item->size; i++) {
        item->at[i] = stress_byte(item->tag, i);
    }
}

static bool stress_holds(const unsigned char *at, size_t n, uint64_t tag)
{
    size_t i = 0;

    while (i < n && at[i] == stress_byte(tag, i)) {
        i++;
    }
    return i == n;
}

/* A new object by one of the ways there are; NULL: the pool is full. */
static struct stress_item *stress_allocate(memory_pool_t *mp,
                                           uint64_t *state)
{
    struct stress_item *item = malloc(sizeof *item);
    size_t alignment = 1;

    STRESS_EXPECT(item != NULL);
    item->mp = mp;
    item->size = stress_size(state);
    switch (stress_below(state, 8)) {
    case 0:
        item->at = mp_calloc(mp, 1, item->size);
        for (size_t i = 0; item->at != NULL && i < item->size; i++) {
            STRESS_EXPECT(item->at[i] == 0);
        }
        break;
    case 1:
        alignment = (size_t)1 << stress_below(state, 13);
        item->at = mp_aligned_alloc(mp, alignment, item->size);
        break;
    case 2:
    case 3:
    case 4:
        item->at = CALLED(mp_allocate)(mp, item->size);
        break;
    default:
        item->at = mp_allocate(mp, item->size);
        break;
    }
    if (item->at == NULL) {
        STRESS_EXPECT(errno == ENOBUFS);
        free(item);
        return NULL;
    }
    STRESS_EXPECT((uintptr_t)item->at % alignment == 0);
    stress_fill(item, state);
    return item;
}

static void stress_free(struct stress_item *item)
{
    if (item != NULL) {
        STRESS_EXPECT(stress_holds(item->at, item->size, item->tag));
        errno = 0;
        if (item->tag % 2 == 0) {
            free_memory(item->mp, item->at);
        } else {
            CALLED(free_memory)(item->mp, item->at);
        }
        STRESS_EXPECT(errno == 0);
        free(item);
    }
}

static void stress_resize(struct stress_item *item, uint64_t *state)
{
    size_t size = stress_size(state);
    unsigned char *at = mp_realloc(item->mp, item->at, size);

    if (at == NULL) {
        STRESS_EXPECT(errno == ENOBUFS);
        size = item->size;
        at = item->at;
    }
    STRESS_EXPECT(stress_holds(at, size < item->size ? size : item->size,
                               item->tag));
    item->at = at;
    item->size = size;
    stress_fill(item, state);
}

static void stress_look(struct stress_item *item, uint64_t *state)
{
    size_t i = stress_below(state, item->size);

    STRESS_EXPECT(is_mp_ptr(item->mp, item->at));
    STRESS_EXPECT(mp_locate(item->mp, item->at + i) ==
                  (i == 0 ? MP_LIVE : MP_INTERIOR));
    STRESS_EXPECT(mp_usable_size(item->mp, item->at) >= item->size);
    STRESS_EXPECT(mp_owner(item->at + i) == item->mp);
}

static void stress_object(uint64_t *state)
{
    size_t slot = stress_below(state, STRESS_SLOTS);
    struct stress_item *item = atomic_exchange(&stress_slots[slot], NULL);

    if (item == NULL) {
        item = stress_allocate(stress_pools[stress_below(state,
                                                         STRESS_POOLS)],
                               state);
    } else if (stress_below(state, 4) == 0) {
        stress_resize(item, state);
    } else if (stress_below(state, 64) == 0) {
        stress_look(item, state);
    } else {
        stress_free(item);
        item = NULL;
    }
    stress_free(atomic_exchange(&stress_slots[slot], item));
}

#include "stress_scopes.h"

/* Makes a pool with some objects, and destroys another's. */
static void stress_gift(uint64_t *state)
{
    mp_options_t options = {.threads = (mp_threads_t)stress_below(state, 2)};
    memory_pool_t *mp = mp_create(&options);
    size_t slot = stress_below(state, STRESS_GIFTS);
    struct stress_item *items[40];
    unsigned count = (unsigned)stress_below(state, 40);

    STRESS_EXPECT(mp != NULL);
    for (unsigned i = 0; i < count; i++) {
        items[i] = stress_allocate(mp, state);
    }
    for (unsigned i = 0; i < count; i++) {
        if (i % 3 == 0) {
            stress_free(items[i]);
        } else {
            free(items[i]);
        }
    }
    stress_grow_tree(mp, state);
    mp = atomic_exchange(&stress_gifts[slot], mp);
    if (mp != NULL) {
        void *object = mp_allocate(mp, 100);
        STRESS_EXPECT(object != NULL);
        STRESS_EXPECT(mp_owner(object) == mp);
        STRESS_EXPECT(stress_below(state, 8) != 0 || mp_check(mp) == 0);
        destroy_memory_pool(mp);
    }
}

/* A sanitizer puts a thread together, and takes it apart, with calls to its
 * malloc() that nothing can hold back while the process forks, see
 * inject.c: the forks wait for the ones, the threads with the others. */
static atomic_uint stress_begun;
static atomic_bool stress_forks;

static void *stress_thread(void *argument)
{
    uint64_t state = *(const uint64_t *)argument;
    unsigned operations = STRESS_OPERATIONS / 2;

    atomic_fetch_add(&stress_begun, 1);
    operations += (unsigned)stress_below(&state, STRESS_OPERATIONS / 2);
    for (unsigned i = 0; i < operations && !atomic_load(&stress_stop); i++) {
        size_t choice = stress_below(&state, 4096);
        if (choice == 0) {
            free_all_memory(stress_dropped);
        } else if (choice < 8) {
            stress_gift(&state);
        } else if (choice == 8) {
            size_t pool = stress_below(&state, STRESS_POOLS);
            STRESS_EXPECT(mp_check(stress_pools[pool]) == 0);
        } else if (choice == 9) {
            size_t pool = stress_below(&state, STRESS_POOLS);
            mp_trim(stress_pools[pool], stress_below(&state, 1000000));
        } else if (choice < 12) {
            stress_view(&state);
        } else if (choice < 20) {
            stress_marked(&state);
        } else if (choice < 40) {
            stress_wander(&state);
        } else if (choice < 60) {
            stress_strings(&state);
        } else if (choice < 256) {
            STRESS_EXPECT(mp_allocate(stress_dropped,
                                      1 + stress_below(&state, 2000)) != NULL);
        } else {
            stress_object(&state);
        }
        atomic_fetch_add_explicit(&stress_done, 1, memory_order_relaxed);
    }
    while (SANITIZER_ON && atomic_load(&stress_forks)) {
        sched_yield();
    }
    return NULL;
}

/* What a child does with a pool: never more than the pool itself needs. */
static int stress_use(memory_pool_t *mp)
{
    void *objects[200];

    for (unsigned i = 0; i < 200; i++) {
        objects[i] = mp_allocate(mp, 1 + i * 7);
    }
    for (unsigned i = 0; i < 200; i += 2) {
        if (objects[i] != NULL) {
            errno = 0;
            free_memory(mp, objects[i]);
            if (errno != 0) {
                return 10;
            }
        }
    }
    if (mp_check(mp) != 0) {
        return 11;
    }
    free_all_memory(mp);
    if (mp_allocate(mp, 1000) == NULL) {
        return 12;
    }
    int status = mp_check(mp) == 0 ? 0 : 13;
    destroy_memory_pool(mp);
    return status;
}

static int stress_child(void)
{
    int status = 0;

    alarm(STRESS_CHILD_SECONDS);
    for (unsigned i = 0; i < STRESS_POOLS && status == 0; i++) {
        status = stress_use(stress_pools[i]);
    }
    if (status == 0) {
        status = stress_use(stress_dropped);
    }
    memory_pool_t *mp = mp_create(NULL);
    return status != 0 ? status : mp == NULL ? 14 : stress_use(mp);
}

static void stress_fork(void)
{
    int status;
    pid_t child = fork();

    STRESS_EXPECT(child >= 0);
    if (child == 0) {
        _exit(stress_child());
    }
    STRESS_EXPECT(waitpid(child, &status, 0) == child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fprintf(stderr, "stress: child ended with status %#x\n", status);
        abort();
    }
}

static void stress_make(void)
{
    const mp_options_t options[STRESS_POOLS] = {
        {.name = "cached"},
        {.name = "cached too"},
        {.threads = MP_THREADS_LOCKED},
        {.capacity = STRESS_CAPACITY},
    };

    for (unsigned i = 0; i < STRESS_POOLS; i++) {
        stress_pools[i] = mp_create(&options[i]);
        STRESS_EXPECT(stress_pools[i] != NULL);
    }
    stress_dropped = mp_create(NULL);
    STRESS_EXPECT(stress_dropped != NULL);
    stress_nowhere = fopen("/dev/null", "w");
    STRESS_EXPECT(stress_nowhere != NULL);
    STRESS_EXPECT(setvbuf(stress_nowhere, stress_nowhere_buffer, _IOFBF,
                          sizeof stress_nowhere_buffer) == 0);
}

/* Frees what lies in the table, or resets all pools and forgets it. */
static void stress_clear(bool by_reset)
{
    for (unsigned i = 0; i < STRESS_SLOTS; i++) {
        struct stress_item *item = atomic_exchange(&stress_slots[i], NULL);
        if (by_reset) {
            free(item);
        } else {
            stress_free(item);
        }
    }
    for (unsigned i = 0; i < STRESS_HANDLES; i++) {
        struct stress_handle *handle = atomic_load(&stress_handles[i]);
        if (handle != NULL && by_reset) {
            handle->mark.number = 0;
        } else if (handle != NULL) {
            stress_handle_rewind(handle);
        }
    }
    for (unsigned i = 0; i < STRESS_POOLS; i++) {
        mp_stats_t stats;
        if (by_reset) {
            free_all_memory(stress_pools[i]);
        }
        STRESS_EXPECT(mp_check(stress_pools[i]) == 0);
        STRESS_EXPECT(mp_stats(stress_pools[i], &stats) == 0);
        STRESS_EXPECT(stats.live_objects == 0);
        STRESS_EXPECT(stats.allocations == stats.frees);
    }
}

static void stress_round(unsigned threads, uint64_t *state, double end)
{
    pthread_t ids[STRESS_THREADS_MOST];
    uint64_t seeds[STRESS_THREADS_MOST];

    atomic_store(&stress_begun, 0);
    atomic_store(&stress_forks, true);
    for (unsigned i = 0; i < threads; i++) {
        seeds[i] = stress_random(state);
        STRESS_EXPECT(
            pthread_create(&ids[i], NULL, stress_thread, &seeds[i]) == 0);
    }
    while (SANITIZER_ON && atomic_load(&stress_begun) < threads) {
        sched_yield();
    }
    for (size_t forks = stress_below(state, 4); forks > 0; forks--) {
        stress_fork();
    }
    atomic_store(&stress_forks, false);
    if (stress_now() > end) {
        atomic_store(&stress_stop, true);
    }
    for (unsigned i = 0; i < threads; i++) {
        STRESS_EXPECT(pthread_join(ids[i], NULL) == 0);
    }
    for (unsigned i = 0; i < STRESS_POOLS; i++) {
        STRESS_EXPECT(mp_check(stress_pools[i]) == 0);
    }
    STRESS_EXPECT(mp_check(stress_dropped) == 0);
}

static void stress_finish(void)
{
    for (unsigned i = 0; i < STRESS_GIFTS; i++) {
        memory_pool_t *mp = atomic_exchange(&stress_gifts[i], NULL);
        if (mp != NULL) {
            STRESS_EXPECT(mp_check(mp) == 0);
            destroy_memory_pool(mp);
        }
    }
    STRESS_EXPECT(atomic_load(&stress_cleanups) == 0);
    stress_clear(false);
    for (unsigned i = 0; i < STRESS_HANDLES; i++) {
        stress_handle_end(atomic_exchange(&stress_handles[i], NULL));
    }
    for (unsigned i = 0; i < STRESS_POOLS; i++) {
        destroy_memory_pool(stress_pools[i]);
    }
    destroy_memory_pool(stress_dropped);
    fclose(stress_nowhere);
}

int main(void)
{
    unsigned threads = (unsigned)stress_number("MP_STRESS_THREADS", 8);
    unsigned long seconds = stress_number("MP_STRESS_SECONDS", 5);
    uint64_t state = stress_number("MP_SEED", (unsigned long)time(NULL));
    double end = stress_now() + (double)seconds;
    unsigned long rounds = 0;

    STRESS_EXPECT(threads >= 1 && threads <= STRESS_THREADS_MOST);
    printf("MP_SEED=%llu MP_STRESS_SECONDS=%lu MP_STRESS_THREADS=%u\n",
           (unsigned long long)state, seconds, threads);
    fflush(stdout);
    stress_make();
    do {
        stress_round(threads, &state, end);
        if (stress_below(&state, 4) == 0) {
            stress_clear(stress_below(&state, 2) == 0);
        }
        rounds++;
    } while (stress_now() < end);
    stress_finish();
    printf("%lu rounds, %lu operations\n", rounds,
           atomic_load(&stress_done));
    return EXIT_SUCCESS;
}
