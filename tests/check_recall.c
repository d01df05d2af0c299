/* SPDX-License-Identifier: MIT
 *
 * check_recall.c - credit that others borrow again before a recall is used.
 *
 * Who changes a capacity, or moves a pool below one, has the credit recalled
 * that is in the way, and then looks again.  In between no lock is held that
 * keeps others from borrowing anew: then it has to be recalled once more.
 *
 * The test holds two locks of the library in turn, so that each step comes
 * where it is to come:
 *
 *     caller                 helper                 test
 *                            enters that of a borrower
 *     begins a recall,
 *     and waits for it
 *                                                   enters the capacity's pool
 *                            leaves it
 *     has recalled all,
 *     and waits for the pool
 *                            frees an eighth, and borrows
 *                                                   leaves it
 *     looks
 */
#include "pools.h"

#include "pool/pool.h"

#define CAPACITY ((size_t)80000)

/* A pool with a capacity, which has no cache of its own; two borrowers below;
 * and one that is about to come there. */
static memory_pool_t *limit;
static memory_pool_t *borrower;
static memory_pool_t *slow_borrower;
static memory_pool_t *mover;

/* What the helper and the test have come to. */
enum { BEGUN, HELD, RECALLING, LIMIT_HELD, BORROWED };
static atomic_int step;

static void await(int until)
{
    while (atomic_load(&step) < until) {
        sched_yield();
    }
}

static void *help(void *unused)
{
    bool taken = pool_enter(slow_borrower);
    atomic_store(&step, HELD);
    while (quota_state(&limit->quota) != QUOTA_TIGHTENING) {
        sched_yield();
    }
    atomic_store(&step, RECALLING);
    await(LIMIT_HELD);
    lock_leave(&slow_borrower->lock, taken);
    /* This is to be had once all is recalled. */
    taken = lock_enter(&limit->quota.recall);
    lock_leave(&limit->quota.recall, taken);
    POOLS_EXPECT(quota_state(&limit->quota) == QUOTA_TIGHT);
    POOLS_EXPECT(mp_allocate(borrower, 100) != NULL);
    POOLS_EXPECT(quota_state(&limit->quota) == QUOTA_ROOMY);
    return unused;
}

static memory_pool_t *make(memory_pool_t *parent, size_t capacity,
                           mp_threads_t threads)
{
    const mp_options_t options = {
        .parent = parent, .capacity = capacity, .threads = threads};
    memory_pool_t *mp = mp_create(&options);

    ck_assert_ptr_nonnull(mp);
    return mp;
}

/* False: pools have no caches here. */
static bool start(void)
{
    limit = make(NULL, CAPACITY, MP_THREADS_LOCKED);
    borrower = make(limit, 0, MP_THREADS_CACHED);
    slow_borrower = make(limit, 0, MP_THREADS_CACHED);
    mover = make(NULL, CAPACITY, MP_THREADS_LOCKED);
    if (!pools_caches_exist()) {
        return false;
    }
    /* More than any of the test's calls leave. */
    void *object = mp_allocate(borrower, CAPACITY / 2);
    ck_assert_ptr_nonnull(object);
    mp_free(borrower, object);
    ck_assert_ptr_nonnull(mp_allocate(borrower, 100));
    ck_assert_ptr_nonnull(mp_allocate(slow_borrower, 100));
    ck_assert_int_eq(quota_state(&limit->quota), QUOTA_ROOMY);
    return true;
}

/* The call recalls twice, and succeeds. */
static void expect_second_recall(void *(*call)(void *))
{
    if (start()) {
        atomic_store(&step, BEGUN);
        pthread_t helper = support_start(help, NULL);
        await(HELD);
        pthread_t caller = support_start(call, NULL);
        await(RECALLING);
        bool taken = pool_enter(limit);
        atomic_store(&step, LIMIT_HELD);
        support_join(helper);
        lock_leave(&limit->lock, taken);
        support_join(caller);
        ck_assert_int_eq(mp_check(limit), 0);
        ck_assert_uint_eq(limit->pins.count, 0);
    }
    if (mp_parent(mover) == NULL) {
        mp_destroy(mover);
    }
    mp_destroy(limit);
}

static void *narrow(void *unused)
{
    POOLS_EXPECT(mp_set_capacity(limit, CAPACITY / 4) == 0);
    return unused;
}

START_TEST(a_capacity_is_changed_though_credit_was_lent_again)
{
    expect_second_recall(narrow);
}
END_TEST

/* It holds so much that it comes there only if nothing is lent. */
static void *move(void *unused)
{
    POOLS_EXPECT(mp_allocate(mover, CAPACITY - 300) != NULL);
    POOLS_EXPECT(mp_set_parent(mover, limit) == 0);
    return unused;
}

START_TEST(a_pool_is_moved_though_credit_was_lent_again)
{
    expect_second_recall(move);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("recall");
    TCase *tc = support_case(suite, "recall");

    tcase_add_test(tc, a_capacity_is_changed_though_credit_was_lent_again);
    tcase_add_test(tc, a_pool_is_moved_though_credit_was_lent_again);
    return support_run(suite);
}
