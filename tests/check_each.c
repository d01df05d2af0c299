/* SPDX-License-Identifier: MIT
 *
 * check_each.c - what a pool is, and the list of all pools.
 *
 * mp_name(), mp_parent() and mp_kind() of pools of every kind; mp_each_pool()
 * alone and beside threads that make and destroy pools; what a visit may do.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pools.h"
#include "threads.h"

/* The pool is of that kind, and says so first and then why. */
static void each_expect_kind(memory_pool_t *mp, mp_kind_t kind,
                             const char *text)
{
    const char *why = NULL;

    ck_assert_int_eq(mp_kind(mp, &why), kind);
    ck_assert_int_eq(mp_kind(mp, NULL), kind);
    ck_assert_ptr_nonnull(why);
    ck_assert_msg(strstr(why, text) != NULL, "\"%s\" does not say \"%s\"", why,
                  text);
}

/* The same of a new pool, and its end. */
static void each_expect_new(const mp_options_t *options, mp_kind_t kind,
                            const char *text)
{
    memory_pool_t *mp = pools_make_with(options);

    each_expect_kind(mp, kind, text);
    mp_destroy(mp);
}

START_TEST(a_pool_says_of_what_kind_it_is_and_why)
{
    static unsigned char bytes[16384];
    const mp_backing_t buffer = mp_backing_buffer(bytes, sizeof bytes);

    if (!pools_caches_exist()) {
        return;
    }
    /* Twice: the second pool is one that was kept. */
    for (int i = 0; i < 2; i++) {
        each_expect_new(NULL, MP_KIND_CACHED, "cached: no option");
        each_expect_new(&(mp_options_t){.threads = MP_THREADS_NONE},
                        MP_KIND_CACHED, "cached: no option");
        each_expect_new(&(mp_options_t){.capacity = 1000}, MP_KIND_COUNTED,
                        "counted: the pool has a capacity");
        each_expect_new(&(mp_options_t){.flags = MP_ZERO_ON_FREE},
                        MP_KIND_COUNTED, "counted: MP_ZERO_ON_FREE");
        each_expect_new(&(mp_options_t){.max_object = 1000}, MP_KIND_COUNTED,
                        "counted: max_object");
        each_expect_new(&(mp_options_t){.max_object = 1024}, MP_KIND_CACHED,
                        "cached: ");
    }
    each_expect_new(&(mp_options_t){.threads = MP_THREADS_LOCKED},
                    MP_KIND_LOCKED, "locked: MP_THREADS_LOCKED");
    each_expect_new(&(mp_options_t){.backing = &mp_backing_mmap},
                    MP_KIND_COUNTED, "counted: the pool has a backing");
    each_expect_new(&(mp_options_t){.backing = &buffer}, MP_KIND_COUNTED,
                    "counted: the pool has a buffer");
    each_expect_new(&(mp_options_t){.backing = &mp_backing_malloc,
                                    .threads = MP_THREADS_NONE},
                    MP_KIND_COUNTED, "counted: the pool has a backing");
    each_expect_new(&(mp_options_t){.backing = &buffer,
                                    .threads = MP_THREADS_LOCKED},
                    MP_KIND_LOCKED, "locked: MP_THREADS_LOCKED");
    each_expect_new(&(mp_options_t){.flags = MP_POISON}, MP_KIND_TRACKED,
                    "tracked: a flag");

    memory_pool_t *base = init_memory_pool();
    each_expect_kind(base, MP_KIND_LOCKED, "as a base pool does");
    destroy_memory_pool(base);
    memory_pool_t *parent = pools_make_with(&(mp_options_t){.capacity = 4000});
    each_expect_new(&(mp_options_t){.parent = parent}, MP_KIND_COUNTED,
                    "counted: a pool above");
    mp_destroy(parent);
}
END_TEST

START_TEST(a_pool_tells_its_name_and_its_parent)
{
    char name[100];

    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    for (int i = 0; i < pools_count; i++) {
        mp_options_t options = pools_kinds[i].options;
        options.name = name;
        memory_pool_t *parent = pools_make_with(&options);
        ck_assert_uint_eq(strlen(mp_name(parent)), 63);
        ck_assert_ptr_ne(mp_name(parent), name);
        options.name = NULL;
        options.parent = parent;
        memory_pool_t *child = pools_make_with(&options);
        errno = SUPPORT_ERRNO;
        ck_assert_ptr_null(mp_name(child));
        ck_assert_ptr_eq(mp_parent(child), parent);
        ck_assert_ptr_null(mp_parent(parent));
        ck_assert_int_eq(errno, SUPPORT_ERRNO);
        mp_destroy(parent);
    }
}
END_TEST

