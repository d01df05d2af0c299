/* SPDX-License-Identifier: MIT
 *
 * pools.cc - models of the whole library: threads use, end and look at pools.
 *
 *     pools KIND SEED RUNS
 *
 * SEED is an error of pools_unit.h, 0 for none.  KIND says what the three
 * threads do:
 *
 *     drop, visit, found, report   others look at all pools, or look for an
 *                                  address, while a quiet pool is made,
 *                                  dropped and made again
 *     attach, reset                others get a cache in a quiet pool, or reset
 *                                  it, too
 *     end, orphan, kept            a thread ends beside the end of a pool that
 *                                  it made or used, or with pools that it keeps
 *     fork, end-fork               a fork meets those; the child is a real
 *                                  one, which uses pools
 *     window                       a block goes that another cache knows, and
 *                                  the next one comes to its place
 *     full, below                  "full" is exact while credit is lent, in a
 *                                  pool and below one
 *     sweep                        caches are swept in portions, while others
 *                                  allocate and free
 *
 * Relacy finds data races, also with what is in the objects, and uses of memory
 * that was given back.  The library's own checks run at the end, when all
 * threads end and no pool may be left.
 *
 * What it cannot do: find all orders that are too weak: another lock may make
 * up for one, or only the child of a fork need it.
 */
#define MP_DECLARATIONS_ONLY
#include "pools_unit.h"
#include "whole_model.h"

/* Room for two small objects, and for two larger ones, but no more. */
#define POOLS_CAPACITY 640u
#define POOLS_LARGER 240u

static const char *pools_kind;

static bool pools_is(const char *kind)
{
    return std::strcmp(pools_kind, kind) == 0;
}

static int pools_count(memory_pool_t *mp, void *arg)
{
    (void)mp;
    ++*static_cast<unsigned *>(arg);
    return 0;
}

/* A free of what is no object asks for the pool's settings. */
static int pools_visit(memory_pool_t *mp, void *arg)
{
    mp_stats_t stats;

    mp_free(mp, arg);
    return mp_stats_sized(mp, &stats, sizeof stats);
}

static void pools_report(memory_pool_t *mp, mp_event_t event,
                         const char *words, const void *ptr, void *context)
{
    (void)ptr;
    (void)mp;
    (void)event;
    (void)words;
    (void)context;
}

static int pools_ask(memory_pool_t *mp, void *arg)
{
    (void)arg;
    (void)mp_name(mp);
    return 0;
}

/* A piece of memory, written by its holder. */
static void *pools_take(memory_pool_t *mp)
{
    void *object = mp_allocate(mp, 24);

    RL_ASSERT(object != NULL);
    unit_write(object);
    return object;
}

/* A pool is made, used and dropped. */
static void pools_live(unsigned objects)
{
    memory_pool_t *mp = mp_create(NULL);

    RL_ASSERT(mp != NULL);
    for (unsigned i = 0; i < objects; i++) {
        void *object = pools_take(mp);
        if (i % 2 == 0) {
            mp_free(mp, object);
        }
    }
    mp_destroy(mp);
}

struct pools_suite : rl::test_suite<pools_suite, 3> {
    model_memory memory;
    rl::atomic<memory_pool_t *> shown; /* the program's own order */
    rl::atomic<unsigned> done;
    memory_pool_t *pool;
    memory_pool_t *other; /* which reports, or is below the pool */
    memory_pool_t *third; /* below, too */
    void *objects[8];
    rl::var<unsigned> got[3]; /* larger objects that a thread got */
    void *object;

    /* A pool that threads have used. */
    void before_use()
    {
        mp_options_t options = {};

        if (pools_is("window")) {
            options.backing = &unit_backing;
        } else if (!pools_is("sweep")) {
            options.capacity = POOLS_CAPACITY;
        }
        pool = other = third = mp_create_sized(&options, sizeof options);
        if (pools_is("below")) {
            options = {};
            options.parent = pool;
            other = mp_create_sized(&options, sizeof options);
            third = mp_create_sized(&options, sizeof options);
        }
        bool full = options.capacity != 0 || pools_is("below");
        for (unsigned i = 0; i < (full ? 2 : 4); i++) {
            whole_act(i % 2);
            objects[i] = mp_allocate(i % 2 == 0 ? other : third, 24);
        }
        for (unsigned i = 0; !full && i < 2; i++) {
            whole_act(i);
            mp_free(pool, objects[i]);
        }
        if (pools_is("window")) {
            /* This thread knows its block, and it is in no list. */
            mp_free(pool, mp_allocate(pool, 20000));
            object = mp_allocate(pool, 20000);
            /* That one has no cache. */
            whole_act(2);
            (void)mp_allocate(pool, 24);
            unit_end_thread();
        }
    }

