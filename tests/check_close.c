/* SPDX-License-Identifier: MIT
 *
 * check_close.c - a tree of pools is closed before any of it is freed.
 *
 * What cleanups find in the pools above, below and beside their own; what they
 * may add there, free and destroy; and cleanups that are left by longjmp().
 * And what a report of a pool that ends may add to it.  What a cleanup may do
 * with its own pool is in check_cleanups.c.
 */
#include <errno.h>
#include <setjmp.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cleanups.h"
#include "sanitizer.h"
#include "threads.h"

#define POOLS 7

/* A tree: 0 has 1, 2 and 3 below, 2 has 4 and 5, and 5 has 6. */
static struct node {
    memory_pool_t *mp;
    char *object;
    unsigned looked;
} nodes[POOLS];

static const int parents[POOLS] = {-1, 0, 0, 0, 2, 2, 5};

/* The order in which they are closed: the newest child first. */
static const char order[] = "3654210";

/* Every object of the tree is there. */
static void look_at_all(void *arg)
{
    struct node *node = arg;

    node->looked++;
    cleanups_called[strlen(cleanups_called)] = (char)('0' + (node - nodes));
    for (int i = 0; i < POOLS; i++) {
        POOLS_EXPECT(strcmp(nodes[i].object, "object") == 0);
        POOLS_EXPECT(is_mp_ptr(nodes[i].mp, nodes[i].object));
        POOLS_EXPECT(mp_check(nodes[i].mp) == 0);
    }
}

static void plant(int i)
{
    cleanups_start();
    for (int n = 0; n < POOLS; n++) {
        memory_pool_t *above = n == 0 ? NULL : nodes[parents[n]].mp;
        nodes[n] = (struct node){cleanups_pool(i + n, above), NULL, 0};
        nodes[n].object = mp_strdup(nodes[n].mp, "object");
        POOLS_EXPECT(nodes[n].object != NULL);
    }
}

static void plant_with_cleanups(int i)
{
    plant(i);
    for (int n = 0; n < POOLS; n++) {
        POOLS_EXPECT(mp_add_cleanup(nodes[n].mp, look_at_all, &nodes[n]) == 0);
    }
}

START_TEST(each_cleanup_finds_every_object_of_the_tree)
{
    plant_with_cleanups(_i);
    cleanups_end(_i, nodes[0].mp);
    ck_assert_str_eq(cleanups_called, order);
    ck_assert_uint_eq(pools_reported.count, 0);
}
END_TEST

/* What pools of all kinds allow is allowed in those that are closed, too. */
static void use_all(void *arg)
{
    struct node *node = arg;

    node->looked++;
    for (int i = 0; i < POOLS; i++) {
        void *object = mp_allocate(nodes[i].mp, 3000);
        POOLS_EXPECT(object != NULL && mp_strdup(nodes[i].mp, "more") != NULL);
        free_memory(nodes[i].mp, object);
        POOLS_EXPECT(mp_check(nodes[i].mp) == 0);
    }
}

START_TEST(a_cleanup_can_allocate_and_free_in_every_pool_of_the_tree)
{
    plant(_i);
    for (int n = 0; n < POOLS; n++) {
        POOLS_EXPECT(mp_add_cleanup(nodes[n].mp, use_all, &nodes[n]) == 0);
    }
    cleanups_end(_i, nodes[0].mp);
    for (int n = 0; n < POOLS; n++) {
        ck_assert_uint_eq(nodes[n].looked, 1);
    }
    ck_assert_uint_eq(pools_reported.count, 0);
}
END_TEST

/* Adds a cleanup to each pool but the deepest, most of which are closed, and
 * below that a pool with a cleanup. */
static void add_below(void *arg)
{
    (void)arg;
    for (int n = 0; n < POOLS - 1; n++) {
        POOLS_EXPECT(mp_add_cleanup(nodes[n].mp, look_at_all, &nodes[n]) == 0);
    }
    memory_pool_t *made = cleanups_pool(0, nodes[6].mp);
    cleanups_add(made, 'x');
    POOLS_EXPECT(mp_strdup(made, "object") != NULL);
}