START_TEST(a_question_about_no_pool_is_refused_in_silence)
{
    const char *why = NULL;

    support_capture();
    SUPPORT_REFUSED(mp_name(NULL), NULL);
    SUPPORT_REFUSED(mp_parent(NULL), NULL);
    SUPPORT_REFUSED(mp_kind(NULL, NULL), MP_KIND_NONE);
    SUPPORT_REFUSED(mp_kind(NULL, &why), MP_KIND_NONE);
    SUPPORT_REFUSED(mp_each_pool(NULL, &why), -1);
    support_release_lines("", 0);
    ck_assert_str_eq(why, "none: there is no pool");
}
END_TEST

/* What a visit finds of the pools that a test made itself. */
#define EACH_POOLS 100
struct each_seen {
    memory_pool_t *pools[EACH_POOLS];
    unsigned times[EACH_POOLS];
    size_t count; /* of all visits */
};

static int each_note(memory_pool_t *mp, void *arg)
{
    struct each_seen *seen = arg;

    seen->count++;
    for (size_t i = 0; i < EACH_POOLS; i++) {
        seen->times[i] += seen->pools[i] == mp;
    }
    return 0;
}

static int each_stop(memory_pool_t *mp, void *arg)
{
    size_t *left = arg;

    POOLS_EXPECT(mp != NULL);
    return --*left == 0 ? -7 : 0;
}

/* Of every kind, children of one another among them. */
static void each_make_all(struct each_seen *seen)
{
    memset(seen, 0, sizeof *seen);
    for (size_t i = 0; i < EACH_POOLS; i++) {
        mp_options_t options = pools_kinds[i % (size_t)pools_count].options;
        options.parent = i % 3 == 2 ? seen->pools[i - 1] : NULL;
        seen->pools[i] = pools_make_with(&options);
    }
}

static void each_destroy_all(const struct each_seen *seen)
{
    for (size_t i = EACH_POOLS; i-- > 0;) {
        mp_destroy(seen->pools[i]);
    }
}

START_TEST(each_pool_of_the_process_is_visited_once)
{
    struct each_seen seen;

    ck_assert_int_eq(mp_each_pool(each_note, memset(&seen, 0, sizeof seen)),
                     0);
    size_t before = seen.count;
    each_make_all(&seen);
    /* Kept by the thread, and not there any more. */
    mp_destroy(pools_make_with(NULL));
    errno = SUPPORT_ERRNO;
    ck_assert_int_eq(mp_each_pool(each_note, &seen), 0);
    ck_assert_int_eq(errno, SUPPORT_ERRNO);
    for (size_t i = 0; i < EACH_POOLS; i++) {
        ck_assert_uint_eq(seen.times[i], 1);
    }
    ck_assert_uint_eq(seen.count, before + EACH_POOLS);
    size_t left = 3;
    ck_assert_int_eq(mp_each_pool(each_stop, &left), -7);
    ck_assert_uint_eq(left, 0);
    each_destroy_all(&seen);
    seen.count = 0;
    ck_assert_int_eq(mp_each_pool(each_note, &seen), 0);
    ck_assert_uint_eq(seen.count, before);
}
END_TEST

/* Destroys the pool that is visited, and another one, which may have been
 * visited or may be still to come.  seen->count are pools that were destroyed
 * before, or that the test does not know. */
static int each_destroy(memory_pool_t *mp, void *arg)
{
    struct each_seen *seen = arg;
    size_t i = 0;
    size_t last = EACH_POOLS;

    while (i < EACH_POOLS && seen->pools[i] != mp) {
        i++;
    }
    if (i == EACH_POOLS) {
        seen->count++;
        return 0;
    }
    mp_destroy(mp);
    seen->pools[i] = NULL;
    while (last > 0 && seen->pools[last - 1] == NULL) {
        last--;
    }
    if (last > 0) {
        mp_destroy(seen->pools[last - 1]);
        seen->pools[last - 1] = NULL;
    }
    mp_destroy(pools_make_with(NULL));
    return 0;
}

