/* SPDX-License-Identifier: MIT
 *
 * work_threads.h - the work of several threads on one pool.
 *
 * Part of work.h.  Threads begin together at a barrier; the time runs from
 * the first one's start to the last one's end and is divided by the pairs
 * of all of them, so that perfect scaling halves a figure with each doubling
 * while cores last.
 */
#ifndef WORK_THREADS_H
#define WORK_THREADS_H

struct work_thread {
    pthread_t id;
    pthread_barrier_t *barrier;
    peer_t *peer;
    struct work_slots slots; /* count 0: LIFO groups */
    uint64_t pairs;
    uint64_t start;
    uint64_t end;
};

static void *work_thread_run(void *argument)
{
    struct work_thread *self = (struct work_thread *)argument;
    peer_t *peer = peer_thread_begin(self->peer);

    work_slots_fill(peer, &self->slots);
    pthread_barrier_wait(self->barrier);
    self->start = measure_now();
    if (self->slots.count == 0) {
        work_groups(peer, self->pairs);
    } else {
        work_slots_replace(peer, &self->slots, self->pairs);
    }
    self->end = measure_now();
    work_slots_drop(peer, &self->slots);
    peer_thread_end(peer);
    return NULL;
}

/* Each thread replaces live objects of its own, or does LIFO pairs if live is
 * 0. */
static double work_together(size_t count, size_t live, uint64_t operations)
{
    struct work_thread thread[WORK_THREADS];
    pthread_barrier_t barrier;
    peer_t *shared = work_create(PEER_CAPACITY ? PEER_CAPACITY : 1 << 20);
    uint64_t pairs = operations / count;
    uint64_t start = UINT64_MAX;
    uint64_t end = 0;

    pthread_barrier_init(&barrier, NULL, (unsigned)count);
    for (size_t i = 0; i < count; i++) {
        thread[i].barrier = &barrier;
        thread[i].peer = PEER_THREADS == 2 ? work_create(65536) : shared;
        thread[i].pairs = pairs;
        /* A line apart. */
        thread[i].slots.object = work_object + i * (live + 64);
        thread[i].slots.size = work_size + i * (live + 64);
        thread[i].slots.count = live;
        if (pthread_create(&thread[i].id, NULL, work_thread_run,
                           &thread[i]) != 0) {
            measure_fail("cannot start a thread");
        }
    }
    for (size_t i = 0; i < count; i++) {
        pthread_join(thread[i].id, NULL);
        start = thread[i].start < start ? thread[i].start : start;
        end = thread[i].end > end ? thread[i].end : end;
        if (PEER_THREADS == 2) {
            peer_destroy(thread[i].peer);
        }
    }
    peer_destroy(shared);
    pthread_barrier_destroy(&barrier);
    return (double)(end - start) / (double)(pairs * count);
}

static double work_threads(size_t count, uint64_t operations)
{
    return work_together(count, 0, operations);
}

static double work_threads_replace(size_t count, uint64_t operations)
{
    return work_together(count, 500, operations);
}

static pthread_mutex_t work_idle_lock = PTHREAD_MUTEX_INITIALIZER;

static void *work_idle_run(void *argument)
{
    pthread_mutex_lock(&work_idle_lock);
    pthread_mutex_unlock(&work_idle_lock);
    return argument;
}

/* LIFO pairs of one thread while a second one exists and waits: what a lock
 * costs, which C libraries leave out where they know of one thread only. */
static double work_lifo(size_t parameter, uint64_t operations)
{
    pthread_t idle;
    double figure;

    pthread_mutex_lock(&work_idle_lock);
    if (pthread_create(&idle, NULL, work_idle_run, NULL) != 0) {
        measure_fail("cannot start a thread");
    }
    figure = work_alone(parameter, operations);
    pthread_mutex_unlock(&work_idle_lock);
    pthread_join(idle, NULL);
    return figure;
}

/* One producer allocates, one consumer frees.  The indices are published in
 * batches, since the cost of a cache line changing hands per object would
 * hide the allocators. */
struct work_ring {
    void *object[WORK_RING];
    uint32_t size[WORK_RING];
    uint64_t written __attribute__((aligned(128)));
    uint64_t read __attribute__((aligned(128)));
    peer_t *peer __attribute__((aligned(128)));
    uint64_t count;
};

static struct work_ring work_ring;

/* Waits until *index is at least wanted. */
static uint64_t work_wait(const uint64_t *index, uint64_t wanted)
{
    unsigned turns = 0;
    uint64_t now;

    while ((now = __atomic_load_n(index, __ATOMIC_ACQUIRE)) < wanted) {
        if (++turns % 64 == 0) {
            sched_yield();
        }
    }
    return now;
}

static void *work_consume(void *argument)
{
    struct work_ring *ring = (struct work_ring *)argument;
    peer_t *peer = peer_thread_begin(ring->peer);

    for (uint64_t i = 0; i < ring->count; i += WORK_BATCH) {
        work_wait(&ring->written, i + WORK_BATCH);
        for (uint64_t k = i; k < i + WORK_BATCH; k++) {
            size_t at = k % WORK_RING;
            uint64_t size = *(uint64_t *)ring->object[at];
            if (size != ring->size[at]) {
                measure_fail(PEER_NAME ": an object was overwritten");
            }
            peer_free(peer, ring->object[at], ring->size[at]);
        }
        __atomic_store_n(&ring->read, i + WORK_BATCH, __ATOMIC_RELEASE);
    }
    peer_thread_end(peer);
    return NULL;
}

static double work_produce(size_t parameter, uint64_t operations)
{
    struct work_ring *ring = &work_ring;
    pthread_t consumer;
    uint64_t start;
    unsigned k = 0;

    (void)parameter;
    ring->count = operations - operations % WORK_BATCH;
    ring->written = 0;
    ring->read = 0;
    ring->peer = work_create(1 << 20);
    if (pthread_create(&consumer, NULL, work_consume, ring) != 0) {
        measure_fail("cannot start a thread");
    }
    start = measure_now();
    for (uint64_t i = 0; i < ring->count; i += WORK_BATCH) {
        if (i + WORK_BATCH > WORK_RING) {
            work_wait(&ring->read, i + WORK_BATCH - WORK_RING);
        }
        for (uint64_t n = i; n < i + WORK_BATCH; n++) {
            uint32_t size = measure_sizes[k];
            k = k + 1 == MEASURE_SIZES ? 0 : k + 1;
            ring->size[n % WORK_RING] = size;
            ring->object[n % WORK_RING] = work_take(ring->peer, size);
        }
        __atomic_store_n(&ring->written, i + WORK_BATCH, __ATOMIC_RELEASE);
    }
    pthread_join(consumer, NULL);
    start = measure_now() - start;
    peer_destroy(ring->peer);
    return (double)start / (double)ring->count;
}

#endif /* WORK_THREADS_H */
