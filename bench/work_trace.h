/* SPDX-License-Identifier: MIT
 *
 * work_trace.h - what a real program did, as record.c noted it, as steps.
 *
 * Part of work.h.  "trace:NAME" is the file NAME.trace in the directory that
 * BENCH_TRACES names.  Addresses become numbers of objects beforehand, and all
 * of that is resident before anything is counted.
 *
 * A number is used again, as an address is, but by the thread alone that had it
 * before.  An object that another thread frees or resizes than the one that
 * allocated it has a number of its own, which is used once.  So a thread that
 * waits until such a place is filled has the right object, and no other place
 * is shared.
 */
#ifndef WORK_TRACE_H
#define WORK_TRACE_H

#include <fcntl.h>
#include <sys/stat.h>

#include "record.h"

#define WORK_NONE UINT32_MAX
#define WORK_TRACE_THREADS 64u /* those of a program beyond these do their
                                * steps, too */

enum { WORK_STEP_ZERO = 1, /* calloc */
       WORK_STEP_GIVES = 2, /* another thread frees or resizes what is made */
       WORK_STEP_WAITS = 4 /* another thread has made what is old */ };

struct work_step {
    uint32_t old;  /* numbers of objects; WORK_NONE: none */
    uint32_t made;
    uint64_t size; /* of the one made */
    uint32_t thread;
    uint32_t flags;
};

struct work_trace {
    struct work_step *step;
    size_t steps;
    size_t peak_step;
    uint64_t peak_bytes; /* live at once, as the program asked for them */
    uint32_t objects;    /* their numbers */
    uint32_t threads;
    void **object;
    uint64_t *size;
};

static const char *work_trace_name;

/* Live addresses and their numbers: open addressing, linear; what has gone
 * keeps its place for the same address.  By number: the owner, the step that
 * made the object, its size, and the next free one of the same owner. */
struct work_names {
    uint64_t *address;
    uint32_t *number;
    size_t mask;
    uint32_t *owner;
    uint32_t *made;
    uint32_t *next;
    uint64_t *size;
    uint32_t used;
    uint32_t free_number[WORK_TRACE_THREADS];
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

    if (address == 0 || names->address[i] == 0) {
        return WORK_NONE;
    }
    names->number[i] = WORK_NONE;
    return number;
}

static uint32_t work_rename(struct work_names *names, uint64_t address,
                            uint32_t thread)
{
    size_t i = work_name(names, address);
    uint32_t number = names->free_number[thread];

    if (number == WORK_NONE) {
        number = names->used++;
    } else {
        names->free_number[thread] = names->next[number];
    }
    names->owner[number] = thread;
    names->address[i] = address;
    names->number[i] = number;
    return number;
}

static void work_forget(struct work_names *names, uint32_t number)
{
    uint32_t owner = names->owner[number];

    names->next[number] = names->free_number[owner];
    names->free_number[owner] = number;
}

/* The old object of a step.  Its number is not used again before the new
 * object has its own: both exist while one is resized. */
static void work_number_old(struct work_trace *trace, struct work_step *step,
                            struct work_names *names, uint32_t number)
{
    step->old = number;
    if (number != WORK_NONE && names->owner[number] != step->thread) {
        step->old = names->used++;
        step->flags |= WORK_STEP_WAITS;
        trace->step[names->made[number]].made = step->old;
        trace->step[names->made[number]].flags |= WORK_STEP_GIVES;
    }
}

/* Turns the notes into steps. */
static void work_number(struct work_trace *trace, const struct record *record,
                        size_t count, struct work_names *names)
{
    uint64_t live = 0;

    for (size_t i = 0; i < count; i++) {
        struct work_step *step = &trace->step[trace->steps];
        uint32_t old = work_unname(names, record[i].old);
        step->thread = record[i].thread % WORK_TRACE_THREADS;
        step->flags = record[i].flags & RECORD_CALLOC ? WORK_STEP_ZERO : 0;
        step->size = record[i].size == 0 ? 1 : record[i].size;
        step->made = WORK_NONE;
        work_number_old(trace, step, names, old);
        if (step->thread >= trace->threads) {
            trace->threads = step->thread + 1;
        }
        if (record[i].made != 0) {
            step->made = work_rename(names, record[i].made, step->thread);
            names->made[step->made] = (uint32_t)trace->steps;
            names->size[step->made] = step->size;
            live += step->size;
        }
        if (old != WORK_NONE) {
            live -= names->size[old];
            work_forget(names, old);
        }
        if (live > trace->peak_bytes) {
            trace->peak_bytes = live;
            trace->peak_step = trace->steps;
        }
        trace->steps += step->made != WORK_NONE || old != WORK_NONE;
    }
    trace->objects = names->used;
}

static const struct record *work_open(size_t *count)
{
    const char *directory = getenv("BENCH_TRACES");
    char name[4096];
    struct stat about;
    void *record;
    int file;

    snprintf(name, sizeof name, "%s/%s.trace",
             directory == NULL ? "." : directory,
             work_trace_name == NULL ? "" : work_trace_name);
    file = open(name, O_RDONLY);
    if (file < 0 || fstat(file, &about) != 0 ||
        about.st_size < (off_t)sizeof(struct record)) {
        fprintf(stderr, "bench: %s: ", name);
        measure_fail("no trace");
    }
    *count = (size_t)about.st_size / sizeof(struct record);
    record = mmap(NULL, *count * sizeof(struct record), PROT_READ,
                  MAP_PRIVATE, file, 0);
    if (record == MAP_FAILED) {
        measure_fail("the trace cannot be read");
    }
    close(file);
    return (const struct record *)record;
}

static void work_load(struct work_trace *trace)
{
    struct work_names names;
    size_t count;
    size_t room = 1;
    const struct record *record = work_open(&count);

    while (room < 2 * count + 2) {
        room *= 2;
    }
    memset(trace, 0, sizeof *trace);
    memset(&names, 0, sizeof names);
    memset(names.free_number, 0xff, sizeof names.free_number);
    trace->step = (struct work_step *)work_map(count * sizeof *trace->step);
    names.mask = room - 1;
    names.address = (uint64_t *)work_map(room * sizeof *names.address);
    names.number = (uint32_t *)work_map(room * sizeof *names.number);
    names.owner = (uint32_t *)work_map(2 * count * sizeof *names.owner);
    names.made = (uint32_t *)work_map(2 * count * sizeof *names.made);
    names.next = (uint32_t *)work_map(2 * count * sizeof *names.next);
    names.size = (uint64_t *)work_map(2 * count * sizeof *names.size);
    memset(names.address, 0, room * sizeof *names.address);
    work_number(trace, record, count, &names);
    munmap((void *)(uintptr_t)record, count * sizeof(struct record));
    munmap(names.address, room * sizeof *names.address);
    munmap(names.number, room * sizeof *names.number);
    munmap(names.owner, 2 * count * sizeof *names.owner);
    munmap(names.made, 2 * count * sizeof *names.made);
    munmap(names.next, 2 * count * sizeof *names.next);
    munmap(names.size, 2 * count * sizeof *names.size);
    trace->object =
        (void **)work_map(trace->objects * sizeof *trace->object);
    trace->size = (uint64_t *)work_map(trace->objects * sizeof *trace->size);
}

#endif /* WORK_TRACE_H */
