/* SPDX-License-Identifier: MIT
 *
 * work_trace.h - does again what a real program did, as record.c noted it.
 *
 * Part of work.h.  The trace is the file that BENCH_TRACE names.  It is
 * turned into numbered objects beforehand, and all of that is resident
 * before anything is counted.  What several threads of the program did is
 * done by one, in the order of the trace.
 *
 * No peer's own resize is used, since most have none: an object that changes
 * its size is allocated anew, copied and freed, with both there for a moment.
 * So a malloc that resizes in place shows neither that nor its gain.
 */
#ifndef WORK_TRACE_H
#define WORK_TRACE_H

#include <fcntl.h>
#include <sys/stat.h>

#include "record.h"

#define WORK_NONE UINT32_MAX
#define WORK_LOOKS 200 /* at the resident size, besides that at the peak */

struct work_step {
    uint32_t old;  /* numbers of objects; WORK_NONE: none */
    uint32_t made;
    uint64_t size; /* of the one made */
};

struct work_trace {
    struct work_step *step;
    size_t steps;
    size_t peak_step;
    uint64_t peak_bytes; /* live at once, as the program asked for them */
    uint32_t objects;    /* live at once, at most: their numbers */
    void **object;
    uint64_t *size;
};

/* Live addresses and their numbers: open addressing, linear; what has gone
 * keeps its place for the same address. */
struct work_names {
    uint64_t *address;
    uint32_t *number;
    uint32_t *free_number;
    size_t mask;
    uint32_t used;
    uint32_t freed;
};

static size_t work_name(const struct work_names *names, uint64_t address)
{
    size_t i = (size_t)((address >> 4) * 0x9e3779b97f4a7c15u >> 20);

    while (names->address[i & names->mask] != 0 &&
           names->address[i & names->mask] != address) {
        i++;
    }
    return i & names->mask;
}

/* The number of a live object, which it loses; WORK_NONE: there is none. */
static uint32_t work_unname(struct work_names *names, uint64_t address)
{
    size_t i = work_name(names, address);
    uint32_t number = names->number[i];

    if (address == 0 || names->address[i] == 0 || number == WORK_NONE) {
        return WORK_NONE;
    }
    names->number[i] = WORK_NONE;
    names->free_number[names->freed++] = number;
    return number;
}

static uint32_t work_rename(struct work_names *names, uint64_t address)
{
    size_t i = work_name(names, address);

    names->address[i] = address;
    names->number[i] = names->freed > 0
                           ? names->free_number[--names->freed]
                           : names->used++;
    return names->number[i];
}

/* Turns the notes into steps.  An old object keeps its number until the new
 * one has its own: both exist while one is resized. */
static void work_number(struct work_trace *trace, const struct record *record,
                        size_t count, struct work_names *names)
{
    uint64_t live = 0;

    for (size_t i = 0; i < count; i++) {
        struct work_step *step = &trace->step[trace->steps];
        size_t at = work_name(names, record[i].old);
        uint32_t old = record[i].old == 0 || names->address[at] == 0
                           ? WORK_NONE : names->number[at];
        step->made = WORK_NONE;
        step->size = record[i].size == 0 ? 1 : record[i].size;
        if (record[i].made != 0) {
            /* A resize in place: the old name makes way. */
            if (record[i].made == record[i].old) {
                names->number[at] = WORK_NONE;
            }
            step->made = work_rename(names, record[i].made);
            trace->size[step->made] = step->size;
            live += step->size;
        }
        step->old = old;
        if (old != WORK_NONE) {
            live -= trace->size[old];
            if (record[i].made == record[i].old) {
                names->free_number[names->freed++] = old;
            } else {
                work_unname(names, record[i].old);
            }
        }
        if (live > trace->peak_bytes) {
            trace->peak_bytes = live;
            trace->peak_step = trace->steps;
        }
        trace->steps += step->made != WORK_NONE || old != WORK_NONE;
    }
    trace->objects = names->used;
}