    /* What is there before the threads run. */
    void before()
    {
        whole_prepare();
        shown.store(NULL, rl::mo_relaxed, $);
        done.store(0, rl::mo_relaxed, $);
        whole_act(0);
        pool = mp_create(NULL);
        object = mp_allocate(pool, 24);
        if (pools_is("reset")) {
            mp_reset(pool);
        } else if (pools_is("end") || pools_is("orphan")) {
            whole_act(1);
            (void)mp_allocate(pool, 24);
        } else if (!pools_is("end-fork")) {
            /* The first free of a cache takes the lock. */
            mp_free(pool, object);
            mp_destroy(pool);
        }
        if (pools_is("window") || pools_is("full") || pools_is("below") ||
            pools_is("sweep")) {
            before_use();
        }
        for (unsigned i = 0; i < 3; i++) {
            got[i]($) = 0;
        }
        if (pools_is("report")) {
            mp_options_t options = {};
            options.flags = MP_REPORT;
            options.report = pools_report;
            whole_act(1);
            other = mp_create(&options);
        }
        whole_begin(&memory);
    }

    /* A thread shows another one a pool, or an object. */
    void show(memory_pool_t *mp)
    {
        whole_suspend();
        shown.store(mp, rl::mo_release, $);
        whole_resume();
    }

    memory_pool_t *see()
    {
        whole_suspend();
        memory_pool_t *mp;
        while ((mp = shown.load(rl::mo_acquire, $)) == NULL) {
            rl::yield(1, $);
        }
        whole_resume();
        return mp;
    }

    /* A thread waits until so many others are done. */
    void finish()
    {
        whole_suspend();
        done.fetch_add(1, rl::mo_acq_rel, $);
        whole_resume();
    }

    void wait(unsigned threads)
    {
        whole_suspend();
        while (done.load(rl::mo_acquire, $) < threads) {
            rl::yield(1, $);
        }
        whole_resume();
    }

    /* Others look at all pools while a thread makes and drops some. */
    void drop(unsigned i)
    {
        if (i == 0) {
            pools_live(3);
            pools_live(1);
        } else if (i == 1) {
            memory_pool_t *owner = mp_owner(object);
            RL_ASSERT(owner == NULL || owner == pool);
        } else {
            RL_ASSERT(mp_each_pool(pools_visit, &pools_kind) == 0);
        }
    }

    /* One asks all pools for their names, which takes no lock.  A pool with a
     * name is made anew each time, and one without caches goes without the
     * attachments' lock. */
    void visit(unsigned i)
    {
        if (i == 0) {
            for (unsigned turn = 0; turn < 2; turn++) {
                mp_options_t options = {};
                options.name = "pool";
                memory_pool_t *mp = mp_create_sized(&options, sizeof options);
                RL_ASSERT(mp != NULL);
                mp_destroy(mp);
            }
        } else if (i == 1) {
            RL_ASSERT(mp_each_pool(pools_ask, NULL) == 0);
        }
    }

    /* A pool is made, and another thread finds it by an address. */
    void found(unsigned i)
    {
        if (i == 0) {
            RL_ASSERT(mp_create(NULL) == pool);
            (void)pools_take(pool);
        } else if (i == 1) {
            memory_pool_t *owner = mp_owner(object);
            if (owner != NULL) {
                mp_free(owner, &pools_kind);
            }
        }
    }

    /* Two threads reset a pool, while another one looks at it. */
    void reset(unsigned i)
    {
        mp_stats_t stats;

        if (i == 2) {
            RL_ASSERT(mp_check(pool) == 0);
            RL_ASSERT(mp_stats_sized(pool, &stats, sizeof stats) == 0);
            return;
        }
        RL_ASSERT(mp_allocate(pool, 24) != NULL);
        mp_reset(pool);
        if (i == 0) {
            mp_reset(pool);
        }
    }

    /* Another thread gets a cache in a quiet pool, and its maker drops that
     * afterwards. */
    void attach(unsigned i)
    {
        if (i == 0) {
            memory_pool_t *mp = mp_create(NULL);
            void *object = pools_take(mp);
            show(mp);
            void *other = pools_take(mp);
            RL_ASSERT(other != object);
            mp_free(mp, object);
            wait(1);
            mp_destroy(mp);
            mp = mp_create(NULL);
            mp_stats_t stats;
            RL_ASSERT(mp_stats_sized(mp, &stats, sizeof stats) == 0);
            RL_ASSERT(stats.allocations == 0 && stats.live_objects == 0);
            mp_destroy(mp);
        } else if (i == 1) {
            memory_pool_t *mp = see();
            mp_free(mp, pools_take(mp));
            (void)pools_take(mp);
            finish();
        } else {
            (void)mp_owner(object);
        }
    }

    /* A report looks for an object of a pool that is dropped and made again. */
    void report(unsigned i)
    {
        if (i == 0) {
            pools_live(1);
            pools_live(3);
        } else if (i == 1) {
            mp_free(other, object);
        }
    }

    /* A fork meets a thread that makes and drops a pool. */
    void fork(unsigned i)
    {
        if (i == 0) {
            pools_live(1);
        } else if (i == 1) {
            (void)mp_owner(object);
        } else {
            RL_ASSERT(unit_fork(NULL));
        }
    }

    /* A thread ends that has a cache in a pool, while that is destroyed. */
    void end(unsigned i)
    {
        if (i == 0) {
            mp_destroy(pool);
            pools_live(2);
        } else if (i == 1) {
            unit_end_thread();
        } else {
            pools_live(1);
        }
    }

