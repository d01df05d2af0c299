/* SPDX-License-Identifier: MIT
 *
 * test_lock.c - locks exclude, wait, are left across a fork, and are ranked.
 *
 * Orders and holders are only known to a build with checks, and a wrong one
 * aborts.  So each such rule is broken in a child, which has to end by that.
 *
 * What it cannot do: make two threads meet at a place for certain.  Where a
 * thread has to sleep for the lock, the test waits until its word says so.
 */
#include "base/lock.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../sanitizer.h"
#include "../support.h"
#include "../threads.h"

#define THREADS 4
#define ROUNDS 50000u

static struct lock lock_tested;
static unsigned long counted; /* lock_tested */
static unsigned rounds;

static void start_lock(void)
{
    lock_start(&lock_tested, LOCK_POOL);
    counted = 0;
    rounds = support_times(ROUNDS, 10);
}

/* The tests in loops go with the heavy fence, if the system has it, and without
 * it. */
static void set_fence(int on)
{
    if (on) {
        (void)sync_fence_works();
    } else {
        ck_assert(!sync_fence_is_on());
    }
}

/* Not one instruction, so that two threads inside lose counts. */
static void *count_up(void *argument)
{
    for (unsigned i = 0; i < rounds; i++) {
        lock_take(&lock_tested);
        unsigned long was = *(volatile unsigned long *)&counted;
        if (i % 64 == 0) {
            sched_yield();
        }
        *(volatile unsigned long *)&counted = was + 1;
        lock_drop(&lock_tested);
    }
    return argument;
}

START_TEST(threads_count_without_losing_one)
{
    pthread_t threads[THREADS];

    set_fence(_i);
    for (unsigned i = 0; i < THREADS; i++) {
        threads[i] = threads_start_one(count_up, NULL);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        threads_join_one(threads[i]);
    }
    ck_assert_uint_eq(counted, (unsigned long)THREADS * rounds);
    ck_assert_uint_eq(lock_tested.word, LOCK_LEFT);
}
END_TEST

static uint64_t numbers; /* atomic */

/* Each number is higher than the one before; how many are not. */
static void *draw_numbers(void *argument)
{
    uint64_t last = 0;
    uintptr_t wrong = 0;

    (void)argument;
    for (unsigned i = 0; i < rounds; i++) {
        uint64_t number = lock_next_number(&numbers);
        wrong += number <= last;
        last = number;
    }
    return (void *)wrong;
}

/* Two threads draw half of the numbers below 2^32, and half of them above. */
START_TEST(numbers_go_on_where_32_bits_end)
{
    numbers = UINT32_MAX - rounds;
    ck_assert_uint_eq(threads_run(2, draw_numbers, NULL, 0), 0);
    ck_assert(numbers == UINT32_MAX + (uint64_t)rounds);
}
END_TEST

static unsigned arrived; /* atomic */

static void *take_once(void *argument)
{
    lock_take(&lock_tested);
    sync_add(&arrived, 1);
    lock_drop(&lock_tested);
    return argument;
}

static void await_sleeper(void)
{
    while (sync_get(&lock_awaited[lock_berth_of(&lock_tested)]) ==
           LOCK_NOBODY) {
        sched_yield();
    }
}

START_TEST(a_waiting_thread_sleeps_until_the_lock_is_left)
{
    set_fence(_i);
    sync_put(&arrived, 0);
    lock_take(&lock_tested);
    pthread_t first = threads_start_one(take_once, NULL);
    await_sleeper();
    pthread_t second = threads_start_one(take_once, NULL);
    ck_assert_uint_eq(sync_get(&arrived), 0);
    lock_drop(&lock_tested);
    threads_join_one(first);
    threads_join_one(second);
    ck_assert_uint_eq(sync_get(&arrived), 2);
    ck_assert_uint_eq(lock_tested.word, LOCK_LEFT);
}
END_TEST

