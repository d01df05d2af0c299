/* SPDX-License-Identifier: MIT
 *
 * pauses.c - how long a call on a large pool holds up other threads.
 *
 *   bench-pauses [-r] [MiB [rounds]]    a pool of 1024 MiB, five rounds
 *
 * One thread allocates and frees without a break, and notes the longest time
 * between two of its steps.  Meanwhile the main thread makes one call after
 * the other on the same pool, which holds long objects among short ones, with
 * holes between them.  Another pool has a capacity, and is full while nearly
 * all of its memory are freed short objects in its caches.  Each line shows a
 * call, how long it took, and how long it held up the other thread.  Other
 * programs can make both longer and never shorter, so the least of all rounds
 * is shown.  With -r the lines are those of bench/run.sh: the name of a work, a
 * tab, and the milliseconds of the pause.
 *
 * What it cannot do: tell a call that was held up itself from one that is slow.
 */
#include <memory_pool.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MIB ((size_t)1 << 20)
#define STEPS 64u /* of the other thread between two looks at the clock */
#define GROWN_BYTES ((size_t)250 << 10)
#define GROWN (256 * MIB / GROWN_BYTES)

static struct {
    memory_pool_t *mp;
    size_t capacity; /* 0: none */
    void **objects;
    size_t count;
    uint64_t random;
    atomic_bool end;
    atomic_bool watched;  /* by the main thread: a call is being made */
    atomic_uint looks;    /* at the clock, by the other thread */
    _Atomic uint64_t worst; /* by the other thread: nanoseconds, in this call */
} pauses;

static uint64_t pauses_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static size_t pauses_random(size_t below)
{
    pauses.random ^= pauses.random << 13;
    pauses.random ^= pauses.random >> 7;
    pauses.random ^= pauses.random << 17;
    return (size_t)(pauses.random % below);
}