    /* The maker ends while its pool is destroyed. */
    void orphan(unsigned i)
    {
        if (i == 0) {
            unit_end_thread();
        } else if (i == 1) {
            mp_destroy(pool);
        } else {
            (void)mp_owner(object);
        }
    }

    /* A thread that keeps a pool ends, and the next one begins as its record is
     * free. */
    void kept(unsigned i)
    {
        if (i == 0) {
            unit_end_thread();
            whole_renew(0);
            pools_live(1);
        } else if (i == 1) {
            (void)mp_owner(object);
        } else {
            pools_live(2);
            unit_end_thread();
        }
    }

    /* A fork meets a thread that ends. */
    void end_fork(unsigned i)
    {
        if (i == 0) {
            unit_end_thread();
        } else if (i == 1) {
            pools_live(1);
            unit_end_thread();
        } else {
            RL_ASSERT(unit_fork(pool));
        }
    }

    /* There is room for two larger objects and a small one, and a thread has
     * credit.  That comes back before another one is refused. */
    void full(unsigned i)
    {
        if (i == 0) {
            mp_free(other, pools_take(other));
            return;
        }
        for (unsigned turn = 0; turn < 2; turn++) {
            void *object = mp_allocate(third, POOLS_LARGER);
            if (object != NULL) {
                unit_write(object);
                got[i]($) = got[i]($) + 1;
            }
            whole_resume();
        }
    }

    /* What caches hold is swept, while others allocate and free. */
    void sweep(unsigned i)
    {
        if (i == 2) {
            (void)mp_trim(pool, 0);
            return;
        }
        void *object = pools_take(pool);
        mp_free(pool, objects[2 + i]);
        mp_free(pool, object);
        (void)pools_take(pool);
    }

    /* A block that a thread knows goes, and the next one at its place has its
     * map elsewhere. */
    void window(unsigned i)
    {
        if (i == 0) {
            wait(1);
            RL_ASSERT(mp_allocate(pool, 80000) != NULL);
            void *large = mp_allocate(pool, 100000);
            RL_ASSERT(large != NULL);
            unit_write(large);
            show((memory_pool_t *)large);
        } else if (i == 1) {
            for (unsigned turn = 0; turn < 4; turn++) {
                mp_free(pool, pools_take(pool));
            }
            mp_free(pool, see());
        } else {
            mp_free(pool, object);
            finish();
        }
    }

    void thread(unsigned i)
    {
        whole_enter(&i);
        if (pools_is("drop")) {
            drop(i);
        } else if (pools_is("visit")) {
            visit(i);
        } else if (pools_is("found")) {
            found(i);
        } else if (pools_is("reset")) {
            reset(i);
        } else if (pools_is("attach")) {
            attach(i);
        } else if (pools_is("report")) {
            report(i);
        } else if (pools_is("fork")) {
            fork(i);
        } else if (pools_is("end")) {
            end(i);
        } else if (pools_is("orphan")) {
            orphan(i);
        } else if (pools_is("kept")) {
            kept(i);
        } else if (pools_is("end-fork")) {
            end_fork(i);
        } else if (pools_is("full") || pools_is("below")) {
            full(i);
        } else if (pools_is("sweep")) {
            sweep(i);
        } else if (pools_is("window")) {
            window(i);
        }
        whole_suspend();
    }

    /* All threads end; then no pool is left. */
    void after()
    {
        unsigned pools = 0;

        whole_end();
        whole_act(3);
        if (pools_is("reset")) {
            mp_stats_t stats;
            RL_ASSERT(mp_check(pool) == 0);
            RL_ASSERT(mp_stats_sized(pool, &stats, sizeof stats) == 0);
            RL_ASSERT(stats.resets == 4);
        }
        if (pools_is("full") || pools_is("below")) {
            RL_ASSERT(got[0]($) + got[1]($) + got[2]($) == 2);
        }
        if (pools_is("window") || pools_is("full") || pools_is("below") ||
            pools_is("sweep")) {
            RL_ASSERT(mp_check(pool) == 0);
            RL_ASSERT(mp_check(other) == 0);
        }
        if (pools_is("reset") || pools_is("end-fork") || pools_is("full") ||
            pools_is("found") ||
            pools_is("below") || pools_is("window") || pools_is("sweep")) {
            mp_destroy(pool);
        }
        if (pools_is("report")) {
            mp_destroy(other);
        }
        RL_ASSERT(mp_each_pool(pools_count, &pools) == 0 && pools == 0);
        for (unsigned i = 0; i < 4; i++) {
            whole_act(i);
            unit_end_thread();
            whole_renew(i);
        }
    }
};

int main(int argc, char **argv)
{
    pools_kind = argc > 1 ? argv[1] : "";
    whole_start();
    unit_start((enum unit_seed)(argc > 2 ? std::atoi(argv[2]) : UNIT_RIGHT));
    int result = model_main<pools_suite>(
        argc > 3 ? (unsigned)std::atoi(argv[3]) : 20000);
    whole_tell();
    return result;
}