START_TEST(what_a_cleanup_adds_to_closed_pools_is_called)
{
    plant(_i);
    POOLS_EXPECT(mp_add_cleanup(nodes[0].mp, add_below, NULL) == 0);
    cleanups_end(_i, nodes[0].mp);
    ck_assert_str_eq(cleanups_called, "3x54210");
    ck_assert_uint_eq(pools_reported.count, 0);
}
END_TEST

/* Each adds the other again, above and below. */
static void pass_on(void *arg)
{
    struct node *node = arg;
    struct node *other = node == &nodes[0] ? &nodes[6] : &nodes[0];

    node->looked++;
    POOLS_EXPECT(node->looked < 70000);
    POOLS_EXPECT(mp_add_cleanup(other->mp, pass_on, other) == 0);
}

START_TEST(cleanups_that_add_to_each_other_without_end_are_stopped)
{
    plant(_i);
    POOLS_EXPECT(mp_add_cleanup(nodes[6].mp, pass_on, &nodes[6]) == 0);
    cleanups_end(_i, nodes[0].mp);
    ck_assert_uint_eq(nodes[0].looked + nodes[6].looked, 65536 + 1);
    ck_assert_uint_eq(pools_reported.count, 1);
    ck_assert_int_eq(pools_reported.event, MP_EVENT_CLEANUP);
}
END_TEST

/* Pools below are the program's as before: one goes with those below it, one is
 * reset, and one is left to the reset. */
static void destroy_below(void *arg)
{
    (void)arg;
    destroy_memory_pool(nodes[5].mp);
    free_all_memory(nodes[2].mp);
    destroy_memory_pool(nodes[1].mp);
    POOLS_EXPECT(!is_mp_ptr(nodes[2].mp, nodes[2].object));
    POOLS_EXPECT(mp_strdup(nodes[2].mp, "later") != NULL);
    POOLS_EXPECT(mp_check(nodes[0].mp) == 0 && mp_check(nodes[2].mp) == 0);
    POOLS_EXPECT(strcmp(nodes[3].object, "object") == 0);
}

START_TEST(a_cleanup_can_destroy_and_reset_pools_below)
{
    plant(_i);
    for (int n = 1; n < POOLS; n++) {
        cleanups_add(nodes[n].mp, (char)('a' + n));
    }
    POOLS_EXPECT(mp_add_cleanup(nodes[0].mp, destroy_below, NULL) == 0);
    cleanups_end(_i, nodes[0].mp);
    ck_assert_str_eq(cleanups_called, "dgfecb");
    ck_assert_uint_eq(pools_reported.count, 0);
}
END_TEST

static jmp_buf escape;

static void leave(void *arg)
{
    struct node *node = arg;

    node->looked++;
    longjmp(escape, 1);
}

/* False: it was left. */
static bool try_to_end(int i, memory_pool_t *mp)
{
    if (setjmp(escape) != 0) {
        return false;
    }
    cleanups_end(i, mp);
    return true;
}

/* A cleanup leaves the reset or the end of one pool. */
static void plant_and_leave(int i, int pool, int leaver)
{
    plant_with_cleanups(i);
    POOLS_EXPECT(mp_add_cleanup(nodes[leaver].mp, leave,
                                &nodes[leaver]) == 0);
    ck_assert(!try_to_end(i, nodes[pool].mp));
    ck_assert_uint_eq(nodes[leaver].looked, 1);
    for (int n = 0; n < POOLS; n++) {
        ck_assert_str_eq(nodes[n].object, "object");
        ck_assert_int_eq(mp_check(nodes[n].mp), 0);
    }
}