START_TEST(a_canceled_thread_still_takes_the_lock_it_waits_for)
{
    set_fence(_i);
    sync_put(&arrived, 0);
    lock_take(&lock_tested);
    pthread_t thread = threads_start_one(take_once, NULL);
    await_sleeper();
    ck_assert_int_eq(pthread_cancel(thread), 0);
    lock_drop(&lock_tested);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_uint_eq(sync_get(&arrived), 1);
    lock_take(&lock_tested);
    lock_drop(&lock_tested);
}
END_TEST

/* As by a thread that counted on a heavy fence which the sleeper did not have. */
START_TEST(a_sleeper_without_a_fence_needs_nobody_to_wake_it)
{
    set_fence(0);
    sync_put(&arrived, 0);
    lock_take(&lock_tested);
    pthread_t thread = threads_start_one(take_once, NULL);
    await_sleeper();
    lock_note_leave(&lock_tested);
    sync_put_release(&lock_tested.word, (unsigned)LOCK_LEFT);
    threads_join_one(thread);
    ck_assert_uint_eq(sync_get(&arrived), 1);
}
END_TEST

START_TEST(an_unneeded_lock_is_not_taken)
{
    bool taken = lock_enter_if(&lock_tested, false);

    ck_assert(!taken);
    ck_assert_uint_eq(lock_tested.word, LOCK_LEFT);
    lock_leave(&lock_tested, taken);
    taken = lock_enter_if(&lock_tested, true);
    ck_assert(taken);
    ck_assert_uint_eq(lock_tested.word, LOCK_TAKEN);
    lock_leave(&lock_tested, taken);
    ck_assert_uint_eq(lock_tested.word, LOCK_LEFT);
}
END_TEST

static void *try_once(void *entered)
{
    *(bool *)entered = lock_try(&lock_tested, true);
    return NULL;
}

START_TEST(a_tried_lock_is_had_at_once_or_not)
{
    bool entered = true;

    lock_take(&lock_tested);
    threads_join_one(threads_start_one(try_once, &entered));
    ck_assert(!entered);
    lock_drop(&lock_tested);
    for (int needed = 0; needed < 2; needed++) {
        lock_forget(&lock_tested);
        ck_assert(lock_try(&lock_tested, needed));
        ck_assert(lock_was_entered(&lock_tested));
        ck_assert_uint_eq(lock_tested.word, needed ? LOCK_TAKEN : LOCK_LEFT);
        lock_leave(&lock_tested, needed);
        ck_assert_uint_eq(lock_tested.word, LOCK_LEFT);
    }
}
END_TEST

START_TEST(a_lock_notes_that_it_was_entered)
{
    lock_forget(&lock_tested);
    ck_assert(!lock_was_entered(&lock_tested));
    for (int needed = 0; needed < 2; needed++) {
        lock_leave(&lock_tested, lock_enter_unseen(&lock_tested, needed));
        ck_assert(!lock_was_entered(&lock_tested));
        ck_assert_uint_eq(lock_tested.word, LOCK_LEFT);
        lock_leave(&lock_tested, lock_enter_if(&lock_tested, needed));
        ck_assert(lock_was_entered(&lock_tested));
        lock_forget(&lock_tested);
    }
    lock_leave(&lock_tested, lock_enter(&lock_tested));
    ck_assert(lock_was_entered(&lock_tested));
    lock_start(&lock_tested, LOCK_POOL);
    ck_assert(!lock_was_entered(&lock_tested));
}
END_TEST

/* The status that a child ends with.  It writes nothing, and leaves no core
 * file where it aborts. */