static void pauses_fail(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

/* One object in 200 is long, where any is. */
static size_t pauses_size(bool limited)
{
    return !limited && pauses_random(200) == 0 ? 20000 + pauses_random(100000)
                                   : 16 + pauses_random(500);
}

static void pauses_fill(size_t bytes, bool limited)
{
    size_t used = 0;

    for (pauses.count = 0; used < bytes; pauses.count++) {
        size_t size = pauses_size(limited);
        void *object = mp_allocate(pauses.mp, size);
        if (object == NULL) {
            pauses_fail("mp_allocate");
        }
        memset(object, 1, size);
        pauses.objects[pauses.count] = object;
        used += size;
    }
}

/* Frees all objects but one in so many, at random. */
static void pauses_free_but(size_t part)
{
    for (size_t i = 0; i < pauses.count; i++) {
        if (pauses.objects[i] != NULL && pauses_random(part) != 0) {
            free_memory(pauses.mp, pauses.objects[i]);
            pauses.objects[i] = NULL;
        }
    }
}

static void pauses_free_half(void)
{
    pauses_free_but(2);
}

static void pauses_free_most(void)
{
    pauses_free_but(64);
}

static void *pauses_work(void *unused)
{
    uint64_t last = pauses_now();

    while (!atomic_load(&pauses.end)) {
        for (unsigned i = 0; i < STEPS; i++) {
            free_memory(pauses.mp, mp_allocate(pauses.mp, 50 + i * 40));
        }
        uint64_t now = pauses_now();
        if (atomic_load(&pauses.watched) &&
            now - last > atomic_load(&pauses.worst)) {
            atomic_store(&pauses.worst, now - last);
        }
        last = now;
        atomic_fetch_add(&pauses.looks, 1);
    }
    return unused;
}

static void pauses_reset(void)
{
    free_all_memory(pauses.mp);
    memset(pauses.objects, 0, pauses.count * sizeof *pauses.objects);
}

static void pauses_trim(void)
{
    mp_trim(pauses.mp, 0);
}

static void pauses_stats(void)
{
    mp_stats_t stats;

    if (mp_stats(pauses.mp, &stats) != 0) {
        pauses_fail("mp_stats");
    }
}

static void pauses_check(void)
{
    if (mp_check(pauses.mp) != 0) {
        pauses_fail("mp_check");
    }
}

static int pauses_visit(void *object, size_t size, void *context)
{
    (void)object;
    *(size_t *)context += size;
    return 0;
}

static void pauses_walk(void)
{
    size_t bytes = 0;

    if (mp_walk(pauses.mp, pauses_visit, &bytes) < 0) {
        pauses_fail("mp_walk");
    }
}

/* Long objects: holes for them run out, so that all that caches hold is joined
 * before the pool grows. */
static void pauses_grow(void)
{
    void *objects[GROWN];

    for (size_t i = 0; i < GROWN; i++) {
        objects[i] = mp_allocate(pauses.mp, GROWN_BYTES);
        if (objects[i] == NULL) {
            pauses_fail("mp_allocate");
        }
    }
    for (size_t i = 0; i < GROWN; i++) {
        free_memory(pauses.mp, objects[i]);
    }
}

/* More than is free of the capacity. */
static void pauses_refuse(void)
{
    if (mp_allocate(pauses.mp, pauses.capacity) != NULL) {
        pauses_fail("a pool with a capacity");
    }
}

static void pauses_locate(void)
{
    for (size_t i = 0; i < 100 && i < pauses.count; i++) {
        size_t at = pauses_random(pauses.count);
        char *object = pauses.objects[at];
        if (object != NULL &&
            mp_locate(pauses.mp, object + 8) == MP_FOREIGN) {
            pauses_fail("mp_locate");
        }
    }
}

static const struct {
    const char *name;
    const char *work;
    void (*call)(void);
    void (*prepare)(void); /* NULL: nothing */
    bool limited;          /* the pool has a capacity */
} pauses_calls[] = {
    {"mp_stats", "pause-stats", pauses_stats, NULL, false},
    {"mp_check", "pause-check", pauses_check, NULL, false},
    {"mp_walk", "pause-walk", pauses_walk, NULL, false},
    {"mp_locate, 100 times", "pause-locate", pauses_locate, NULL, false},
    {"mp_allocate of 256 MiB", "pause-grow", pauses_grow, NULL, false},
    {"mp_trim", "pause-trim", pauses_trim, pauses_free_half, false},
    {"free_all_memory", "pause-reset", pauses_reset, NULL, false},
    {"mp_trim of an empty pool", "pause-trim-empty", pauses_trim, NULL, false},
    {"mp_allocate in a full pool", "pause-full", pauses_refuse,
     pauses_free_most, true},
};

#define CALLS (sizeof pauses_calls / sizeof pauses_calls[0])

/* Milliseconds, the least of all rounds. */
static double pauses_took[CALLS], pauses_held[CALLS];

/* The other thread has looked at the clock once since, all of it. */
static void pauses_await_look(void)
{
    unsigned before = atomic_load(&pauses.looks);

    while (atomic_load(&pauses.looks) - before < 2) {
        sched_yield();
    }
}

/* Makes a call beside the other thread, which knows at its next look how long
 * it was held up. */
static void pauses_call(size_t i, unsigned round)
{
    if (pauses_calls[i].prepare != NULL) {
        pauses_calls[i].prepare();
    }
    pauses_await_look();
    atomic_store(&pauses.worst, 0);
    atomic_store(&pauses.watched, true);
    uint64_t begin = pauses_now();
    pauses_calls[i].call();
    double took = (double)(pauses_now() - begin) / 1e6;
    pauses_await_look();
    atomic_store(&pauses.watched, false);
    double held = (double)atomic_load(&pauses.worst) / 1e6;
    if (round == 0 || took < pauses_took[i]) {
        pauses_took[i] = took;
    }
    if (round == 0 || held < pauses_held[i]) {
        pauses_held[i] = held;
    }
}

static void pauses_round(size_t bytes, unsigned round, bool limited)
{
    pauses.capacity = limited ? 2 * bytes : 0;
    const mp_options_t options = {.capacity = pauses.capacity};
    pthread_t other;

    pauses.mp = mp_create(&options);
    if (pauses.mp == NULL) {
        pauses_fail("mp_create");
    }
    atomic_store(&pauses.end, false);
    if (pthread_create(&other, NULL, pauses_work, NULL) != 0) {
        pauses_fail("pthread_create");
    }
    pauses_fill(bytes, limited);
    if (!limited) {
        pauses_free_half();
    }
    for (size_t i = 0; i < CALLS; i++) {
        if (pauses_calls[i].limited == limited) {
            pauses_call(i, round);
        }
    }
    atomic_store(&pauses.end, true);
    pthread_join(other, NULL);
    destroy_memory_pool(pauses.mp);
}

static void pauses_print(size_t mib, unsigned rounds, int raw)
{
    if (!raw) {
        printf("a pool of %zu MiB, the least of %u rounds\n", mib, rounds);
        printf("%-26s %10s %16s\n", "", "took, ms", "held others, ms");
    }
    for (size_t i = 0; i < CALLS; i++) {
        if (raw) {
            printf("%s\t%.3f\n", pauses_calls[i].work, pauses_held[i]);
        } else {
            printf("%-26s %10.2f %16.2f\n", pauses_calls[i].name,
                   pauses_took[i], pauses_held[i]);
        }
    }
}

int main(int argc, char **argv)
{
    int raw = argc > 1 && strcmp(argv[1], "-r") == 0;
    size_t mib = argc > raw + 1 ? strtoul(argv[raw + 1], NULL, 10) : 1024;
    unsigned rounds =
        argc > raw + 2 ? (unsigned)strtoul(argv[raw + 2], NULL, 10) : 5;

    if (mib == 0 || mib > SIZE_MAX / MIB || rounds == 0) {
        fprintf(stderr, "usage: bench-pauses [-r] [MiB [rounds]]\n");
        return 2;
    }
    pauses.objects = malloc(mib * MIB / 16 * sizeof *pauses.objects);
    if (pauses.objects == NULL) {
        pauses_fail("malloc");
    }
    for (unsigned round = 0; round < rounds; round++) {
        pauses.random = 0x9e3779b97f4a7c15u + round;
        pauses_round(mib * MIB, round, false);
        pauses_round(mib * MIB, round, true);
    }
    pauses_print(mib, rounds, raw);
    free(pauses.objects);
    return EXIT_SUCCESS;
}