START_TEST(a_cleanup_that_is_left_costs_only_its_own_call)
{
    for (int leaver = 0; leaver < POOLS; leaver++) {
        plant_and_leave(_i, 0, leaver);
        ck_assert(try_to_end(_i, nodes[0].mp));
        /* Each is called once, before the jump or after it. */
        ck_assert_str_eq(cleanups_called, order);
        ck_assert_uint_eq(pools_reported.count, 0);
    }
}
END_TEST

START_TEST(a_pool_above_ends_what_a_cleanup_has_left)
{
    plant_and_leave(_i, 2, 6);
    /* And those that are half closed can be used, and grow. */
    cleanups_add(nodes[5].mp, 'y');
    ck_assert(try_to_end(_i, nodes[0].mp));
    ck_assert_str_eq(cleanups_called, "36y54210");
    ck_assert_uint_eq(pools_reported.count, 0);
}
END_TEST

START_TEST(a_pool_below_ends_by_itself_what_a_cleanup_has_left)
{
    plant_and_leave(_i, 0, 6);
    ck_assert_str_eq(cleanups_called, "3");
    destroy_memory_pool(nodes[5].mp);
    ck_assert_str_eq(cleanups_called, "365");
    for (int n = 0; n < POOLS; n++) {
        ck_assert(n == 5 || n == 6 || is_mp_ptr(nodes[n].mp, nodes[n].object));
    }
    cleanups_start();
    nodes[5] = nodes[6] = nodes[0];
    ck_assert(try_to_end(_i, nodes[0].mp));
    ck_assert_str_eq(cleanups_called, "4210");
    ck_assert_uint_eq(pools_reported.count, 0);
}
END_TEST

static void *destroy_elsewhere(void *arg)
{
    destroy_memory_pool(arg);
    return NULL;
}

START_TEST(another_thread_ends_what_a_cleanup_has_left)
{
    plant_and_leave(_i, 0, 5);
    support_join(support_start(destroy_elsewhere, nodes[0].mp));
    ck_assert_str_eq(cleanups_called, order);
    ck_assert_uint_eq(pools_reported.count, 0);
    /* The thread that has left it goes on with other pools. */
    plant_with_cleanups(_i);
    cleanups_end(_i, nodes[0].mp);
    ck_assert_str_eq(cleanups_called, order);
    ck_assert_uint_eq(pools_reported.count, 0);
}
END_TEST

/* A cleanup ends another tree, and is left by a cleanup of that one. */
static void end_other(void *arg)
{
    (void)arg;
    ck_assert(!try_to_end(CLEANUPS_KINDS, nodes[0].mp));
    errno = 0;
    destroy_memory_pool(nodes[0].mp);
    POOLS_EXPECT(nodes[1].looked == 2 && pools_reported.count == 0);
}

START_TEST(a_cleanup_is_left_within_another)
{
    plant(_i);
    memory_pool_t *mp = cleanups_pool(_i, NULL);

    POOLS_EXPECT(mp_add_cleanup(nodes[1].mp, look_at_all, &nodes[1]) == 0);
    POOLS_EXPECT(mp_add_cleanup(nodes[1].mp, leave, &nodes[1]) == 0);
    POOLS_EXPECT(mp_add_cleanup(mp, end_other, NULL) == 0);
    cleanups_end(_i, mp);
    ck_assert_uint_eq(pools_reported.count, 0);
}
END_TEST

/* A chain of pools, each below the one before and with a capacity of its own,
 * with an object in each. */
