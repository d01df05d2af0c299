/* SPDX-License-Identifier: MIT
 *
 * test_thread.c - threads are registered, end, and leave their pools behind.
 */
#include "set.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../sanitizer.h"

#define KEYS 4096u /* more than most systems have in a process */

static struct thread *seen; /* a thread's record, for who comes later */
static struct thread *ended; /* whose hook was called */
static unsigned ends;
static struct thread_place places[3];

static void count_end(struct thread *thread)
{
    ended = thread;
    ends++;
}

static void visit(struct thread_place *place, void *argument)
{
    unsigned *visits = argument;

    ck_assert(place >= places && place < places + 3);
    visits[place - places]++;
}

/* How often each place is found among all pools. */
static void expect_pools(unsigned first, unsigned second, unsigned third)
{
    unsigned visits[3] = {0, 0, 0};

    thread_hold();
    ck_assert(thread_list_is_sound());
    thread_each_pool(visit, visits);
    thread_drop();
    ck_assert_uint_eq(visits[0], first);
    ck_assert_uint_eq(visits[1], second);
    ck_assert_uint_eq(visits[2], third);
}

static void *do_register(void *unused)
{
    seen = thread_self();
    ck_assert_ptr_nonnull(seen);
    return unused;
}

START_TEST(a_thread_is_registered_once)
{
    thread_set_end(count_end);
    thread_set_end(count_end);
    ck_assert_ptr_null(thread_known());
    ck_assert_uint_eq(thread_user()->number, 0);
    errno = 77;
    struct thread *self = thread_self();
    ck_assert_int_eq(errno, 77);
    ck_assert_ptr_nonnull(self);
    ck_assert_ptr_eq(thread_self(), self);
    ck_assert_ptr_eq(thread_known(), self);
    ck_assert_ptr_eq(self->state, &thread_state);
    ck_assert_ptr_eq(thread_user(), &self->user);
    ck_assert_ptr_null(thread_user()->cache);
    ck_assert_uint_ne(thread_user()->number, 0);
}
END_TEST

START_TEST(a_state_begins_with_a_cache_for_no_pool)
{
    ck_assert_ptr_eq(thread_state.cache, &thread_no_cache);
    ck_assert_ptr_eq(thread_no_cache.pool, MP_INLINE_NO_POOL);
    ck_assert_ptr_eq(thread_no_cache.fenced, MP_INLINE_NO_POOL);
    /* Volatile: compilers take two names for two things. */
    struct mp_inline_thread *volatile exported = &mp_inline_thread_1;
    struct mp_inline_thread *volatile later = &mp_inline_thread_2;
#if THREAD_KEEPS_STATE
    ck_assert_ptr_eq(exported->cache, &thread_no_cache);
    ck_assert_ptr_eq(later->cache, &thread_no_cache);
#else
    ck_assert_ptr_eq(exported, &thread_state);
    ck_assert_ptr_eq(later, &thread_state);
#endif
}
END_TEST

static void *number_of(void *number)
{
    do_register(NULL);
    *(uint64_t *)number = thread_user()->number;
    return NULL;
}

START_TEST(no_number_is_used_twice)
{
    uint64_t first, second, third;

    thread_set_end(count_end);
    fixture_thread(number_of, &first);
    struct thread *was = seen;
    fixture_thread(number_of, &second);
    ck_assert_ptr_eq(seen, was); /* the record of one that ended */
    third = thread_new_number();
    ck_assert_uint_ne(first, second);
    ck_assert_uint_ne(second, third);
    ck_assert_uint_ne(first, third);
}
END_TEST

START_TEST(the_end_of_a_thread_is_told_once)
{
    thread_set_end(count_end);
    fixture_thread(do_register, NULL);
    ck_assert_uint_eq(ends, 1);
    ck_assert_ptr_eq(ended, seen);
    ck_assert_ptr_null(seen->state);
    thread_self();
    ck_assert_uint_eq(ends, 1);
}
END_TEST

static void *remember(void *unused)
{
    do_register(NULL);
    seen->found[3] = (struct cache *)8;
    return unused;
}

START_TEST(a_record_that_is_used_again_has_found_nothing)
{
    thread_set_end(count_end);
    fixture_thread(remember, NULL);
    ck_assert_ptr_eq(thread_self(), seen);
    ck_assert_ptr_null(seen->found[3]);
}
END_TEST

START_TEST(pools_come_and_go)
{
    thread_set_end(count_end);
    thread_enlist(thread_self(), &places[0]);
    thread_enlist(NULL, &places[1]);
    ck_assert_ptr_eq(places[0].maker, thread_self());
    ck_assert_ptr_ne(places[1].maker, thread_self());
    expect_pools(1, 1, 0);
    thread_delist(&places[0]);
    ck_assert_ptr_null(places[0].maker);
    expect_pools(0, 1, 0);
    thread_enlist(thread_self(), &places[2]);
    thread_enlist(thread_self(), &places[0]);
    thread_delist(&places[1]);
    expect_pools(1, 0, 1);
    thread_delist(&places[2]);
    thread_delist(&places[0]);
    expect_pools(0, 0, 0);
}
END_TEST

