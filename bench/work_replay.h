/* SPDX-License-Identifier: MIT
 *
 * work_replay.h - does again what a real program did.
 *
 * Part of work.h.  A step is an allocation, a calloc, a free, or a resize by
 * the peer's own functions.  Two ways: one thread does all, in the order of
 * the trace; or as many threads as the program had do each its own.  Then a
 * thread that frees another's object waits until that is there, and no thread
 * waits for anything else.
 *
 * For memory the threads of the program do the steps in the order of the trace,
 * handing a baton to one another: what is live at once is what it was.
 *
 * What it cannot do: the work of the program between its calls, and starting
 * and ending threads when the program did.  All begin at once, and each ends
 * after its last step.
 */
#ifndef WORK_REPLAY_H
#define WORK_REPLAY_H

#define WORK_LOOKS 200 /* at the resident size, besides that at the peak */
#define WORK_PASSES 3  /* later ones; the least counts */

enum { WORK_FIRST = 0, WORK_LATER = 1, WORK_AS_RECORDED = 2 };

enum work_touch { WORK_TOUCH_FIRST, WORK_TOUCH_PAGES, WORK_TOUCH_ALL };

/* What is written of new objects. */
static enum work_touch work_touches;

/* One thread's steps, and when it did them. */
struct work_part {
    pthread_t id;
    uint32_t self;
    struct work_step *step;
    size_t steps;
    uint64_t start;
    uint64_t end;
    sem_t baton;
};

static struct work_replay {
    struct work_trace trace;
    peer_t *peer;
    struct work_part part[WORK_TRACE_THREADS];
    pthread_barrier_t gate;
    size_t at;   /* for the holder of the baton: the next step */
    size_t most; /* and the most that was resident */
} work_replayed;

static inline void *work_step_old(struct work_trace *trace,
                                  const struct work_step *step)
{
    void **place = &trace->object[step->old];
    void *old;

    if (!(step->flags & WORK_STEP_WAITS)) {
        old = *place;
    } else {
        unsigned turns = 0;
        while ((old = __atomic_load_n(place, __ATOMIC_ACQUIRE)) == NULL) {
            if (++turns % 64 == 0) {
                sched_yield();
            }
        }
    }
    *place = NULL;
    return old;
}

static inline void *work_step_made(peer_t *peer, struct work_trace *trace,
                                   const struct work_step *step)
{
    size_t size = (size_t)step->size;
    size_t old_size = 0;
    void *made;

    if (step->old != WORK_NONE) {
        void *old = work_step_old(trace, step);
        old_size = (size_t)trace->size[step->old];
        made = peer_resize(peer, old, old_size, size);
    } else if (step->flags & WORK_STEP_ZERO) {
        made = peer_calloc(peer, size);
    } else {
        made = peer_allocate(peer, size);
    }
    if (made == NULL) {
        measure_fail(PEER_NAME ": no memory");
    }
    if (work_touches == WORK_TOUCH_FIRST) {
        if (old_size == 0) {
            memset(made, 1, size < 8 ? size : 8);
        }
    } else if (work_touches == WORK_TOUCH_PAGES) {
        work_touch(made, old_size, size);
    } else if (size > old_size) {
        memset((char *)made + old_size, 1, size - old_size);
    }
    work_keep(made);
    return made;
}