START_TEST(a_visit_may_make_and_destroy_pools)
{
    struct each_seen seen = {.count = 0};

    for (size_t i = 0; i < EACH_POOLS; i++) {
        size_t kind = i % (size_t)pools_count;
        seen.pools[i] = pools_make_with(&pools_kinds[kind].options);
    }
    ck_assert_int_eq(mp_each_pool(each_destroy, &seen), 0);
    ck_assert_uint_eq(seen.count, 0);
    for (size_t i = 0; i < EACH_POOLS; i++) {
        ck_assert_ptr_null(seen.pools[i]);
    }
}
END_TEST

static int each_nest(memory_pool_t *mp, void *arg)
{
    size_t left = 1;

    (void)mp;
    (void)arg;
    errno = 0;
    POOLS_EXPECT(mp_each_pool(each_stop, &left) == -1 && errno == EBUSY);
    POOLS_EXPECT(left == 1);
    return 5;
}

START_TEST(a_visit_that_lists_the_pools_is_refused)
{
    memory_pool_t *mp = pools_make_with(NULL);

    ck_assert_int_eq(mp_each_pool(each_nest, NULL), 5);
    mp_destroy(mp);
}
END_TEST

/* A thread destroys the pool that is being visited. */
struct each_ending {
    memory_pool_t *mp;
    pthread_t thread;
    atomic_bool started;
    atomic_bool destroyed;
};

static void *each_end(void *argument)
{
    struct each_ending *ending = argument;

    ending->started = true;
    mp_destroy(ending->mp);
    ending->destroyed = true;
    return NULL;
}

/* Not on the stack: a thread may be cancelled here, and AddressSanitizer then
 * takes the place for one that must not be written. */
static void each_moment(void)
{
    static const struct timespec moment = {0, 1000000};

    nanosleep(&moment, NULL);
}

static int each_hold(memory_pool_t *mp, void *arg)
{
    struct each_ending *ending = arg;
    mp_stats_t stats;

    if (mp != ending->mp) {
        return 0;
    }
    ending->thread = threads_start_one(each_end, ending);
    while (!ending->started) {
        each_moment();
    }
    for (int i = 0; i < 20; i++) {
        POOLS_EXPECT(!ending->destroyed);
        POOLS_EXPECT(strcmp(mp_name(mp), "held") == 0);
        POOLS_EXPECT(mp_stats(mp, &stats) == 0 && stats.live_objects == 1);
        each_moment();
    }
    return 1;
}

START_TEST(a_pool_stays_until_its_visit_is_over)
{
    mp_options_t options = pools_kinds[_i].options;
    struct each_ending ending = {.started = false};

    options.name = "held";
    options.flags &= ~(unsigned)MP_LEAK_CHECK;
    ending.mp = pools_make_with(&options);
    POOLS_EXPECT(mp_allocate(ending.mp, 100) != NULL);
    ck_assert_int_eq(mp_each_pool(each_hold, &ending), 1);
    threads_join_one(ending.thread);
    ck_assert(ending.destroyed);
}
END_TEST

/* Threads that make and destroy pools until they are told to stop. */
static atomic_bool each_stopped;

static void *each_work(void *argument)
{
    size_t wrong = 0;

    (void)argument;
    for (unsigned i = 0; !each_stopped; i++) {
        mp_options_t options = {.name = i % 2 == 0 ? NULL : "work",
                                .capacity = i % 3 == 0 ? 10000 : 0};
        memory_pool_t *mp = mp_create(&options);
        options.parent = mp;
        options.flags = i % 5 == 0 ? MP_PASSTHROUGH : 0u;
        memory_pool_t *child = mp_create(&options);
        wrong += mp == NULL || child == NULL ||
                 mp_allocate(child, 100) == NULL;
        if (i % 7 == 0) {
            mp_reset(mp);
        }
        mp_destroy(mp);
    }
    return (void *)wrong;
}

/* Everything that can be asked of a pool is asked. */
static int each_ask(memory_pool_t *mp, void *arg)
{
    const char *why = "";
    mp_stats_t stats;
    const char *name = mp_name(mp);
    memory_pool_t *parent = mp_parent(mp);

    POOLS_EXPECT(name == NULL || strcmp(name, "work") == 0 ||
                 strcmp(name, "kind") == 0 || strcmp(name, "all") == 0);
    POOLS_EXPECT(mp_kind(mp, &why) != MP_KIND_NONE && *why != '\0');
    POOLS_EXPECT(parent == NULL || mp_kind(parent, NULL) != MP_KIND_NONE);
    POOLS_EXPECT(mp_stats(mp, &stats) == 0);
    POOLS_EXPECT(mp_check(mp) == 0);
    return each_note(mp, arg);
}