static int in_child(void (*run)(void))
{
    fflush(NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        const struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        if (freopen("/dev/null", "w", stderr) == NULL) {
            _exit(EXIT_FAILURE);
        }
        alarm(60);
        run();
        _exit(EXIT_SUCCESS);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return status;
}

static bool child_succeeds(void (*run)(void))
{
    int status = in_child(run);

    return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
}

/* The lock is held across fork(), with a sleeper that is not in the child. */
static void use_after_fork(void)
{
    lock_fork_child();
    if (!lock_is_held(&lock_tested)) {
        _exit(EXIT_FAILURE);
    }
    lock_drop(&lock_tested);
    lock_take(&lock_tested);
    pthread_t thread = threads_start_one(take_once, NULL);
    await_sleeper();
    lock_drop(&lock_tested);
    threads_join_one(thread);
}

START_TEST(a_lock_held_across_fork_is_the_childs)
{
    if (!support_child_has_threads()) {
        return;
    }
    sync_put(&arrived, 0);
    lock_take(&lock_tested);
    pthread_t thread = threads_start_one(take_once, NULL);
    await_sleeper();
    lock_fork_prepare();
    bool worked = child_succeeds(use_after_fork);
    lock_fork_parent();
    lock_drop(&lock_tested);
    threads_join_one(thread);
    ck_assert(worked);
    ck_assert_uint_eq(sync_get(&arrived), 1);
}
END_TEST

static struct lock lock_early = LOCK_INIT(LOCK_THREADS);

static int take_both(void)
{
    lock_take(&lock_early);
    lock_take(&lock_tested);
    bool told = lock_early.word == LOCK_TOLD && lock_tested.word == LOCK_TOLD;
    lock_drop(&lock_tested);
    lock_drop(&lock_early);
    return told ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Locks are told for good, so this is a process of its own. */
static void use_told(void)
{
    pthread_t threads[THREADS];
    int status = EXIT_FAILURE;

    lock_tell_all();
    lock_tell(&lock_early);
    start_lock();
    if (lock_try(&lock_tested, true)) {
        _exit(EXIT_FAILURE);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        threads[i] = threads_start_one(count_up, NULL);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        threads_join_one(threads[i]);
    }
    if (counted != (unsigned long)THREADS * rounds) {
        _exit(EXIT_FAILURE);
    }
    lock_take(&lock_early);
    lock_take(&lock_tested);
    lock_fork_prepare();
    pid_t child = fork();
    if (child == 0) {
        lock_fork_child();
        lock_drop(&lock_tested);
        lock_drop(&lock_early);
        _exit(take_both());
    }
    lock_fork_parent();
    lock_drop(&lock_tested);
    lock_drop(&lock_early);
    if (waitpid(child, &status, 0) != child || status != 0 ||
        take_both() != EXIT_SUCCESS) {
        _exit(EXIT_FAILURE);
    }
}

START_TEST(told_locks_exclude_nest_and_survive_a_fork)
{
    if (!support_child_has_threads()) {
        return;
    }
    ck_assert(child_succeeds(use_told));
}
END_TEST

#ifdef MP_CHECKS
static struct lock threads_lock = LOCK_INIT(LOCK_THREADS);
static struct lock pool_lock = LOCK_INIT(LOCK_POOL);
static struct lock other_pool_lock = LOCK_INIT(LOCK_POOL);
static struct lock quota_lock = LOCK_INIT(LOCK_QUOTA);

static bool child_aborts(void (*run)(void))
{
    int status = in_child(run);

    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void take_up(void)
{
    lock_take(&threads_lock);
    lock_take(&pool_lock);
    lock_take(&quota_lock);
    lock_drop(&pool_lock); /* in any order */
    lock_drop(&threads_lock);
    lock_drop(&quota_lock);
    lock_take(&pool_lock);
    lock_drop(&pool_lock);
}

static void take_down(void)
{
    lock_take(&quota_lock);
    lock_take(&pool_lock);
}

static void enter_down_unneeded(void)
{
    lock_enter_if(&quota_lock, false);
    lock_enter_if(&pool_lock, false);
}

static void try_down(void)
{
    lock_take(&quota_lock);
    if (!lock_try(&pool_lock, true)) {
        _exit(EXIT_FAILURE);
    }
    lock_leave(&pool_lock, true);
    lock_drop(&quota_lock);
}

static void try_twice_unneeded(void)
{
    (void)lock_try(&pool_lock, false);
    (void)lock_try(&pool_lock, false);
}

static void take_two_of_a_rank(void)
{
    lock_take(&pool_lock);
    lock_take(&other_pool_lock);
}

static void take_two_of_a_rank_for_fork(void)
{
    lock_take(&threads_lock);
    take_two_of_a_rank();
    lock_drop(&pool_lock);
    lock_drop(&other_pool_lock);
    lock_drop(&threads_lock);
}

static void take_twice(void)
{
    lock_take(&pool_lock);
    lock_take(&pool_lock);
}

static void enter_twice_unneeded(void)
{
    lock_enter_if(&pool_lock, false);
    lock_enter_if(&pool_lock, false);
}

static void drop_untaken(void)
{
    lock_drop(&pool_lock);
}

static void drop_another_of_the_rank(void)
{
    lock_take(&pool_lock);
    lock_drop(&other_pool_lock);
}

static void *drop_it(void *argument)
{
    lock_drop(&pool_lock);
    return argument;
}

static void drop_anothers(void)
{
    lock_take(&pool_lock);
    threads_join_one(threads_start_one(drop_it, NULL));
}

START_TEST(ranks_may_only_rise)
{
    ck_assert(child_succeeds(take_up));
    ck_assert(child_succeeds(try_down));
    ck_assert(child_aborts(take_down));
    ck_assert(child_aborts(enter_down_unneeded));
}
END_TEST

START_TEST(two_of_a_rank_need_the_lock_of_threads)
{
    ck_assert(child_aborts(take_two_of_a_rank));
    ck_assert(child_succeeds(take_two_of_a_rank_for_fork));
}
END_TEST

START_TEST(no_lock_is_taken_twice)
{
    ck_assert(child_aborts(take_twice));
    ck_assert(child_aborts(enter_twice_unneeded));
    ck_assert(child_aborts(try_twice_unneeded));
}
END_TEST

START_TEST(only_the_holder_leaves_a_lock)
{
    ck_assert(child_aborts(drop_untaken));
    ck_assert(child_aborts(drop_another_of_the_rank));
    if (!SANITIZER_THREAD) {
        ck_assert(child_aborts(drop_anothers));
    }
}
END_TEST

static void *look_from_another(void *argument)
{
    bool *held = argument;

    *held = lock_is_held(&pool_lock) || !lock_none_is_held();
    return argument;
}

START_TEST(a_lock_knows_its_holder)
{
    bool held_by_another = true;

    ck_assert(!lock_is_held(&pool_lock) && lock_none_is_held());
    bool taken = lock_enter_if(&pool_lock, false);
    ck_assert(lock_is_held(&pool_lock) && !lock_none_is_held());
    ck_assert(!lock_is_held(&other_pool_lock));
    threads_join_one(threads_start_one(look_from_another, &held_by_another));
    ck_assert(!held_by_another);
    lock_leave(&pool_lock, taken);
    ck_assert(!lock_is_held(&pool_lock) && lock_none_is_held());
}
END_TEST
#endif

int main(void)
{
    Suite *suite = suite_create("lock");
    TCase *lock = support_case(suite, "lock");

    tcase_add_checked_fixture(lock, start_lock, NULL);
    tcase_add_loop_test(lock, threads_count_without_losing_one, 0, 2);
    tcase_add_test(lock, numbers_go_on_where_32_bits_end);
    tcase_add_loop_test(lock, a_waiting_thread_sleeps_until_the_lock_is_left,
                        0, 2);
    tcase_add_loop_test(
        lock, a_canceled_thread_still_takes_the_lock_it_waits_for, 0, 2);
    tcase_add_test(lock, a_sleeper_without_a_fence_needs_nobody_to_wake_it);
    tcase_add_test(lock, an_unneeded_lock_is_not_taken);
    tcase_add_test(lock, a_tried_lock_is_had_at_once_or_not);
    tcase_add_test(lock, a_lock_notes_that_it_was_entered);
    tcase_add_test(lock, a_lock_held_across_fork_is_the_childs);
    tcase_add_test(lock, told_locks_exclude_nest_and_survive_a_fork);
#ifdef MP_CHECKS
    tcase_add_test(lock, ranks_may_only_rise);
    tcase_add_test(lock, two_of_a_rank_need_the_lock_of_threads);
    tcase_add_test(lock, no_lock_is_taken_twice);
    tcase_add_test(lock, only_the_holder_leaves_a_lock);
    tcase_add_test(lock, a_lock_knows_its_holder);
#endif
    return support_run(suite);
}