static void work_load(struct work_trace *trace)
{
    const char *name = getenv("BENCH_TRACE");
    int file = name == NULL ? -1 : open(name, O_RDONLY);
    struct stat about;
    struct work_names names;
    size_t count;
    size_t room = 1;
    void *record;

    if (file < 0 || fstat(file, &about) != 0 ||
        about.st_size < (off_t)sizeof(struct record)) {
        measure_fail("BENCH_TRACE names no trace");
    }
    count = (size_t)about.st_size / sizeof(struct record);
    record = mmap(NULL, count * sizeof(struct record), PROT_READ,
                  MAP_PRIVATE, file, 0);
    if (record == MAP_FAILED) {
        measure_fail("the trace cannot be read");
    }
    while (room < 2 * count + 2) {
        room *= 2;
    }
    memset(trace, 0, sizeof *trace);
    memset(&names, 0, sizeof names);
    trace->step = (struct work_step *)work_map(count * sizeof *trace->step);
    trace->size = (uint64_t *)work_map(count * sizeof *trace->size);
    trace->object = (void **)work_map(count * sizeof *trace->object);
    names.mask = room - 1;
    names.address = (uint64_t *)work_map(room * sizeof *names.address);
    names.number = (uint32_t *)work_map(room * sizeof *names.number);
    names.free_number = (uint32_t *)work_map(count * sizeof(uint32_t));
    memset(names.address, 0, room * sizeof *names.address);
    work_number(trace, (const struct record *)record, count, &names);
    munmap(record, count * sizeof(struct record));
    munmap(names.address, room * sizeof *names.address);
    munmap(names.number, room * sizeof *names.number);
    munmap(names.free_number, count * sizeof(uint32_t));
    close(file);
}

/* One step; whole: all bytes of a new object are written. */
static inline void work_step(peer_t *peer, struct work_trace *trace,
                             const struct work_step *step, int whole)
{
    void *made = NULL;

    if (step->made != WORK_NONE) {
        made = peer_allocate(peer, (size_t)step->size);
        if (made == NULL) {
            measure_fail(PEER_NAME ": no memory");
        }
        memset(made, 1, whole || step->size < 8 ? (size_t)step->size : 8);
        work_keep(made);
    }
    if (step->old != WORK_NONE) {
        size_t size = (size_t)trace->size[step->old];
        if (made != NULL) {
            memcpy(made, trace->object[step->old],
                   size < step->size ? size : (size_t)step->size);
        }
        peer_free(peer, trace->object[step->old], size);
        trace->object[step->old] = NULL;
    }
    if (made != NULL) {
        trace->object[step->made] = made;
        trace->size[step->made] = step->size;
    }
}

static void work_finish(peer_t *peer, struct work_trace *trace)
{
    for (uint32_t i = 0; i < trace->objects; i++) {
        if (trace->object[i] != NULL && !PEER_POOL) {
            peer_free(peer, trace->object[i], (size_t)trace->size[i]);
        }
        trace->object[i] = NULL;
    }
    peer_destroy(peer);
}

/* Nanoseconds a step, of the second of two times: the first warms up. */
static double work_replay(size_t parameter, uint64_t operations)
{
    struct work_trace trace;
    uint64_t start = 0;
    uint64_t end = 0;

    (void)parameter;
    (void)operations;
    work_load(&trace);
    memset(trace.object, 0, trace.steps * sizeof *trace.object);
    for (int time = 0; time < 2; time++) {
        peer_t *peer = work_create(1 << 20);
        start = measure_now();
        for (size_t i = 0; i < trace.steps; i++) {
            work_step(peer, &trace, &trace.step[i], 0);
        }
        end = measure_now();
        work_finish(peer, &trace);
    }
    return (double)(end - start) / (double)trace.steps;
}

/* Bytes resident at most per byte live at most, all of them written. */
static double work_replay_memory(size_t parameter, uint64_t operations)
{
    struct work_trace trace;
    size_t most = 0;
    size_t before;
    size_t every;
    peer_t *peer;

    (void)parameter;
    (void)operations;
    work_load(&trace);
    memset(trace.object, 0, trace.steps * sizeof *trace.object);
    every = trace.steps / WORK_LOOKS + 1;
    measure_resident();
    before = measure_resident();
    peer = work_create(1 << 20);
    for (size_t i = 0; i < trace.steps; i++) {
        work_step(peer, &trace, &trace.step[i], 1);
        if (i % every == 0 || i == trace.peak_step) {
            size_t now = measure_resident();
            most = now > most ? now : most;
        }
    }
    return before > most ? 0
                         : (double)(most - before) / (double)trace.peak_bytes;
}

#endif /* WORK_TRACE_H */
