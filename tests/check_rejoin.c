/* SPDX-License-Identifier: MIT
 *
 * check_rejoin.c - pools come below a limit and leave it beside a recall.
 *
 * A pool that is made again tries the lock of recalls, and waits for it where
 * another thread has it, with its parent pinned.  The test holds that lock, so
 * that the wait comes for certain.  So it does with a pool's own lock, which a
 * fork has while the pool's cache is paused.
 *
 * What it cannot do: see whether the pools are really made again.  Where words
 * of MEMPOOL_OPTIONS are for every pool, no child is, and no wait for a recall is
 * asked for.
 */
#include "pools.h"

#include <time.h>

#include "pool/pool.h"
#include "pool/setting.h"
#include "threads.h"

#define CAPACITY ((size_t)100000)
#define ROUNDS 20

static memory_pool_t *limit;
static memory_pool_t *parent; /* the limit, or below it */

/* Calls of the helper that were let begin, and that ended. */
static atomic_int let;
static atomic_int done;

static void await(atomic_int *steps, int until)
{
    while (atomic_load(steps) < until) {
        sched_yield();
    }
}

static memory_pool_t *make(memory_pool_t *above, size_t capacity)
{
    const mp_options_t options = {.parent = above, .capacity = capacity};

    return mp_create(&options);
}

/* Makes a child and ends it, each when it is let. */
static void *make_and_end(void *unused)
{
    memory_pool_t *mp = NULL;

    for (int i = 0; i < 2 * ROUNDS; i++) {
        await(&let, i + 1);
        if (i % 2 == 0) {
            mp = make(parent, i % 4 == 0 ? 0 : CAPACITY / 2);
            POOLS_EXPECT(mp != NULL && mp_parent(mp) == parent);
            POOLS_EXPECT(mp_allocate(mp, 100) != NULL);
        } else {
            mp_destroy(mp);
        }
        atomic_store(&done, i + 1);
    }
    return unused;
}

static void rest(unsigned times)
{
    const struct timespec moment = {.tv_nsec = 100000};

    for (; times > 0; times--) {
        nanosleep(&moment, NULL);
    }
}

/* It rests before, so that the helper gets the lock. */
static bool parent_is_pinned(void)
{
    rest(1);

    bool taken = pool_enter(parent);
    bool pinned = parent->pins.count > 0;

    lock_leave(&parent->lock, taken);
    return pinned;
}

/* Bytes that the limit is charged for, with what it lent. */
static size_t charged(void)
{
    size_t room;
    bool taken = pool_enter(limit);
    size_t capacity = quota_capacity(&limit->quota, &room);

    lock_leave(&limit->lock, taken);
    return capacity - room;
}

static void expect_waits(void)
{
    /* Where words are for every pool none is made again by the short way, and
     * one that goes waits with no pin on its parent. */
    if (!pools_caches_exist() || !setting_is_none()) {
        return;
    }
    atomic_store(&let, 0);
    atomic_store(&done, 0);
    /* The parent knows by then that it shares its quota. */
    mp_destroy(make(parent, 0));
    pthread_t helper = support_start(make_and_end, NULL);
    for (int i = 0; i < 2 * ROUNDS; i++) {
        /* The first two make the thread's first pool, and keep it. */
        bool waits = i >= 2;
        bool taken = waits && lock_enter(&limit->quota.recall);
        atomic_store(&let, i + 1);
        while (waits && !parent_is_pinned() && atomic_load(&done) == i) {
            sched_yield();
        }
        if (waits) {
            ck_assert_int_eq(atomic_load(&done), i);
            lock_leave(&limit->quota.recall, taken);
        }
        await(&done, i + 1);
        ck_assert(!parent_is_pinned());
        ck_assert_int_eq(mp_check(limit), 0);
        ck_assert(i % 2 == 0 ? charged() >= 100 : charged() == 0);
    }
    support_join(helper);
}

/* Builds with a sanitizer have that word, and are to see the short ways.  The
 * first test, since the words are read once. */
START_TEST(the_word_native_is_for_no_pool)
{
    ck_assert_int_eq(setenv("MEMPOOL_OPTIONS", "native", 1), 0);
    ck_assert(setting_get()->native);
    ck_assert(setting_is_none());
}
END_TEST

START_TEST(a_child_waits_for_a_recall_with_its_parent_pinned)
{
    limit = parent = make(NULL, CAPACITY);
    expect_waits();
    mp_destroy(limit);
}
END_TEST

START_TEST(so_does_a_grandchild)
{
    limit = make(NULL, CAPACITY);
    parent = make(limit, 0);
    expect_waits();
    mp_destroy(limit);
}
END_TEST

/* Parents of their own, whose children borrow from one limit. */
static void *make_many(void *above)
{
    memory_pool_t **mine = above;
    size_t wrong = 0;

    for (unsigned i = 0; i < support_times(20000, 10); i++) {
        memory_pool_t *mp = make(*mine, 0);
        wrong += mp == NULL || mp_allocate(mp, 16 + i % 100) == NULL;
        mp_destroy(mp);
    }
    return (void *)wrong;
}

START_TEST(children_of_two_parents_come_below_one_limit)
{
    memory_pool_t *parents[2];

    limit = make(NULL, CAPACITY);
    parents[0] = make(limit, 0);
    parents[1] = make(limit, 0);
    ck_assert_uint_eq(threads_run(2, make_many, parents, sizeof *parents), 0);
    ck_assert_int_eq(mp_check(limit), 0);
    mp_destroy(parents[0]); /* it may have credit of its own */
    mp_destroy(parents[1]);
    ck_assert_uint_eq(charged(), 0);
    mp_destroy(limit);
}
END_TEST

/* A capacity of 1 has no part that could be lent. */
static void *make_one_without_credit(void *kept)
{
    struct memory_pool **mp = kept;

    /* With an object the thread has a cache there. */
    memory_pool_t *first = make(NULL, 1);
    POOLS_EXPECT(mp_allocate(first, 1) != NULL);
    mp_destroy(first);
    struct thread *self = thread_known();
    *mp = self == NULL ? NULL : self->kept[true];
    atomic_store(&done, 1);
    await(&let, 1);
    memory_pool_t *again = make(NULL, 1);
    atomic_store(&done, 2);
    POOLS_EXPECT(again != NULL && mp_allocate(again, 1) != NULL);
    POOLS_EXPECT(*mp == NULL || *mp == again);
    mp_destroy(again);
    return NULL;
}

/* As fork() enters the lock it does not say so: the pool is quiet yet. */
START_TEST(a_pool_without_credit_waits_for_a_fork)
{
    struct memory_pool *kept = NULL;

    atomic_store(&let, 0);
    atomic_store(&done, 0);
    pthread_t helper = support_start(make_one_without_credit, &kept);
    await(&done, 1);
    if (kept != NULL) {
        lock_take(&kept->lock);
    }
    atomic_store(&let, 1);
    if (kept != NULL) {
        rest(50);
        ck_assert_int_eq(atomic_load(&done), 1);
        ck_assert(sync_get(&kept->place.kept));
        lock_drop(&kept->lock);
    }
    support_join(helper);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rejoin");
    TCase *tc = support_case(suite, "rejoin");

    tcase_add_test(tc, the_word_native_is_for_no_pool);
    tcase_add_test(tc, a_child_waits_for_a_recall_with_its_parent_pinned);
    tcase_add_test(tc, so_does_a_grandchild);
    tcase_add_test(tc, children_of_two_parents_come_below_one_limit);
    tcase_add_test(tc, a_pool_without_credit_waits_for_a_fork);
    return support_run(suite);
}
