/* SPDX-License-Identifier: MIT
 *
 * lock.cc - a model of the lock: threads that take it, sleep, and wake.
 *
 * Each lock guards a variable.  Relacy finds two writes that no order keeps
 * apart, and threads that all sleep.
 *
 *     lock KIND SEED RUNS
 *
 * SEED is an error of lock_unit.h, 0 for none.  KIND is "one" for one lock, and
 * "two" for two that share the place where threads sleep; "one-seq" and
 * "two-seq" are without a heavy fence.
 *
 * What it cannot do: have a mutex that fails, or a fence that goes on or off.
 */
#include "model.h"

#include "lock_unit.h"

static bool lock_two;
static bool lock_fenced;
static enum unit_seed lock_seed;

struct lock_suite;
static lock_suite *lock_now;

struct lock_suite : rl::test_suite<lock_suite, 3> {
    model_memory memory;
    rl::var<int> guarded[UNIT_LOCKS];
    rl::mutex sleepers;
    rl::condition_variable_any left;

    void before()
    {
        lock_now = this;
        model_begin(&memory);
        unit_start(lock_seed, lock_fenced);
        for (unsigned i = 0; i < UNIT_LOCKS; i++) {
            guarded[i]($) = 0;
        }
    }

    void thread(unsigned i)
    {
        for (unsigned turn = 0; turn < 2; turn++) {
            unsigned lock = lock_two ? (i + turn) % 2 : 0;
            unit_take(lock);
            guarded[lock]($) = guarded[lock]($) + 1;
            unit_drop(lock);
        }
    }

    void after()
    {
        RL_ASSERT(guarded[0]($) + guarded[1]($) == 6);
    }
};

extern "C" void model_fence(void)
{
    rl::systemwide_fence($);
}

extern "C" void model_sleep_lock(void)
{
    lock_now->sleepers.lock($);
}

extern "C" void model_sleep_unlock(void)
{
    lock_now->sleepers.unlock($);
}

extern "C" void model_sleep(void)
{
    lock_now->left.wait(lock_now->sleepers, $);
}

extern "C" void model_wake(void)
{
    lock_now->left.notify_all($);
}

int main(int argc, char **argv)
{
    const char *kind = argc > 1 ? argv[1] : "one";

    lock_two = std::strncmp(kind, "two", 3) == 0;
    lock_fenced = std::strstr(kind, "-seq") == NULL;
    lock_seed = (enum unit_seed)(argc > 2 ? std::atoi(argv[2]) : UNIT_RIGHT);
    return model_main<lock_suite>(
        argc > 3 ? (unsigned)std::atoi(argv[3]) : 20000);
}
