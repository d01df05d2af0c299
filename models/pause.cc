/* SPDX-License-Identifier: MIT
 *
 * pause.cc - a model of the pause: users, a pauser, and a fence that goes.
 *
 * Each cache is a variable.  Its user writes it while it is inside, or while it
 * holds the lock; the pauser writes all while the set is paused.  Relacy finds
 * two such writes that no order keeps apart.
 *
 *     pause KIND SEED RUNS
 *
 * SEED is an error of pause_unit.h, 0 for none.  KIND says how the caches are enabled: "light" by the heavy fence, "fenced"
 * without one, "exact" and "exact-fenced" with credit; "handle" and
 * "handle-fenced" for a handle; "refused" and "exact-refused" where the system
 * refuses the fence from the second pause on.
 *
 * What it cannot do: say that the heavy fence of a system works as promised.
 */
#include "model.h"
#include "pause_unit.h"

static struct {
    bool fenced;
    bool counts;
    bool handled;
    bool refused;
    enum unit_seed seed;
} pause_kind;

static unsigned pause_fences;

extern "C" unsigned model_thread(void)
{
    return rl::thread_index();
}

/* One that the system refuses takes so long that all threads have passed a
 * fence by then. */
extern "C" void model_fence(void)
{
    pause_fences++;
    if (pause_kind.seed != UNIT_NO_FENCE) {
        rl::systemwide_fence($);
    }
}

extern "C" bool model_fence_works(void)
{
    return !pause_kind.refused || pause_fences < 2;
}

struct pause_suite : rl::test_suite<pause_suite, UNIT_USERS + 1> {
    model_memory memory;
    rl::var<int> contents[UNIT_USERS];
    rl::atomic<int> point;
    rl::mutex lock;

    void before()
    {
        pause_fences = 0;
        point.store(0, rl::mo_relaxed, $);
        model_begin(&memory);
        unit_start(pause_kind.fenced, pause_kind.counts, pause_kind.handled);
        for (unsigned i = 0; i < UNIT_USERS; i++) {
            contents[i]($) = 0;
        }
    }

    /* Relacy lets another thread run only where an atomic access is. */
    void change(unsigned i)
    {
        (void)point.load(rl::mo_relaxed, $);
        int was = contents[i]($);
        (void)point.load(rl::mo_relaxed, $);
        contents[i]($) = was + 1;
    }

    void use(unsigned i)
    {
        if (unit_enter(i)) {
            change(i);
            unit_leave(i);
        } else {
            lock.lock($);
            change(i);
            lock.unlock($);
        }
    }

    void thread(unsigned i)
    {
        for (unsigned turn = 0; turn < 2; turn++) {
            if (i < UNIT_USERS) {
                use(i);
                continue;
            }
            lock.lock($);
            unit_pause(pause_kind.seed);
            change(0);
            change(1);
            unit_resume();
            lock.unlock($);
        }
    }

    void after()
    {
        for (unsigned i = 0; i < UNIT_USERS; i++) {
            RL_ASSERT(contents[i]($) == 4);
        }
    }
};

int main(int argc, char **argv)
{
    const char *kind = argc > 1 ? argv[1] : "";
    unsigned iterations = argc > 3 ? (unsigned)std::atoi(argv[3]) : 20000;

    pause_kind.seed =
        (enum unit_seed)(argc > 2 ? std::atoi(argv[2]) : UNIT_RIGHT);
    pause_kind.counts = std::strstr(kind, "exact") != NULL;
    pause_kind.fenced = std::strstr(kind, "fenced") != NULL;
    pause_kind.handled = std::strstr(kind, "handle") != NULL;
    pause_kind.refused = std::strstr(kind, "refused") != NULL;
    return model_main<pause_suite>(iterations);
}
