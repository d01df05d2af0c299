/* SPDX-License-Identifier: MIT
 *
 * work.h - the work that every peer does, and the program around it.
 *
 * A process has one malloc, so each peer is a program of its own.  Its
 * source names the peer's calls and then includes this file:
 *
 *   PEER_NAME        as the driver calls it
 *   PEER_FREES       0: no free of one object; groups end with a reset
 *   PEER_ANY_ORDER   frees in any order
 *   PEER_RESETS      0: no reset; every object is freed in its turn
 *   PEER_SIZED       peer_free() needs the size, so the work remembers it
 *   PEER_THREADS     0: one thread; 1: threads share a pool; 2: one each
 *   PEER_POOL        0: the process is the pool, making one is nothing
 *   PEER_LOOP        1: keeps nothing; 0 where left out
 *   PEER_CAPACITY    most bytes in a pool; 0: any
 *   PEER_CONTAINERS  1: it has work_containers(); 0 where left out
 *   PEER_GROWS       1: it has peer_calloc() and peer_resize()
 *   PEER_BEGINS      1: it has peer_thread_begin(), for each other thread
 *   PEER_BYTES       1: it has peer_bytes(), what its blocks hold
 *   PEER_KIND        a function that chooses a kind of pool by its name
 *   peer_t, peer_create(room), peer_destroy(), peer_allocate(), peer_free(),
 *   peer_reset(), peer_thread_end()
 *
 * The calls are static inline around the library's function, so that the
 * work makes the call a program would make, through the linkage table.  A
 * peer that lacks something leaves out the work that needs it.
 *
 * Each new object's first eight bytes are written, in memory works all of it
 * and in works that grow or clear objects a word of each page.  Every pointer
 * is kept where the compiler must believe that it is read.
 *
 * Output: work, tab, figure.  Nanoseconds per operation, the loop itself
 * included, unless the work's name says memory.
 */
#ifndef WORK_H
#define WORK_H

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"

#ifndef PEER_LOOP
#define PEER_LOOP 0
#endif
#ifndef PEER_CONTAINERS
#define PEER_CONTAINERS 0
#define work_containers NULL
#endif
#ifndef PEER_GROWS
#define PEER_GROWS 0
#endif
#ifndef PEER_BYTES
#define PEER_BYTES 0
#define peer_bytes(peer) ((size_t)0)
#endif
#ifndef PEER_KIND
#define PEER_KIND(name) 0
#endif
#ifndef PEER_BEGINS
#define peer_thread_begin(peer) (peer)
#endif

#define WORK_THREADS 8
#define WORK_PAGE 4096
#define WORK_LIVE 100000
#define WORK_RING 1024
#define WORK_BATCH 16
#define WORK_PAYLOAD ((size_t)16 << 20)
#define WORK_IDLE 1024

typedef double work_fn(size_t parameter, uint64_t operations);

static const char *work_program; /* this one, as it was called */

static void *work_object[WORK_LIVE];
static uint32_t work_size[WORK_LIVE];

/* The compiler may assume neither that p's bytes are unread nor which they
 * are. */
static inline void work_keep(void *p)
{
    __asm__ volatile("" : : "r"(p) : "memory");
}

static inline void *work_take(peer_t *peer, size_t size)
{
    void *p = peer_allocate(peer, size);

    if (p == NULL) {
        measure_fail(PEER_NAME ": no memory");
    }
    *(uint64_t *)p = size;
    work_keep(p);
    return p;
}

static peer_t *work_create(size_t room)
{
    peer_t *peer = peer_create(room);

    if (peer == NULL) {
        measure_fail(PEER_NAME ": cannot make a pool");
    }
    return peer;
}

/* A group in the order of the table, freed in reverse. */
static inline void work_group(peer_t *peer, const uint32_t *size)
{
    void *object[MEASURE_GROUP];

    for (int i = 0; i < MEASURE_GROUP; i++) {
        object[i] = work_take(peer, size[i]);
    }
    work_keep(object);
    if (!PEER_FREES) {
        peer_reset(peer);
        return;
    }
    for (int i = MEASURE_GROUP - 1; i >= 0; i--) {
        peer_free(peer, object[i], size[i]);
    }
}

static void work_groups(peer_t *peer, uint64_t pairs)
{
    const uint32_t *size = measure_sizes;

    for (uint64_t done = 0; done < pairs; done += MEASURE_GROUP) {
        work_group(peer, size);
        size += MEASURE_GROUP;
        if (size == measure_sizes + MEASURE_SIZES) {
            size = measure_sizes;
        }
    }
}