static void *make_two(void *unused)
{
    do_register(NULL);
    thread_enlist(seen, &places[0]);
    thread_enlist(seen, &places[1]);
    return unused;
}

START_TEST(pools_of_a_thread_that_ended_are_orphans)
{
    thread_set_end(count_end);
    thread_enlist(NULL, &places[2]);
    fixture_thread(make_two, NULL);
    ck_assert_ptr_null(seen->made.first);
    ck_assert_ptr_eq(places[0].maker, places[2].maker);
    ck_assert_ptr_eq(places[1].maker, places[2].maker);
    expect_pools(1, 1, 1);
    thread_delist(&places[0]);
    expect_pools(0, 1, 1);
}
END_TEST

static pthread_key_t key;
static unsigned rounds; /* in which the destructor uses the library */
static struct thread *known_late, *self_late;
static uint64_t number_late;

static void destructor(void *value)
{
    uintptr_t round = (uintptr_t)value;

    if (round == rounds) {
        known_late = thread_known();
        self_late = thread_self();
        number_late = thread_user()->number;
    }
    if (round < PTHREAD_DESTRUCTOR_ITERATIONS) {
        pthread_setspecific(key, (void *)(round + 1));
    }
}

static void *set_and_register(void *unused)
{
    pthread_setspecific(key, (void *)1);
    return do_register(unused);
}

static void *set(void *unused)
{
    pthread_setspecific(key, (void *)1);
    return unused;
}

START_TEST(a_thread_past_its_end_is_not_registered_again)
{
    thread_set_end(count_end);
    rounds = 3;
    pthread_key_create(&key, destructor);
    fixture_thread(set_and_register, NULL);
    ck_assert_ptr_null(known_late);
    ck_assert_ptr_null(self_late);
    ck_assert_uint_eq(number_late, 0);
    ck_assert_uint_eq(ends, 1);
}
END_TEST

/* The memory of emulated thread-local variables is freed by then. */
START_TEST(a_destructor_before_the_librarys_finds_the_record)
{
    thread_set_end(count_end);
    fixture_thread(do_register, NULL); /* all others have their keys before */
    ends = 0;
    rounds = 1;
    pthread_key_create(&key, destructor);
    fixture_thread(set_and_register, NULL);
#ifdef __GLIBC__
    ck_assert_ptr_nonnull(known_late);
#endif
    /* NULL: the library's own was run before. */
    ck_assert(known_late == NULL || known_late == seen);
    ck_assert_ptr_eq(self_late, known_late);
    ck_assert_uint_eq(ends, 1);
    ck_assert_ptr_null(seen->state);
}
END_TEST

/* First use in the last round of destructors. */
START_TEST(the_end_is_told_to_a_thread_that_came_in_the_last_round)
{
    thread_set_end(count_end);
    fixture_thread(do_register, NULL); /* the library has its key before */
    ends = 0;
    rounds = PTHREAD_DESTRUCTOR_ITERATIONS;
    pthread_key_create(&key, destructor);
    fixture_thread(set, NULL);
    ck_assert_ptr_nonnull(self_late);
#ifdef __GLIBC__
    ck_assert_uint_eq(ends, 1);
    ck_assert_ptr_null(self_late->state);
#endif
}
END_TEST

static void *stack;
static size_t stack_size = (size_t)1 << 20;

/* Runs it on a stack that is the same each time, and so is its state. */
static void on_stack(void *(*run)(void *))
{
    pthread_attr_t attributes;
    pthread_t thread;

    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, stack, stack_size);
    ck_assert_int_eq(pthread_create(&thread, &attributes, run, NULL), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
}

static void *come_after(void *unused)
{
#if !THREAD_KEEPS_STATE
    ck_assert_ptr_eq(self_late->state, &thread_state);
#endif
    ck_assert_uint_eq(ends, 0);
    ck_assert_ptr_null(thread_known());
    do_register(NULL);
    /* Told now, for the one before, whose record is free. */
    ck_assert_uint_eq(ends, 1);
    ck_assert_ptr_eq(ended, self_late);
    ck_assert_ptr_null(ended->made.first);
    ck_assert_ptr_eq(seen, self_late);
    return unused;
}

static void destructor_that_makes(void *value)
{
    destructor(value);
    if ((uintptr_t)value == rounds) {
        thread_enlist(self_late, &places[0]);
    }
}

