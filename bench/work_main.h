/* SPDX-License-Identifier: MIT
 *
 * work_main.h - which work there is, and main().
 *
 * Part of work.h.  A work is run with ever more operations until it has
 * taken a tenth of the time wanted (that warms caches and allocator), then
 * once more for the whole of it: that run is the figure.
 */
#ifndef WORK_MAIN_H
#define WORK_MAIN_H

enum work_table { WORK_MIX, WORK_BASE, WORK_SMALL };

struct work {
    const char *name;
    work_fn *run;
    size_t parameter;
    enum work_table table;
    int able;           /* this peer can do it */
    int timed;          /* else one run gives the figure, and it is not ns */
    uint64_t unit;      /* operations come in multiples of it */
};

#define WORK_ORDER (PEER_FREES && PEER_ANY_ORDER)
#define WORK_ROOM (PEER_CAPACITY == 0)
#define WORK_SHARES (PEER_THREADS != 0 && WORK_ROOM)
#define WORK_KEEPS (WORK_ROOM && !PEER_LOOP)
#define WORK_GROWS (PEER_GROWS && WORK_ROOM)
#define WORK_REPLAYS (WORK_ORDER && WORK_KEEPS)
#define WORK_MIXES (WORK_REPLAYS && PEER_THREADS == 1)

static const struct work work_list[] = {
    { "lifo", work_lifo, 0, WORK_MIX, WORK_ROOM, 1, MEASURE_SIZES },
    { "fill-1000", work_fill, 1000, WORK_MIX, WORK_ROOM, 1, 1000 },
    { "fill-100000", work_fill, 100000, WORK_MIX, WORK_ROOM, 1, 100000 },
    { "replace-500", work_replace, 500, WORK_MIX, WORK_ORDER && WORK_ROOM,
      1, 1000 },
    { "replace-10000", work_replace, 10000, WORK_MIX,
      WORK_ORDER && WORK_ROOM, 1, 1000 },
    { "threads-1", work_threads, 1, WORK_MIX, WORK_SHARES, 1,
      8 * MEASURE_SIZES },
    { "threads-2", work_threads, 2, WORK_MIX, WORK_SHARES, 1,
      8 * MEASURE_SIZES },
    { "threads-4", work_threads, 4, WORK_MIX, WORK_SHARES, 1,
      8 * MEASURE_SIZES },
    { "threads-8", work_threads, 8, WORK_MIX, WORK_SHARES, 1,
      8 * MEASURE_SIZES },
    { "threads-replace-1", work_threads_replace, 1, WORK_MIX,
      WORK_ORDER && WORK_SHARES, 1, 8 * MEASURE_SIZES },
    { "threads-replace-2", work_threads_replace, 2, WORK_MIX,
      WORK_ORDER && WORK_SHARES, 1, 8 * MEASURE_SIZES },
    { "threads-replace-4", work_threads_replace, 4, WORK_MIX,
      WORK_ORDER && WORK_SHARES, 1, 8 * MEASURE_SIZES },
    { "threads-replace-8", work_threads_replace, 8, WORK_MIX,
      WORK_ORDER && WORK_SHARES, 1, 8 * MEASURE_SIZES },
    { "string", work_grow, 0, WORK_MIX, WORK_GROWS, 1, 255 },
    { "vector", work_grow, 1, WORK_MIX, WORK_GROWS, 1, 14 },
    { "grow", work_grow, 2, WORK_MIX, WORK_GROWS, 1, 1023 },
    { "calloc", work_calloc, 0, WORK_MIX, WORK_GROWS, 1, MEASURE_GROUP },
    { "produce", work_produce, 0, WORK_MIX,
      WORK_ORDER && WORK_SHARES, 1, 1600 },
    { "containers-table", work_containers, 0, WORK_MIX, PEER_CONTAINERS, 1,
      20000 },
    { "containers-map", work_containers, 1, WORK_MIX, PEER_CONTAINERS, 1,
      20000 },
    { "containers-list", work_containers, 2, WORK_MIX, PEER_CONTAINERS, 1,
      20000 },
    { "life", work_life, 0, WORK_BASE, 1, 1, MEASURE_GROUPS },
    { "base", work_alone, 0, WORK_BASE, 1, 1, MEASURE_SIZES },
    { "base-idle", work_lifo, 0, WORK_BASE, 1, 1, MEASURE_SIZES },
    { "base-threads-2", work_threads, 2, WORK_SMALL, PEER_THREADS == 1, 1,
      8 * MEASURE_SIZES },
    { "base-threads-4", work_threads, 4, WORK_SMALL, PEER_THREADS == 1, 1,
      8 * MEASURE_SIZES },
    { "memory", work_resident, 0, WORK_MIX, WORK_KEEPS, 0, 1 },
    { "memory-idle", work_idle_pools, 0, WORK_BASE, PEER_POOL, 0, 1 },
    { "memory-used", work_idle_pools, 1, WORK_BASE, PEER_POOL, 0, 1 },
    { "memory-mix", work_mixed, 0, WORK_MIX, WORK_MIXES, 0, 1 },
    { "memory-mix-threads", work_mixed, 1, WORK_MIX, WORK_MIXES, 0, 1 },
    { "memory-phases", work_mixed, 2, WORK_MIX, WORK_MIXES, 0, 1 },
    { "memory-phases-threads", work_mixed, 3, WORK_MIX, WORK_MIXES, 0, 1 },
    { "memory-moving", work_mixed, 4, WORK_MIX, WORK_MIXES, 0, 1 },
    { "memcheck-time", work_memcheck, 0, WORK_MIX, WORK_ROOM, 0, 1 },
    { "memcheck-memory", work_memcheck, 1, WORK_MIX, WORK_ROOM, 0, 1 },
    { "trace-first", work_replay, WORK_FIRST, WORK_MIX, WORK_REPLAYS, 0, 1 },
    { "trace", work_replay, WORK_LATER, WORK_MIX, WORK_REPLAYS, 0, 1 },
    { "trace-threads-first", work_replay, WORK_FIRST | WORK_AS_RECORDED,
      WORK_MIX, WORK_REPLAYS && PEER_THREADS == 1, 0, 1 },
    { "trace-threads", work_replay, WORK_LATER | WORK_AS_RECORDED, WORK_MIX,
      WORK_REPLAYS && PEER_THREADS == 1, 0, 1 },
    { "memory-trace", work_replay_memory, 0, WORK_MIX, WORK_REPLAYS, 0, 1 },
};

