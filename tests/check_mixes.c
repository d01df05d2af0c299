/* SPDX-License-Identifier: MIT
 *
 * check_mixes.c - a pool's blocks are bounded by what was live, for any mix.
 *
 * Objects of random sizes replace one another at random: long ones among short
 * ones, sizes that shift, several threads that free what others allocated, with
 * a mark open and without.  By what the pool says of itself its blocks stay
 * within a part more than the most that was live, 1 MiB for each thread, and
 * 1 MiB for long objects.
 *
 * make check-long takes more steps.
 *
 * What it cannot do: show a bound for a mix that it does not have.
 */
#include <stdlib.h>

#include "pools.h"
#include "threads.h"

#define MIB ((size_t)1 << 20)
#define SLOTS 20000u
#define THREADS 4u

struct mix {
    const char *name;
    unsigned threads;
    unsigned percent; /* blocks by what was live at most */
    unsigned phases;  /* the short sizes double up to the middle one, and come
                       * down again */
    size_t least;     /* short sizes: from least to most */
    size_t most;
    unsigned one_in;  /* so many is long; 0: none */
    size_t long_least;
    size_t long_most;
    bool mark; /* the thread has one open */
};

static const struct mix mixes[] = {
    {"short", 1, 125, 1, 1, 1000, 0, 0, 0, false},
    {"long among short", 1, 150, 1, 192, 575, 200, 20000, 119999, false},
    {"long among short, threads", THREADS, 150, 1, 192, 575, 200, 20000,
     119999, false},
    {"one in ten", 1, 150, 1, 1, 1000, 10, 1000, 20000, false},
    {"phases", 1, 175, 9, 24, 71, 200, 20000, 119999, false},
    {"phases, threads", THREADS, 175, 9, 24, 71, 200, 20000, 119999, false},
    {"phases of middle sizes", 1, 175, 9, 40, 119, 50, 3000, 30000, false},
    {"middle", 1, 150, 1, 1025, 20000, 0, 0, 0, false},
    {"very long", 2, 150, 1, 16, 2000, 500, 100000, 1500000, false},
    {"short, in a mark", 1, 125, 1, 1, 1000, 0, 0, 0, true},
    {"long among short, in a mark", 1, 150, 1, 192, 575, 200, 20000, 119999,
     true},
    {"phases, in a mark", 1, 175, 9, 24, 71, 200, 20000, 119999, true},
    {"middle, in a mark", 1, 150, 1, 1025, 20000, 0, 0, 0, true},
};

static struct {
    const struct mix *mix;
    memory_pool_t *mp;
    void *_Atomic slots[SLOTS];
    atomic_uint number;
    atomic_uint failed;
    uint64_t seed;
    unsigned steps; /* of each thread in each phase */
    struct threads_barrier gate;
    size_t peak;
    size_t excess; /* bytes beyond the bound, at worst */
} work;

static size_t pick(uint64_t *random, unsigned phase)
{
    const struct mix *mix = work.mix;
    unsigned last = mix->phases - 1;
    unsigned doubled = phase < last - phase ? phase : last - phase;

    if (mix->one_in != 0 && support_below(random, mix->one_in) == 0) {
        return mix->long_least +
               support_below(random, mix->long_most - mix->long_least);
    }
    return (mix->least << doubled) +
           support_below(random, (mix->most - mix->least + 1) << doubled);
}

static void look(void)
{
    mp_stats_t stats;

    if (mp_stats(work.mp, &stats) != 0) {
        atomic_fetch_add(&work.failed, 1);
        return;
    }
    work.peak = stats.live_bytes > work.peak ? stats.live_bytes : work.peak;
    /* Long objects lie apart, and have a last block of their own. */
    size_t lasts = work.mix->threads + (work.mix->one_in != 0 ? 1 : 0);
    size_t bound = work.peak / 100 * work.mix->percent + lasts * MIB;
    if (stats.backing_bytes > bound &&
        stats.backing_bytes - bound > work.excess) {
        work.excess = stats.backing_bytes - bound;
    }
}

static void *replace(void *unused)
{
    unsigned number = atomic_fetch_add(&work.number, 1);
    uint64_t random = work.seed + number * 0x9e3779b97f4a7c15u;

    /* Of marks of several threads each would have blocks for what others
     * free. */
    if (work.mix->mark && MP_MARK_FAILED(mp_mark(work.mp))) {
        atomic_fetch_add(&work.failed, 1);
    }

    for (unsigned phase = 0; phase < work.mix->phases; phase++) {
        for (unsigned i = 0; i < work.steps; i++) {
            void *object = mp_allocate(work.mp, pick(&random, phase));
            if (object == NULL) {
                atomic_fetch_add(&work.failed, 1);
                continue;
            }
            *(unsigned char *)object = 1;
            object = atomic_exchange(
                &work.slots[support_below(&random, SLOTS)], object);
            if (object != NULL) {
                free_memory(work.mp, object);
            }
            if (number == 0 && i % 4096 == 0) {
                look();
            }
        }
        threads_barrier_wait(&work.gate);
    }
    return unused;
}

START_TEST(blocks_are_bounded_by_what_was_live)
{
    pthread_t threads[THREADS];

    work.mix = &mixes[_i];
    work.mp = mp_create(NULL);
    ck_assert_ptr_nonnull(work.mp);
    work.seed = support_seed();
    work.steps = support_times(400000, 20) / work.mix->phases /
                 work.mix->threads;
    threads_barrier_start(&work.gate, work.mix->threads);
    for (unsigned i = 0; i < work.mix->threads; i++) {
        threads[i] = support_start(replace, NULL);
    }
    for (unsigned i = 0; i < work.mix->threads; i++) {
        support_join(threads[i]);
    }
    threads_barrier_end(&work.gate);
    look();
    ck_assert_uint_eq(atomic_load(&work.failed), 0);
    ck_assert_int_eq(mp_check(work.mp), 0);
    ck_assert_msg(work.excess == 0, "%s: %zu bytes too many, %zu live",
                  work.mix->name, work.excess, work.peak);
    destroy_memory_pool(work.mp);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mixes");
    TCase *one = support_case(suite, "mixes");

    tcase_add_loop_test(one, blocks_are_bounded_by_what_was_live, 0,
                        (int)(sizeof mixes / sizeof *mixes));
    return support_run(suite);
}