static inline void work_step(peer_t *peer, struct work_trace *trace,
                             const struct work_step *step)
{
    if (step->made != WORK_NONE) {
        void *made = work_step_made(peer, trace, step);
        trace->size[step->made] = step->size;
        if (step->flags & WORK_STEP_GIVES) {
            __atomic_store_n(&trace->object[step->made], made,
                             __ATOMIC_RELEASE);
        } else {
            trace->object[step->made] = made;
        }
    } else {
        void *old = work_step_old(trace, step);
        peer_free(peer, old, (size_t)trace->size[step->old]);
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

static void *work_replay_run(void *argument)
{
    struct work_part *part = (struct work_part *)argument;
    peer_t *peer = peer_thread_begin(work_replayed.peer);

    pthread_barrier_wait(&work_replayed.gate);
    part->start = measure_now();
    for (size_t i = 0; i < part->steps; i++) {
        work_step(peer, &work_replayed.trace, &part->step[i]);
    }
    part->end = measure_now();
    peer_thread_end(peer);
    return NULL;
}

/* Gives each thread its steps, in their order. */
static void work_divide(struct work_replay *replay)
{
    const struct work_trace *trace = &replay->trace;
    struct work_step *to =
        (struct work_step *)work_map(trace->steps * sizeof *to);

    for (uint32_t i = 0; i < trace->threads; i++) {
        struct work_part *part = &replay->part[i];
        part->self = i;
        part->step = to;
        for (size_t k = 0; k < trace->steps; k++) {
            if (trace->step[k].thread == i) {
                *to++ = trace->step[k];
            }
        }
        part->steps = (size_t)(to - part->step);
    }
}

static void work_start(struct work_replay *replay, void *(*run)(void *))
{
    for (uint32_t i = 0; i < replay->trace.threads; i++) {
        if (pthread_create(&replay->part[i].id, NULL, run,
                           &replay->part[i]) != 0) {
            measure_fail("cannot start a thread");
        }
    }
    for (uint32_t i = 0; i < replay->trace.threads; i++) {
        pthread_join(replay->part[i].id, NULL);
    }
}

/* Nanoseconds from the first thread's start to the last one's end. */
static uint64_t work_pass_threads(struct work_replay *replay)
{
    uint64_t start = UINT64_MAX;
    uint64_t end = 0;

    pthread_barrier_init(&replay->gate, NULL, replay->trace.threads);
    work_start(replay, work_replay_run);
    pthread_barrier_destroy(&replay->gate);
    for (uint32_t i = 0; i < replay->trace.threads; i++) {
        const struct work_part *part = &replay->part[i];
        start = part->start < start ? part->start : start;
        end = part->end > end ? part->end : end;
    }
    return end - start;
}

static uint64_t work_pass_alone(struct work_replay *replay)
{
    struct work_trace *trace = &replay->trace;
    peer_t *peer = replay->peer;
    uint64_t start = measure_now();

    for (size_t i = 0; i < trace->steps; i++) {
        work_step(peer, trace, &trace->step[i]);
    }
    return measure_now() - start;
}

static void work_prepare(struct work_replay *replay)
{
    const char *touch = getenv("BENCH_TOUCH");

    work_touches = touch != NULL && touch[0] != '\0' ? WORK_TOUCH_PAGES
                                                     : WORK_TOUCH_FIRST;
    work_load(&replay->trace);
    memset(replay->trace.object, 0,
           replay->trace.objects * sizeof *replay->trace.object);
    work_divide(replay);
}

/* Nanoseconds a step, of the first pass in a new process, or the least of some
 * later ones, each in a new pool. */
static double work_replay(size_t how, uint64_t operations)
{
    struct work_replay *replay = &work_replayed;
    int passes = how & WORK_LATER ? 1 + WORK_PASSES : 1;
    uint64_t least = UINT64_MAX;

    (void)operations;
    work_prepare(replay);
    for (int pass = 0; pass < passes; pass++) {
        uint64_t took;
        replay->peer = work_create(1 << 20);
        took = how & WORK_AS_RECORDED ? work_pass_threads(replay)
                                      : work_pass_alone(replay);
        if (pass > 0 || passes == 1) {
            least = took < least ? took : least;
        }
        work_finish(replay->peer, &replay->trace);
    }
    return (double)least / (double)replay->trace.steps;
}

static void work_baton_steps(struct work_replay *replay, peer_t *peer,
                             uint32_t self)
{
    const struct work_trace *trace = &replay->trace;
    size_t every = trace->steps / WORK_LOOKS + 1;
    size_t i = replay->at;

    for (; i < trace->steps && trace->step[i].thread == self; i++) {
        work_step(peer, &replay->trace, &trace->step[i]);
        if (i % every == 0 || i == trace->peak_step) {
            size_t now = measure_resident();
            replay->most = now > replay->most ? now : replay->most;
        }
    }
    replay->at = i;
}

/* The semaphore orders what the holders of the baton write. */
static void *work_baton_run(void *argument)
{
    struct work_part *part = (struct work_part *)argument;
    struct work_replay *replay = &work_replayed;
    peer_t *peer = peer_thread_begin(replay->peer);

    for (size_t left = part->steps; left > 0;) {
        size_t before;
        while (sem_wait(&part->baton) != 0) {
        }
        before = replay->at;
        work_baton_steps(replay, peer, part->self);
        left -= replay->at - before;
        if (replay->at < replay->trace.steps) {
            sem_post(&replay->part[replay->trace.step[replay->at].thread]
                          .baton);
        }
    }
    peer_thread_end(peer);
    return NULL;
}

/* Bytes resident at most per byte live at most, all of them written. */
static double work_replay_memory(size_t parameter, uint64_t operations)
{
    struct work_replay *replay = &work_replayed;
    size_t before;

    (void)parameter;
    (void)operations;
    work_prepare(replay);
    work_touches = WORK_TOUCH_ALL;
    for (uint32_t i = 0; i < replay->trace.threads; i++) {
        sem_init(&replay->part[i].baton, 0, 0);
    }
    measure_resident();
    before = measure_resident();
    replay->peer = work_create(1 << 20);
    if (replay->trace.threads > 1 && PEER_THREADS == 1) {
        sem_post(&replay->part[replay->trace.step[0].thread].baton);
        work_start(replay, work_baton_run);
    } else {
        while (replay->at < replay->trace.steps) {
            work_baton_steps(replay, replay->peer,
                             replay->trace.step[replay->at].thread);
        }
    }
    return before > replay->most
               ? 0
               : (double)(replay->most - before) /
                     (double)replay->trace.peak_bytes;
}

#endif /* WORK_REPLAY_H */