#define WORK_COUNT (sizeof work_list / sizeof work_list[0])

/* Finds the work called name[@size] or name[:trace], and fills the table of
 * sizes for it. */
static const struct work *work_find(const char *name)
{
    size_t length = strcspn(name, "@:");
    size_t size = 0;

    if (name[length] == '@') {
        size = (size_t)strtoul(name + length + 1, NULL, 10);
        if (size < 8 || size > (size_t)1 << 20) {
            measure_fail("a size is from 8 to 1048576");
        }
    }
    work_trace_name = name[length] == ':' ? name + length + 1 : NULL;
    for (size_t i = 0; i < WORK_COUNT; i++) {
        const struct work *work = &work_list[i];
        if (strlen(work->name) != length ||
            strncmp(work->name, name, length) != 0) {
            continue;
        }
        if (size != 0) {
            measure_one_size(size);
        } else if (work->table == WORK_BASE) {
            measure_base_mix();
        } else if (work->table == WORK_SMALL) {
            measure_one_size(16);
        } else {
            measure_mix();
        }
        return work;
    }
    fprintf(stderr, "bench: no work is called %s\n", name);
    exit(2);
}

static uint64_t work_round(const struct work *work, double operations)
{
    uint64_t units = (uint64_t)(operations / (double)work->unit);

    return (units == 0 ? 1 : units) * work->unit;
}

static double work_measure(const struct work *work, double milliseconds)
{
    double wanted = milliseconds * 1e6;
    uint64_t operations = work->unit;
    double figure = work->run(work->parameter, operations);

    while (figure * (double)operations < wanted / 10) {
        operations *= 2;
        figure = work->run(work->parameter, operations);
    }
    operations = work_round(work, wanted / figure);
    return work->run(work->parameter, operations);
}

static void work_usage(void)
{
    fprintf(stderr,
            "usage: " PEER_NAME " [-k kind] [-t milliseconds] [-n operations] "
            "work...\n"
            "works: name, name@size or name:trace; all that there are:\n");
    for (size_t i = 0; i < WORK_COUNT; i++) {
        fprintf(stderr, "  %s%s\n", work_list[i].name,
                work_list[i].able ? "" : " (not this peer)");
    }
    exit(2);
}

int main(int argc, char **argv)
{
    double milliseconds = 20;
    double operations = 0;
    int option;

    work_program = argv[0];
    while ((option = getopt(argc, argv, "k:t:n:")) != -1) {
        if (option == 't') {
            milliseconds = strtod(optarg, NULL);
        } else if (option == 'k') {
            if (!PEER_KIND(optarg)) {
                measure_fail(PEER_NAME ": no such kind, or not here");
            }
        } else if (option == 'n') {
            operations = strtod(optarg, NULL);
        } else {
            work_usage();
        }
    }
    if (optind == argc) {
        work_usage();
    }
    for (; optind < argc; optind++) {
        const struct work *work = work_find(argv[optind]);
        double figure;
        if (!work->able) {
            continue;
        }
        if (operations > 0) {
            figure = work->run(work->parameter, work_round(work, operations));
        } else if (work->timed) {
            figure = work_measure(work, milliseconds);
        } else {
            figure = work->run(work->parameter, 1);
        }
        printf("%s\t%.3f\n", argv[optind], figure);
    }
    return 0;
}

#endif /* WORK_MAIN_H */
