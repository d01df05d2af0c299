/* SPDX-License-Identifier: MIT
 *
 * measure.h - clock, resident memory and object sizes of the benchmarks.
 *
 * Written in what C11 and C++17 share, since one peer is a C++ library.
 * Everything here is the same for every peer, so that a figure differs from
 * its neighbour's by the allocator alone.
 *
 * The resident size is Linux's own account of the process; on a system
 * without /proc/self/smaps_rollup the memory figures are left out.
 */
#ifndef MEASURE_H
#define MEASURE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Objects that are allocated and freed together. */
#define MEASURE_GROUP 10

/* Sizes are drawn from a table, whole groups at a time: long enough that no
 * branch predictor learns it, short enough to stay in the first cache. */
#define MEASURE_GROUPS 102
#define MEASURE_SIZES (MEASURE_GROUPS * MEASURE_GROUP)

/* What a base pool holds: the base table's groups fit into it. */
#define MEASURE_BASE 1024

static uint32_t measure_sizes[MEASURE_SIZES];

static inline uint64_t measure_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* xorshift64: the same sequence in every program and every run. */
static inline uint64_t measure_random(uint64_t *state)
{
    uint64_t x = *state;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    *state = x;
    return x;
}

/* Room of an object in a pool that only aligns to 16. */
static inline size_t measure_room(size_t size)
{
    return (size + 15u) & ~(size_t)15u;
}

static void measure_one_size(size_t size)
{
    for (unsigned i = 0; i < MEASURE_SIZES; i++) {
        measure_sizes[i] = (uint32_t)size;
    }
}

/*
 * The mix.  It has the shape of what real programs (compilers, interpreters,
 * git, jq, SQLite, Redis, ripgrep, xmllint and others, recorded call by call)
 * asked malloc for: medians of 11 to 120 bytes, most objects of 16 to 128
 * bytes, and a thin tail.  No one of them has exactly these shares.  Sizes
 * above 1024 bytes are left out: there the peers measure page faults.
 */
static void measure_mix(void)
{
    static const uint16_t mix[][2] = { /* size, percent */
        { 16, 14 }, { 20, 5 }, { 24, 11 }, { 32, 15 }, { 40, 8 }, { 48, 10 },
        { 56, 5 }, { 64, 9 }, { 80, 6 }, { 100, 5 }, { 128, 5 }, { 200, 3 },
        { 336, 2 }, { 568, 1 }, { 1024, 1 }
    };
    uint64_t random = 88172645463325252u;

    for (unsigned i = 0; i < MEASURE_SIZES; i++) {
        unsigned pick = (unsigned)(measure_random(&random) >> 32) % 100;
        unsigned k = 0;
        while (pick >= mix[k][1]) {
            pick -= mix[k][1];
            k++;
        }
        measure_sizes[i] = mix[k][0];
    }
}

/* The mix, cut down until each group fits into a base pool that loses bytes
 * to alignment, as the plain one does. */
static void measure_base_mix(void)
{
    measure_mix();
    for (unsigned at = 0; at < MEASURE_SIZES; at += MEASURE_GROUP) {
        for (;;) {
            unsigned largest = at;
            size_t sum = 0;
            for (unsigned i = at; i < at + MEASURE_GROUP; i++) {
                sum += measure_room(measure_sizes[i]);
                if (measure_sizes[i] > measure_sizes[largest]) {
                    largest = i;
                }
            }
            if (sum <= MEASURE_BASE) {
                break;
            }
            measure_sizes[largest] /= 2;
        }
    }
}

/* Room for count objects, sizes drawn in the table's order. */
static size_t measure_room_of(size_t count)
{
    size_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        sum += measure_room(measure_sizes[i % MEASURE_SIZES]);
    }
    return sum;
}

/* Bytes of the process's own memory that are resident now; 0 where the system
 * does not tell.  The code of a library is not among them: it is a file's, all
 * processes share it, and how much of it is mapped depends on what the system
 * read ahead.  smaps_rollup walks the page tables; statm's counters lag by some
 * pages per thread. */
static size_t measure_resident(void)
{
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    char line[256];
    size_t kilobytes = 0;

    if (file == NULL) {
        return 0;
    }
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "Anonymous:", 10) == 0) {
            kilobytes = (size_t)strtoul(line + 10, NULL, 10);
        }
    }
    fclose(file);
    return kilobytes * 1024;
}

static void measure_fail(const char *what)
{
    fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

#endif /* MEASURE_H */