static double work_alone(size_t parameter, uint64_t operations)
{
    peer_t *peer = work_create(PEER_CAPACITY ? PEER_CAPACITY : 65536);
    uint64_t start;
    uint64_t end;

    (void)parameter;
    start = measure_now();
    work_groups(peer, operations);
    end = measure_now();
    peer_destroy(peer);
    return (double)(end - start) / (double)operations;
}

/* Drops the first count objects of work_object. */
static inline void work_drop(peer_t *peer, size_t count)
{
    if (PEER_RESETS) {
        peer_reset(peer);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        peer_free(peer, work_object[i], measure_sizes[i % MEASURE_SIZES]);
    }
}

static double work_fill(size_t count, uint64_t operations)
{
    peer_t *peer = work_create(measure_room_of(count));
    uint64_t start = measure_now();
    uint64_t end;

    for (uint64_t done = 0; done < operations; done += count) {
        size_t k = 0;
        for (size_t i = 0; i < count; i++) {
            work_object[i] = work_take(peer, measure_sizes[k]);
            k = k + 1 == MEASURE_SIZES ? 0 : k + 1;
        }
        work_keep(work_object);
        work_drop(peer, count);
    }
    end = measure_now();
    peer_destroy(peer);
    return (double)(end - start) / (double)operations;
}

/* Objects that replace one another, and the sizes that some peers need. */
struct work_slots {
    void **object;
    uint32_t *size;
    size_t count;
};

static void work_slots_fill(peer_t *peer, const struct work_slots *slots)
{
    for (size_t i = 0; i < slots->count; i++) {
        slots->size[i] = measure_sizes[i % MEASURE_SIZES];
        slots->object[i] = work_take(peer, slots->size[i]);
    }
}

/* One of the live objects, drawn at random, makes room for a new one of a
 * size drawn at random. */
static inline void work_slots_replace(peer_t *peer,
                                      const struct work_slots *slots,
                                      uint64_t operations)
{
    uint64_t random = 88172645463325252u;

    for (uint64_t done = 0; done < operations; done++) {
        uint64_t x = measure_random(&random);
        size_t k = (size_t)(((x >> 32) * slots->count) >> 32);
        uint32_t size = measure_sizes[((x & 0xffff) * MEASURE_SIZES) >> 16];
        peer_free(peer, slots->object[k], slots->size[k]);
        slots->object[k] = work_take(peer, size);
        if (PEER_SIZED) {
            slots->size[k] = size;
        }
    }
}

static void work_slots_drop(peer_t *peer, const struct work_slots *slots)
{
    for (size_t i = 0; i < slots->count; i++) {
        peer_free(peer, slots->object[i], slots->size[i]);
    }
}

static double work_replace(size_t count, uint64_t operations)
{
    struct work_slots slots = {work_object, work_size, count};
    peer_t *peer = work_create(measure_room_of(count));
    uint64_t start;
    uint64_t end;

    work_slots_fill(peer, &slots);
    start = measure_now();
    work_slots_replace(peer, &slots, operations);
    end = measure_now();
    work_slots_drop(peer, &slots);
    peer_destroy(peer);
    return (double)(end - start) / (double)operations;
}

/* A pool's whole life: made, a group that fits into a base pool, dropped.
 * Without pools: the group freed one by one. */
static double work_life(size_t parameter, uint64_t operations)
{
    const uint32_t *size = measure_sizes;
    uint64_t start = measure_now();

    (void)parameter;
    for (uint64_t done = 0; done < operations; done++) {
        peer_t *peer = work_create(MEASURE_BASE);
        if (PEER_POOL) {
            void *object[MEASURE_GROUP];
            for (int i = 0; i < MEASURE_GROUP; i++) {
                object[i] = work_take(peer, size[i]);
            }
            work_keep(object);
        } else {
            work_group(peer, size);
        }
        peer_destroy(peer);
        size += MEASURE_GROUP;
        if (size == measure_sizes + MEASURE_SIZES) {
            size = measure_sizes;
        }
    }
    return (double)(measure_now() - start) / (double)operations;
}

#include "work_grow.h"
#include "work_threads.h"
#include "work_memory.h"
#include "work_mix.h"
#include "work_trace.h"
#include "work_replay.h"
#include "work_main.h"

#endif /* WORK_H */