START_TEST(the_end_of_a_deep_tree_leaves_nothing_charged)
{
    memory_pool_t *top = cleanups_pool(3, NULL);
    memory_pool_t *at = top;
    memory_pool_t *first = NULL;
    mp_stats_t stats;

    for (int n = 0; n < 300; n++) {
        mp_options_t options = {.parent = at};
        options.capacity = n % 3 == 0 ? 0 : 1000000;
        at = mp_create(&options);
        first = first == NULL ? at : first;
        POOLS_EXPECT(at != NULL && mp_allocate(at, 100) != NULL);
    }
    char *most = mp_allocate(top, 10000000 - 300 * 100);
    ck_assert_ptr_nonnull(most);
    ck_assert_ptr_null(mp_allocate(top, 1));
    if (_i == 0) {
        destroy_memory_pool(first);
        ck_assert_ptr_nonnull(mp_allocate(top, 300 * 100));
        ck_assert_ptr_null(mp_allocate(top, 1));
    } else {
        free_all_memory(top);
        ck_assert_ptr_nonnull(mp_allocate(top, 10000000));
    }
    ck_assert_int_eq(mp_stats(top, &stats), 0);
    ck_assert_uint_eq(stats.live_bytes, 10000000);
    ck_assert_int_eq(mp_check(top), 0);
    destroy_memory_pool(top);
}
END_TEST

/* A pool that ends, whose report adds to it. */
static struct {
    memory_pool_t *mp;
    memory_pool_t *below;
    void *object; /* that the report allocated */
    unsigned reports;
    unsigned cleanups;
    bool owned; /* by the pool, as the cleanup was called */
    bool leaves;
    jmp_buf escape;
    int status; /* of the child of fork() */
} told;

static void find_object(void *object)
{
    told.cleanups++;
    told.owned = mp_owns(told.mp, object);
    if (told.leaves) {
        told.leaves = false;
        longjmp(told.escape, 1);
    }
}

static int count_told(memory_pool_t *mp, void *count)
{
    *(unsigned *)count += mp == told.mp;
    return 0;
}

/* The child uses the pools as if nobody had begun to end them. */
static void *fork_beside(void *unused)
{
    pid_t child = fork();

    if (child == 0) {
        unsigned seen = 0;
        alarm(20); /* where it hangs */
        destroy_memory_pool(mp_create(NULL));
        bool well = mp_each_pool(count_told, &seen) == 0 && seen == 1 &&
                    mp_parent(told.below) == told.mp &&
                    mp_allocate(told.below, 10) != NULL &&
                    mp_check(told.below) == 0;
        mp_destroy(told.below);
        _exit(well ? 0 : 1);
    }
    told.status = -1;
    (void)waitpid(child, &told.status, 0);
    return unused;
}

static void fork_now(void *unused)
{
    (void)unused;
    told.cleanups++;
    threads_join_one(threads_start_one(fork_beside, NULL));
}

static void report_object(memory_pool_t *mp, mp_event_t event,
                       const char *message, const void *ptr, void *context)
{
    (void)event, (void)message, (void)ptr, (void)context;
    if (told.reports++ == 0) {
        told.object = mp_allocate(mp, 100);
        POOLS_EXPECT(mp_add_cleanup(mp, find_object, told.object) == 0);
    }
}

static void report_below(memory_pool_t *mp, mp_event_t event,
                      const char *message, const void *ptr, void *context)
{
    const mp_options_t options = {.parent = mp};

    (void)message, (void)ptr, (void)context;
    if (told.reports++ > 0) {
        return;
    }
    told.below = mp_create(&options);
    POOLS_EXPECT(told.below != NULL);
    if (event == MP_EVENT_DAMAGE) {
        fork_now(NULL);
    } else {
        POOLS_EXPECT(mp_add_cleanup(told.below, fork_now, NULL) == 0);
    }
}

static void make_told(const char *words, unsigned flags, mp_report_fn *report)
{
    const mp_options_t options = {.debug = words, .flags = flags,
                                  .report = report};

    memset(&told, 0, sizeof told);
    told.mp = mp_create(&options);
    POOLS_EXPECT(told.mp != NULL);
}

START_TEST(a_cleanup_that_a_report_adds_finds_what_the_report_allocated)
{
    make_told(_i == 0 ? NULL : "passthrough", MP_LEAK_CHECK, report_object);
    POOLS_EXPECT(mp_allocate(told.mp, 20) != NULL);
    mp_destroy(told.mp);
    ck_assert_uint_eq(told.cleanups, 1);
    ck_assert(told.owned);
}
END_TEST