START_TEST(pools_are_listed_beside_threads_that_make_and_destroy_some)
{
    struct each_seen seen;
    struct threads threads;
    unsigned rounds = support_times(100, 10);

    each_make_all(&seen);
    each_stopped = false;
    threads_start(&threads, 3, each_work, NULL, 0);
    for (unsigned i = 0; i < rounds; i++) {
        POOLS_EXPECT(mp_each_pool(each_ask, &seen) == 0);
    }
    each_stopped = true;
    ck_assert_uint_eq(threads_join(&threads), 0);
    for (size_t i = 0; i < EACH_POOLS; i++) {
        ck_assert_uint_eq(seen.times[i], rounds);
    }
    each_destroy_all(&seen);
}
END_TEST

/* Threads that list all the time, and are cancelled in a visit. */
static int each_wait(memory_pool_t *mp, void *arg)
{
    atomic_bool *inside = arg;

    (void)mp;
    *inside = true;
    while (*inside) {
        each_moment(); /* a cancellation point */
    }
    return 0;
}

static void *each_visit(void *argument)
{
    mp_each_pool(each_wait, argument);
    return NULL;
}

START_TEST(a_thread_cancelled_in_a_visit_is_not_waited_for)
{
    memory_pool_t *mp = pools_make_with(NULL);
    struct each_seen seen = {.pools = {mp}};
    atomic_bool inside = false;
    pthread_t thread = support_start(each_visit, &inside);

    while (!inside) {
        each_moment();
    }
    pthread_cancel(thread);
    support_join(thread);
    ck_assert_int_eq(mp_each_pool(each_note, &seen), 0);
    ck_assert_uint_eq(seen.times[0], 1);
    mp_destroy(mp);
}
END_TEST

/* In the child the visit of another thread is no more. */
static int each_child(void *argument)
{
    struct each_seen *seen = argument;

    bool right = mp_each_pool(each_note, seen) == 0 && seen->times[0] == 1;
    mp_destroy(seen->pools[0]);
    right = right && mp_each_pool(each_note, seen) == 0 &&
            seen->times[0] == 1;
    return right ? 0 : 1;
}

START_TEST(the_child_of_a_fork_beside_a_visit_lists_its_pools)
{
    struct each_seen seen = {.pools = {pools_make_with(NULL)}};
    atomic_bool inside = false;
    pthread_t thread = support_start(each_visit, &inside);

    while (!inside) {
        each_moment();
    }
    support_fork(each_child, &seen);
    pthread_cancel(thread);
    support_join(thread);
    mp_destroy(seen.pools[0]);
}
END_TEST

static int each_fork(memory_pool_t *mp, void *arg)
{
    if (mp == ((struct each_seen *)arg)->pools[0]) {
        pid_t child = fork();
        POOLS_EXPECT(child != -1);
        if (child == 0) {
            return 1; /* the child goes on with the visits' end */
        }
        support_expect_child(child);
    }
    return 0;
}

START_TEST(a_fork_in_a_visit_leaves_both_processes_their_pools)
{
    struct each_seen seen = {.pools = {pools_make_with(NULL)}};
    pid_t self = getpid();

    int answer = mp_each_pool(each_fork, &seen);
    bool right = mp_each_pool(each_note, &seen) == 0 && seen.times[0] == 1;
    mp_destroy(seen.pools[0]);
    if (getpid() != self) {
        _exit(right && answer == 1 ? 0 : 1);
    }
    ck_assert(right);
    ck_assert_int_eq(answer, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("each");
    TCase *single = support_case(suite, "single");

    tcase_add_test(single, a_pool_says_of_what_kind_it_is_and_why);
    tcase_add_test(single, a_pool_tells_its_name_and_its_parent);
    tcase_add_test(single, a_question_about_no_pool_is_refused_in_silence);
    tcase_add_test(single, each_pool_of_the_process_is_visited_once);
    tcase_add_test(single, a_visit_may_make_and_destroy_pools);
    tcase_add_test(single, a_visit_that_lists_the_pools_is_refused);
    tcase_add_loop_test(single, a_pool_stays_until_its_visit_is_over, 0,
                        pools_count);
    tcase_add_test(single,
                   pools_are_listed_beside_threads_that_make_and_destroy_some);
    tcase_add_test(single, a_thread_cancelled_in_a_visit_is_not_waited_for);
    tcase_add_test(single,
                   the_child_of_a_fork_beside_a_visit_lists_its_pools);
    tcase_add_test(single,
                   a_fork_in_a_visit_leaves_both_processes_their_pools);
    return support_run(suite);
}
