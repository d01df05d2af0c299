/* SPDX-License-Identifier: MIT
 *
 * work_mix.h - memory that is held for mixes of sizes, beside what is live.
 *
 * Part of work.h.  Objects replace one another at random: long ones among
 * short ones, sizes that shift from phase to phase, and several threads that
 * free what others allocated.  The figure is what was held at the most, less
 * 1 MiB for each thread, by the bytes that were live at the most.  What is
 * held is the blocks, where the peer tells them, else what is resident.
 */
#ifndef WORK_MIX_H
#define WORK_MIX_H

#define WORK_MIX_SLOTS 60000u
#define WORK_MIX_STEPS 360000u /* of all threads */
#define WORK_MIX_LOOKS 2000u   /* steps of the first thread between looks */

static const struct work_mix {
    unsigned threads;
    unsigned phases;   /* short sizes double up to the middle one, and back */
    unsigned least;    /* short sizes: from least to most */
    unsigned most;
    unsigned one_in;   /* so many is long */
    unsigned long_least;
    unsigned long_most;
} work_mixes[] = {
    { 1, 1, 192, 575, 200, 20000, 119999 },
    { 4, 1, 192, 575, 200, 20000, 119999 },
    { 1, 9, 24, 71, 200, 20000, 119999 },
    { 4, 9, 24, 71, 200, 20000, 119999 },
    { 1, 9, 40, 119, 50, 3000, 30000 },
};

static struct work_mixing {
    const struct work_mix *mix;
    peer_t *peer;
    uint64_t **slot;  /* the objects, whose first word is their size */
    size_t before;
    size_t live;
    size_t live_most;
    size_t held_most;
    unsigned started;
    pthread_barrier_t gate;
} work_mixing;

static size_t work_mix_size(uint64_t *random, unsigned phase)
{
    const struct work_mix *mix = work_mixing.mix;
    unsigned doubled = phase < mix->phases / 2 ? phase
                                               : mix->phases - 1 - phase;
    uint64_t x = measure_random(random) >> 8;

    if (x % mix->one_in == 0) {
        return mix->long_least +
               x / mix->one_in % (mix->long_most - mix->long_least + 1);
    }
    return ((size_t)mix->least << doubled) +
           x % ((size_t)(mix->most - mix->least + 1) << doubled);
}

static void work_mix_look(void)
{
    size_t held = PEER_BYTES ? peer_bytes(work_mixing.peer)
                             : measure_resident() - work_mixing.before;
    size_t live = __atomic_load_n(&work_mixing.live, __ATOMIC_RELAXED);

    if (held > work_mixing.held_most) {
        work_mixing.held_most = held;
    }
    if (live > work_mixing.live_most) {
        work_mixing.live_most = live;
    }
}

static void *work_mix_run(void *unused)
{
    const struct work_mix *mix = work_mixing.mix;
    unsigned self = __atomic_fetch_add(&work_mixing.started, 1,
                                       __ATOMIC_RELAXED);
    unsigned steps = WORK_MIX_STEPS / mix->threads;
    uint64_t random = 88172645463325252u + self;
    peer_t *peer = peer_thread_begin(work_mixing.peer);

    for (unsigned phase = 0; phase < mix->phases; phase++) {
        pthread_barrier_wait(&work_mixing.gate);
        for (unsigned i = 0; i < steps; i++) {
            size_t k = (size_t)(measure_random(&random) >> 8) % WORK_MIX_SLOTS;
            size_t size = work_mix_size(&random, phase);
            uint64_t *p = (uint64_t *)work_take(peer, size);
            size_t old = 0;
            work_touch(p, 0, size);
            *p = size;
            p = __atomic_exchange_n(&work_mixing.slot[k], p,
                                    __ATOMIC_ACQ_REL);
            if (p != NULL) {
                old = (size_t)*p;
                peer_free(peer, p, old);
            }
            __atomic_fetch_add(&work_mixing.live, size - old,
                               __ATOMIC_RELAXED);
            if (self == 0 && i % WORK_MIX_LOOKS == 0) {
                work_mix_look();
            }
        }
    }
    peer_thread_end(peer);
    return unused;
}

static double work_mixed(size_t which, uint64_t operations)
{
    const struct work_mix *mix = &work_mixes[which];
    pthread_t id[WORK_THREADS];

    (void)operations;
    work_mixing.mix = mix;
    work_mixing.slot = (uint64_t **)work_map(WORK_MIX_SLOTS *
                                             sizeof *work_mixing.slot);
    memset(work_mixing.slot, 0, WORK_MIX_SLOTS * sizeof *work_mixing.slot);
    pthread_barrier_init(&work_mixing.gate, NULL, mix->threads);
    measure_resident();
    work_mixing.before = measure_resident();
    work_mixing.peer = work_create(1 << 20);
    for (unsigned i = 0; i < mix->threads; i++) {
        if (pthread_create(&id[i], NULL, work_mix_run, NULL) != 0) {
            measure_fail("cannot start a thread");
        }
    }
    for (unsigned i = 0; i < mix->threads; i++) {
        pthread_join(id[i], NULL);
    }
    work_mix_look();
    return ((double)work_mixing.held_most -
            (double)((size_t)mix->threads << 20)) /
           (double)work_mixing.live_most;
}

#endif /* WORK_MIX_H */