/* The third has damage reported, where the pool is closed and has given up its
 * objects. */
START_TEST(a_pool_is_whole_after_a_cleanup_that_a_report_added_was_left)
{
    static const char *const words[] = {NULL, "passthrough", "redzone"};
    unsigned seen = 0;

    make_told(words[_i], _i < 2 ? MP_LEAK_CHECK : 0, report_object);
    char *object = mp_allocate(told.mp, 24);
    POOLS_EXPECT(object != NULL);
    if (_i == 2) {
        volatile char *volatile behind = object + 24;
        *behind ^= 1;
    }
    told.leaves = true;
    if (setjmp(told.escape) == 0) {
        mp_destroy(told.mp);
        ck_abort_msg("nobody left");
    }
    ck_assert_int_eq(mp_each_pool(count_told, &seen), 0);
    ck_assert_uint_eq(seen, 1);
    ck_assert(mp_owns(told.mp, told.object));
    ck_assert(_i == 2 || mp_owns(told.mp, object));
    mp_destroy(told.mp);
    ck_assert_uint_eq(told.cleanups, 1);
}
END_TEST

/* The third as above. */
START_TEST(a_fork_beside_a_report_leaves_the_child_whole_pools)
{
    if (_i < 2) {
        make_told(_i == 0 ? NULL : "passthrough", MP_LEAK_CHECK, report_below);
        POOLS_EXPECT(mp_allocate(told.mp, 20) != NULL);
    } else {
        make_told("redzone", 0, report_below);
        volatile char *volatile object = mp_allocate(told.mp, 24);
        object[24] ^= 1;
    }
    mp_destroy(told.mp);
    ck_assert_uint_eq(told.cleanups, 1);
    ck_assert_int_eq(told.status, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("close");
    TCase *found = support_case(suite, "found");
    TCase *left = support_case(suite, "left");

    tcase_add_loop_test(found, each_cleanup_finds_every_object_of_the_tree, 0,
                        CLEANUPS_BOTH);
    tcase_add_loop_test(
        found, a_cleanup_can_allocate_and_free_in_every_pool_of_the_tree, 0,
        CLEANUPS_BOTH);
    tcase_add_loop_test(found, what_a_cleanup_adds_to_closed_pools_is_called,
                        0, CLEANUPS_BOTH);
    tcase_add_loop_test(
        found, cleanups_that_add_to_each_other_without_end_are_stopped, 0,
        CLEANUPS_BOTH);
    tcase_add_loop_test(found, a_cleanup_can_destroy_and_reset_pools_below, 0,
                        CLEANUPS_BOTH);
    tcase_add_loop_test(found, the_end_of_a_deep_tree_leaves_nothing_charged,
                        0, 2);
    tcase_add_loop_test(left, a_cleanup_that_is_left_costs_only_its_own_call,
                        0, CLEANUPS_BOTH);
    tcase_add_loop_test(left, a_pool_above_ends_what_a_cleanup_has_left, 0,
                        CLEANUPS_BOTH);
    tcase_add_loop_test(left,
                        a_pool_below_ends_by_itself_what_a_cleanup_has_left, 0,
                        CLEANUPS_BOTH);
    tcase_add_loop_test(left, another_thread_ends_what_a_cleanup_has_left, 0,
                        CLEANUPS_BOTH);
    tcase_add_loop_test(left, a_cleanup_is_left_within_another, 0,
                        CLEANUPS_BOTH);
    tcase_add_loop_test(
        found, a_cleanup_that_a_report_adds_finds_what_the_report_allocated, 0,
        2);
    /* A sanitizer would end the program at the damage. */
    tcase_add_loop_test(
        left, a_pool_is_whole_after_a_cleanup_that_a_report_added_was_left, 0,
        SANITIZER_ON ? 2 : 3);
    tcase_add_loop_test(left,
                        a_fork_beside_a_report_leaves_the_child_whole_pools, 0,
                        SANITIZER_ON ? 2 : 3);
    return support_run(suite);
}