/* The key's number is higher than the library's, so nobody is told. */
START_TEST(a_thread_in_the_memory_of_one_that_is_gone_ends_that)
{
    pthread_key_t keys[64];

    thread_set_end(count_end);
    fixture_thread(do_register, NULL);
    ends = 0;
    rounds = PTHREAD_DESTRUCTOR_ITERATIONS;
    for (int i = 0; i < 64; i++) {
        pthread_key_create(&keys[i], i < 63 ? NULL : destructor_that_makes);
    }
    key = keys[63];
    stack = aligned_alloc(65536, stack_size);
    on_stack(set);
    ck_assert_ptr_nonnull(self_late);
    on_stack(come_after);
    ck_assert_uint_eq(ends, 2);
    expect_pools(1, 0, 0);
    free(stack);
}
END_TEST

static bool waiting, stop; /* atomic */

static void *make_and_wait(void *unused)
{
    make_two(NULL);
    sync_put(&places[1].kept, true);
    sync_put_release(&waiting, true);
    while (!sync_get_acquire(&stop)) {
        usleep(100);
    }
    return unused;
}

START_TEST(the_child_of_fork_ends_all_other_threads_and_leaves_what_they_kept)
{
    pthread_t thread;
    int status;

    thread_set_end(count_end);
    thread_enlist(thread_self(), &places[2]);
    pthread_create(&thread, NULL, make_and_wait, NULL);
    while (!sync_get_acquire(&waiting)) {
        usleep(100);
    }
    thread_hold();
    pid_t child = fork();
    if (child == 0) {
        thread_forked(count_end);
        bool good = ends == 1 && ended == seen && seen->state == NULL &&
                    places[0].maker != seen && places[1].maker == seen &&
                    places[2].maker == thread_self() &&
                    thread_list_is_sound();
        thread_drop();
        _exit(good ? 0 : 1);
    }
    thread_drop();
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_uint_eq(ends, 0);
    sync_put(&places[1].kept, false);
    sync_put_release(&stop, true);
    pthread_join(thread, NULL);
}
END_TEST

START_TEST(without_a_key_there_is_no_record)
{
    pthread_key_t each;

    thread_set_end(count_end);
    while (pthread_key_create(&each, NULL) == 0) {
        key = each;
    }
    errno = 77;
    ck_assert_ptr_null(thread_self());
    ck_assert_int_eq(errno, 77);
    ck_assert_uint_eq(thread_user()->number, 0);
    pthread_key_delete(key);
    ck_assert_ptr_nonnull(thread_self()); /* the last key there is will do */
}
END_TEST

START_TEST(the_keys_that_the_library_does_not_need_are_given_back)
{
    static pthread_key_t keys[KEYS];
    unsigned before = 0, after = 0;

    thread_set_end(count_end);
    while (before < KEYS && pthread_key_create(&keys[before], NULL) == 0) {
        before++;
    }
    for (unsigned i = 0; i < before; i++) {
        pthread_key_delete(keys[i]);
    }
    ck_assert_ptr_nonnull(thread_self());
    while (after < KEYS && pthread_key_create(&keys[after], NULL) == 0) {
        after++;
    }
    ck_assert_uint_eq(after, before < KEYS ? before - 1 : KEYS);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, a_thread_is_registered_once);
    tcase_add_test(tcase, a_state_begins_with_a_cache_for_no_pool);
    tcase_add_test(tcase, no_number_is_used_twice);
    tcase_add_test(tcase, the_end_of_a_thread_is_told_once);
    tcase_add_test(tcase, a_record_that_is_used_again_has_found_nothing);
    tcase_add_test(tcase, pools_come_and_go);
    tcase_add_test(tcase, pools_of_a_thread_that_ended_are_orphans);
    tcase_add_test(tcase, a_destructor_before_the_librarys_finds_the_record);
    /* ThreadSanitizer ends its own part of a thread in the last round, and
     * code of the thread that runs after that crashes. */
    if (!SANITIZER_THREAD) {
        tcase_add_test(tcase, a_thread_past_its_end_is_not_registered_again);
    }
    if (!SANITIZER_THREAD) {
        tcase_add_test(tcase,
                       the_end_is_told_to_a_thread_that_came_in_the_last_round);
        tcase_add_test(tcase,
                       a_thread_in_the_memory_of_one_that_is_gone_ends_that);
    }
    tcase_add_test(
        tcase,
        the_child_of_fork_ends_all_other_threads_and_leaves_what_they_kept);
    /* Emulated thread-local variables need a key themselves. */
    if (!THREAD_KEEPS_STATE) {
        tcase_add_test(tcase, without_a_key_there_is_no_record);
        tcase_add_test(
            tcase, the_keys_that_the_library_does_not_need_are_given_back);
    }
}

int main(void)
{
    if (THREAD_KEEPS_STATE) {
        puts("thread: thread-local variables are emulated: their memory "
             "has a key of its own, so two tests are left out");
    }
    return fixture_run("thread", add);
}
