/* SPDX-License-Identifier: MIT
 *
 * work_memory.h - resident memory of a full pool and of idle ones, and what a
 * small program costs under memcheck.
 *
 * Part of work.h.  Each figure is meant for a process that has done nothing
 * before: the difference of two resident sizes, whole pages of it, so small
 * payloads would measure the page and not the allocator.
 */
#ifndef WORK_MEMORY_H
#define WORK_MEMORY_H

/* Memory for the benchmark's own use, resident before anything is counted
 * and from no allocator. */
static void *work_map(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED) {
        measure_fail("mmap failed");
    }
    memset(p, 1, size);
    return p;
}

/* Resident bytes per byte asked for, each object written from end to end.
 * The pointers are not counted. */
static double work_resident(size_t parameter, uint64_t operations)
{
    size_t count = 0;
    size_t payload = 0;
    size_t before;
    size_t after;
    void **object;
    peer_t *peer;

    (void)parameter;
    (void)operations;
    for (; payload < WORK_PAYLOAD; count++) {
        payload += measure_sizes[count % MEASURE_SIZES];
    }
    object = (void **)work_map(count * sizeof *object);
    measure_resident();         /* its own buffers */
    before = measure_resident();
    peer = work_create(measure_room_of(count));
    for (size_t i = 0; i < count; i++) {
        size_t size = measure_sizes[i % MEASURE_SIZES];
        object[i] = work_take(peer, size);
        memset(object[i], 1, size);
        work_keep(object[i]);
    }
    after = measure_resident();
    return (double)(after - before) / (double)payload;
}

/* Resident bytes per pool of WORK_IDLE pools that hold nothing; with
 * parameter 1 each has held a group of objects before. */
static double work_idle_pools(size_t parameter, uint64_t operations)
{
    peer_t **peer = (peer_t **)work_map(WORK_IDLE * sizeof *peer);
    size_t before;
    size_t after;

    (void)operations;
    measure_resident();
    before = measure_resident();
    for (size_t i = 0; i < WORK_IDLE; i++) {
        peer[i] = work_create(MEASURE_BASE);
        if (parameter != 0) {
            work_group(peer[i], measure_sizes);
        }
    }
    after = measure_resident();
    return (double)(after - before) / WORK_IDLE;
}

/* This program under memcheck, which does LIFO pairs: milliseconds; with
 * parameter 1 kilobytes at the most.  0: it could not be run. */
static double work_memcheck(size_t parameter, uint64_t operations)
{
    uint64_t start = measure_now();
    struct rusage usage;
    int status;
    pid_t child;

    (void)operations;
    fflush(stdout);
    child = fork();
    if (child == 0) {
        if (freopen("/dev/null", "w", stdout) != NULL) {
            execlp("valgrind", "valgrind", "-q", work_program, "-n", "1020",
                   "lifo", (char *)NULL);
        }
        _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &usage) != child ||
        status != 0) {
        return 0;
    }
    return parameter == 0 ? (double)(measure_now() - start) / 1e6
                          : (double)usage.ru_maxrss;
}

#endif /* WORK_MEMORY_H */
