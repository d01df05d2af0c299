/* SPDX-License-Identifier: MIT
 *
 * check_debug.c - the flags for debugging, one by one.
 *
 * Pools with these flags are also among the kinds of pools.c, which other tests
 * hold to what is true of all pools.  Here is what only they do.
 *
 * What it cannot do: show what a checker sees.  make check-tools does.
 */
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pools.h"
#include "sanitizer.h"

/* Notes the report.  That function of the pools' own asserts that all is well
 * in the pool, which it is not here. */
static void note(memory_pool_t *mp, mp_event_t event, const char *message,
                 const void *ptr, void *context)
{
    (void)context;
    pools_note_report(mp, event, message, ptr);
    mp_check(mp); /* which hangs where a lock is held, and does not report */
}

static memory_pool_t *make(unsigned flags)
{
    mp_options_t options = {.flags = flags, .report = note};

    return pools_make_told(&options);
}

/* An object full of 1, at an address that the compiler knows nothing of. */
static unsigned char *get(memory_pool_t *mp, size_t size)
{
    unsigned char *volatile object = mp_allocate(mp, size);

    ck_assert_ptr_nonnull(object);
    return memset(object, 1, size);
}

/* Just one report was made, of damage at that address; forgets it. */
static void expect_damage(memory_pool_t *mp, const void *at,
                          const char *words)
{
    ck_assert_uint_eq(pools_reported.count, 1);
    ck_assert_int_eq(pools_reported.event, MP_EVENT_DAMAGE);
    ck_assert_ptr_eq(pools_reported.mp, mp);
    ck_assert_ptr_eq(pools_reported.ptr, at);
    ck_assert(strncmp(pools_reported.message, words, strlen(words)) == 0);
    pools_forget_reports();
}

START_TEST(each_byte_around_an_object_is_looked_at)
{
    static const size_t sizes[] = {1, 15, 16, 17, 100, 5000};

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (int offset = -16; offset < 16; offset++) {
            memory_pool_t *mp = make(MP_REDZONE);
            unsigned char *object = get(mp, sizes[i]);
            unsigned char *at = offset < 0 ? object + offset
                                           : object + sizes[i] + offset;
            *at ^= 1;
            free_memory(mp, object);
            expect_damage(mp, at, offset < 0 ? "written before an object: "
                                             : "written behind an object: ");
            destroy_memory_pool(mp);
            ck_assert_uint_eq(pools_reported.count, 0);
        }
    }
}
END_TEST

START_TEST(damage_is_found_by_reset_rewind_end_and_check)
{
    memory_pool_t *mp = make(MP_REDZONE);
    unsigned char *object = get(mp, 20);

    object[20] ^= 1;
    ck_assert_int_eq(mp_check(mp), -1);
    expect_damage(mp, object + 20, "written behind");
    free_all_memory(mp);
    expect_damage(mp, object + 20, "written behind");
    ck_assert_int_eq(mp_check(mp), 0);

    mp_mark_t mark = mp_mark(mp);
    object = get(mp, 20);
    object[20] ^= 1;
    ck_assert_int_eq(mp_rewind(mp, mark), 0);
    expect_damage(mp, object + 20, "written behind");

    object = get(mp, 20);
    object[20] ^= 1;
    object = mp_realloc(mp, object, 30);
    ck_assert_ptr_nonnull(object);
    ck_assert_uint_eq(pools_reported.count, 1);
    pools_forget_reports();

    object = get(mp, 20);
    object[20] ^= 1;
    destroy_memory_pool(mp);
    ck_assert_uint_eq(pools_reported.count, 1);
    ck_assert_int_eq(pools_reported.event, MP_EVENT_DAMAGE);
}
END_TEST

START_TEST(what_was_written_around_an_object_is_reported_once)
{
    memory_pool_t *mp = make(MP_REDZONE | MP_TAGS | MP_QUARANTINE);
    unsigned char *object = get(mp, 20);
    unsigned char *other = get(mp, 20);

    object[21] ^= 1;
    object[30] ^= 1;
    object[-1] ^= 1;
    free_memory(mp, object);
    expect_damage(mp, object + 20, "written behind an object, over its tag: ");
    ck_assert_int_eq(mp_check(mp), 0);
    other[28] ^= 1;
    ck_assert_int_eq(mp_check(mp), -1);
    expect_damage(mp, other + 28, "written behind an object: ");
    other[28] ^= 1;
    destroy_memory_pool(mp);
    ck_assert_uint_eq(pools_reported.count, 0);
}
END_TEST

static void *check(void *mp)
{
    mp_check(mp);
    return mp;
}

static atomic_uint told;

/* Has another thread look, too, the first time, and then looks again. */
static void have_checked(memory_pool_t *mp, mp_event_t event,
                         const char *message, const void *ptr, void *context)
{
    (void)event, (void)message, (void)ptr, (void)context;
    if (atomic_fetch_add(&told, 1) == 0) {
        support_join(support_start(check, mp));
        ck_assert_int_eq(mp_check(mp), -1);
    }
}

START_TEST(each_thread_that_checks_is_told_of_damage)
{
    mp_options_t options = {.flags = MP_REDZONE, .report = have_checked};
    memory_pool_t *mp = mp_create(&options);
    unsigned char *object = get(mp, 20);

    object[20] ^= 1;
    atomic_store(&told, 0);
    ck_assert_int_eq(mp_check(mp), -1);
    ck_assert_uint_eq(atomic_load(&told), 2);
    ck_assert_int_eq(mp_check(mp), -1);
    ck_assert_uint_eq(atomic_load(&told), 3);
    object[20] ^= 1;
    destroy_memory_pool(mp);
}
END_TEST

static atomic_bool freed_all;

/* Acts at the first call that is a cancellation point. */
static void *free_cancelled(void *mp)
{
    unsigned char *object = get(mp, 20);

    object[20] ^= 1;
    pthread_cancel(pthread_self());
    free_memory(mp, object);
    atomic_store(&freed_all, true);
    pthread_testcancel();
    return mp;
}

START_TEST(no_thread_ends_as_it_reports_damage)
{
    mp_options_t options = {.flags = MP_REDZONE};
    memory_pool_t *mp = mp_create(&options);
    pthread_t thread;
    void *result;

    atomic_store(&freed_all, false);
    support_capture();
    ck_assert_int_eq(pthread_create(&thread, NULL, free_cancelled, mp), 0);
    ck_assert_int_eq(pthread_join(thread, &result), 0);
    char *said = support_release();
    ck_assert_ptr_nonnull(strstr(said, "written behind an object: "));
    free(said);
    ck_assert_ptr_eq(result, PTHREAD_CANCELED);
    ck_assert(atomic_load(&freed_all));
    destroy_memory_pool(mp);
}
END_TEST

START_TEST(a_write_to_a_freed_object_is_found_before_its_reuse)
{
    memory_pool_t *mp = make(MP_POISON);
    unsigned char *object = get(mp, 40);

    free_memory(mp, object);
    ck_assert_int_eq(mp_locate(mp, object), MP_FREED);
    ck_assert_int_eq(mp_locate(mp, object + 39), MP_FREED);
    ck_assert(!is_mp_ptr(mp, object));
    object[39] = 1;
    ck_assert_int_eq(mp_check(mp), -1);
    expect_damage(mp, object + 39, "written to a freed object: ");
    /* 64 KiB later it has to go. */
    for (size_t i = 0; i < 20; i++) {
        free_memory(mp, get(mp, 8000));
    }
    expect_damage(mp, object + 39, "written to a freed object: ");
    ck_assert_int_eq(mp_locate(mp, object), MP_FOREIGN);
    object = get(mp, 40);
    free_memory(mp, object);
    object[0] = 1;
    ck_assert_uint_gt(mp_trim(mp, 0), 39);
    expect_damage(mp, object, "written to a freed object: ");
    ck_assert_int_eq(mp_locate(mp, object), MP_FOREIGN);
    destroy_memory_pool(mp);
    ck_assert_uint_eq(pools_reported.count, 0);
}
END_TEST

START_TEST(a_freed_address_does_not_come_back_from_the_quarantine)
{
    memory_pool_t *mp = make(MP_QUARANTINE);
    void *object = get(mp, 100);

    free_memory(mp, object);
    for (size_t i = 0; i < 1000; i++) {
        void *other = get(mp, 100);
        ck_assert_ptr_ne(other, object);
        free_memory(mp, other);
    }
    free_memory(mp, object);
    ck_assert_uint_eq(pools_reported.count, 1);
    ck_assert_int_eq(pools_reported.event, MP_EVENT_NOT_IN_POOL);
    destroy_memory_pool(mp);
}
END_TEST

START_TEST(the_pools_address_stands_behind_an_object)
{
    memory_pool_t *mp = make(MP_TAGS);
    unsigned char *object = get(mp, 21);
    memory_pool_t *tag;

    memcpy(&tag, object + 21, sizeof tag);
    ck_assert_ptr_eq(tag, mp);
    object[21] ^= 1;
    free_memory(mp, object);
    expect_damage(mp, object + 21, "written behind an object, over its tag");
    destroy_memory_pool(mp);
}
END_TEST

/* The signal that ends a child which writes to object[offset]; 0: none. */
static int signal_of_write(unsigned char *object, size_t offset)
{
    struct rlimit none = {0, 0};
    int status;
    pid_t child = fork();

    if (child == 0) {
        setrlimit(RLIMIT_CORE, &none);
        signal(SIGSEGV, SIG_DFL);
        signal(SIGBUS, SIG_DFL);
        object[offset] = 1;
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

START_TEST(a_write_into_a_guard_page_ends_the_program)
{
    memory_pool_t *mp = make(MP_GUARD);
    unsigned char *object = get(mp, 4096);

    ck_assert_int_eq(signal_of_write(object, 4095), 0);
    ck_assert_int_ne(signal_of_write(object, 4096), 0);
    free_memory(mp, object);
    ck_assert_int_ne(signal_of_write(object, 0), 0);
    object = get(mp, 17);
    object[17] ^= 1; /* between the object and the page */
    free_memory(mp, object);
    expect_damage(mp, object + 17, "written behind an object: ");
    destroy_memory_pool(mp);
}
END_TEST

START_TEST(a_buffer_holds_what_it_holds_without_tracking)
{
    static _Alignas(16) char memory[8192];
    size_t taken[2];

    for (unsigned i = 0; i < 2; i++) {
        mp_backing_t buffer = mp_backing_buffer(memory, sizeof memory);
        mp_options_t options = {.flags = i == 0 ? 0 : MP_PASSTHROUGH,
                                .backing = &buffer};
        memory_pool_t *mp = mp_create(&options);
        ck_assert_ptr_nonnull(mp);
        for (taken[i] = 0; mp_allocate(mp, 16) != NULL; taken[i]++) {
        }
        ck_assert_int_eq(errno, ENOMEM);
        destroy_memory_pool(mp);
    }
    ck_assert_uint_eq(taken[0], taken[1]);
    ck_assert_uint_gt(taken[0], 100);
}
END_TEST

START_TEST(an_object_that_is_resized_always_moves)
{
    memory_pool_t *mp = make(MP_QUARANTINE);
    unsigned char *object = get(mp, 100);
    unsigned char *moved = mp_realloc(mp, object, 50);

    ck_assert_ptr_nonnull(moved);
    ck_assert_ptr_ne(moved, object);
    ck_assert_int_eq(moved[49], 1);
    ck_assert_int_eq(mp_locate(mp, object), MP_FREED);
    ck_assert_uint_eq(mp_usable_size(mp, moved), 50);
    destroy_memory_pool(mp);
}
END_TEST

START_TEST(an_object_that_is_cut_where_it_stands_has_the_shorter_size)
{
    static const unsigned kinds[] = {
        MP_PASSTHROUGH, MP_REDZONE, MP_TAGS, MP_GUARD, MP_POISON,
        MP_REDZONE | MP_ZERO_ON_FREE};

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        memory_pool_t *mp = make(kinds[i]);
        unsigned char *object = get(mp, 112);
        mp_stats_t stats;

        ck_assert_int_eq(mp_expand(mp, object, 40), 0);
        ck_assert_uint_eq(mp_usable_size(mp, object), 40);
        ck_assert_int_eq(mp_stats(mp, &stats), 0);
        ck_assert_uint_eq(stats.live_bytes, 40);
        ck_assert_int_eq(mp_check(mp), 0);
        /* Its memory is as long as it was made, and no longer. */
        ck_assert_int_eq(mp_expand(mp, object, 112), 0);
        ck_assert_int_eq(mp_expand(mp, object, 113), -1);
        ck_assert_int_eq(mp_stats(mp, &stats), 0);
        ck_assert_uint_eq(stats.live_bytes, 112);
        memset(object + 40, 1, 72);
        ck_assert_int_eq(mp_check(mp), 0);
        ck_assert_int_eq(mp_expand(mp, object, 41), 0);
        ck_assert_int_eq(object[40], 1);
        mp_free_sized(mp, object, 41);
        ck_assert_uint_eq(pools_reported.count, 0);
        destroy_memory_pool(mp);
    }
}
END_TEST

START_TEST(a_write_behind_an_object_that_was_cut_is_found)
{
    memory_pool_t *mp = make(MP_REDZONE);
    unsigned char *object = get(mp, 100);

    ck_assert_int_eq(mp_expand(mp, object, 40), 0);
    object[50] = 7;
    /* A longer object would hide it. */
    ck_assert_int_eq(mp_expand(mp, object, 60), -1);
    ck_assert_uint_eq(mp_usable_size(mp, object), 40);
    free_memory(mp, object);
    expect_damage(mp, object + 50, "written behind an object: ");
    destroy_memory_pool(mp);
}
END_TEST

/* Runs in a child: a report, and then the end by abort(). */
static void misuse_with_abort(void)
{
    mp_options_t options = {.flags = MP_ABORT | MP_REPORT, .capacity = 10};
    memory_pool_t *mp = mp_create(&options);
    struct rlimit none = {0, 0};

    setrlimit(RLIMIT_CORE, &none);
    signal(SIGABRT, SIG_DFL);
    if (mp_allocate(mp, 10) == NULL || mp_allocate(mp, 1) != NULL) {
        _exit(1); /* that a pool is full is no misuse */
    }
    free_memory(mp, &options);
    _exit(1);
}

START_TEST(a_write_behind_an_object_is_found_once_it_was_cut)
{
    for (size_t size = 1; size <= 40; size++) {
        for (size_t at = 40; at < 50; at++) {
            memory_pool_t *mp = make(MP_TAGS);
            unsigned char *object = get(mp, 40);
            object[at] ^= 1;
            ck_assert_int_eq(mp_expand(mp, object, size), 0);
            free_memory(mp, object);
            ck_assert_uint_eq(pools_reported.count, 1);
            ck_assert_int_eq(pools_reported.event, MP_EVENT_DAMAGE);
            pools_forget_reports();
            destroy_memory_pool(mp);
        }
    }
}
END_TEST

START_TEST(a_program_ends_after_its_first_misuse_if_it_wants)
{
    int status;

    support_capture();
    pid_t child = fork();
    if (child == 0) {
        misuse_with_abort();
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    char *said = support_release();
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    const char *second = strchr(said, '\n');
    ck_assert(strncmp(said, SUPPORT_FULL, strlen(SUPPORT_FULL) - 1) == 0);
    ck_assert_ptr_nonnull(second);
    ck_assert(strncmp(second + 1, SUPPORT_NOT_IN_POOL,
                      strlen(SUPPORT_NOT_IN_POOL) - 1) == 0);
    /* An emulator may say, too, by which signal the program ended. */
    const char *third = strchr(second + 1, '\n');
    ck_assert_ptr_nonnull(third);
    ck_assert(third[1] == '\0' || strncmp(third + 1, "qemu: ", 6) == 0);
    free(said);
}
END_TEST

START_TEST(a_pool_without_a_function_prints_if_it_is_told_to)
{
    mp_options_t options = {.flags = MP_REPORT};

    for (unsigned i = 0; i < 2; i++, options.flags = 0) {
        memory_pool_t *mp = mp_create(&options);
        support_capture();
        free_memory(mp, &options);
        if (i == 0) {
            support_release_words(SUPPORT_NOT_IN_POOL);
        } else {
            support_release_lines(SUPPORT_NOT_IN_POOL, 0);
        }
        destroy_memory_pool(mp);
    }
}
END_TEST

/* A pool with words of its own. */
static memory_pool_t *make_by(const char *words)
{
    mp_options_t options = {.debug = words, .report = note};
    memory_pool_t *mp = mp_create(&options);

    ck_assert_msg(mp != NULL, "%s", words);
    pools_forget_reports();
    return mp;
}

START_TEST(words_of_a_pool_that_are_wrong_are_refused)
{
    static const char *const wrong[] = {
        "no", "redzone,no", "no,redzone", "poison=1", "poison ", "redzon",
        "redzones", "guard=2", "guard=1/0", "guard=1/", "guard=1/2x",
        "quarantine=x", "quarantine=", "quarantine=1kk", "quarantine=-1",
        "quarantine=k", "fail", "fail=", "fail=0", "fail=x", "fail=1x",
        "fail=101%", "fail=%", "fail=1%%", "fail=nan%", "seed", "seed=",
        /* These are for the process. */
        "name=x", "native", "help", "redzone,native"};
    mp_options_t options = {.report = note};

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        options.debug = wrong[i];
        pools_forget_reports();
        SUPPORT_REFUSED(mp_create(&options), NULL);
        ck_assert_uint_eq(pools_reported.count, 1);
        ck_assert_int_eq(pools_reported.event, MP_EVENT_OPTION);
        ck_assert_str_eq(pools_reported.message, "invalid option: debug");
    }
    pools_forget_reports();
}
END_TEST

START_TEST(words_of_a_pool_ask_for_what_its_flags_ask_for)
{
    static const char *const words[] = {
        "passthrough", "redzone", "poison,redzone", "quarantine", "guard",
        "callers", "tags", "quarantine=4k,,", "guard=1/7", "fail=100000",
        "fail=0%,seed=1"};
    static const char *const plain[] = {"", ",", "abort", "report", "stats",
                                        "leaks", "abort,report", "seed=3"};

    support_capture(); /* a seed is printed */
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        memory_pool_t *mp = make_by(words[i]);
        ck_assert_msg(mp_kind(mp, NULL) == MP_KIND_TRACKED, "%s", words[i]);
        free_memory(mp, get(mp, 10));
        destroy_memory_pool(mp);
        ck_assert_uint_eq(pools_reported.count, 0);
    }
    free(support_release());
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        memory_pool_t *mp = make_by(plain[i]);
        memory_pool_t *other = make(0);
        ck_assert_msg(mp_kind(mp, NULL) == mp_kind(other, NULL), "%s",
                      plain[i]);
        destroy_memory_pool(mp);
        destroy_memory_pool(other);
    }
}
END_TEST

START_TEST(a_pool_keeps_as_many_freed_bytes_as_its_words_say)
{
    memory_pool_t *mp = make_by("quarantine=2k");
    void *object = get(mp, 1000);

    free_memory(mp, object);
    free_memory(mp, get(mp, 500));
    ck_assert_int_eq(mp_locate(mp, object), MP_FREED);
    free_memory(mp, get(mp, 2000));
    ck_assert_int_eq(mp_locate(mp, object), MP_FOREIGN);
    destroy_memory_pool(mp);
    mp = make_by("quarantine=0");
    object = get(mp, 1000);
    free_memory(mp, object);
    ck_assert_int_eq(mp_locate(mp, object), MP_FOREIGN);
    destroy_memory_pool(mp);
}
END_TEST

START_TEST(one_object_in_as_many_has_a_guard_page_as_the_words_say)
{
    memory_pool_t *mp = make_by("guard=1/3");

    for (unsigned i = 1; i <= 7; i++) {
        int ended = signal_of_write(get(mp, 4096), 4096);
        ck_assert_msg((ended != 0) == (i % 3 == 0), "object %u", i);
    }
    destroy_memory_pool(mp);
    ck_assert_uint_eq(pools_reported.count, 0);
}
END_TEST

/* Failures among so many requests. */
static unsigned failures(memory_pool_t *mp, unsigned requests)
{
    unsigned failed = 0;

    for (unsigned i = 0; i < requests; i++) {
        void *object = mp_allocate(mp, 10);
        ck_assert(object != NULL || errno == ENOMEM);
        failed += object == NULL;
    }
    return failed;
}

START_TEST(the_requests_fail_of_which_a_pools_words_say_so)
{
    memory_pool_t *mp = make_by("fail=3");
    memory_pool_t *other = make_by("fail=2");

    ck_assert_uint_eq(failures(mp, 2), 0);
    ck_assert_uint_eq(failures(other, 1), 0);
    ck_assert_uint_eq(failures(mp, 1), 1);
    ck_assert_int_eq(pools_reported.event, MP_EVENT_NO_MEMORY);
    ck_assert_uint_eq(failures(mp, 100), 0);
    ck_assert_uint_eq(failures(other, 1), 1);
    destroy_memory_pool(mp);
    destroy_memory_pool(other);

    support_capture();
    mp = make_by("fail=25%,seed=42");
    other = make_by("seed=42,fail=25%");
    char *said = support_release();
    ck_assert_str_eq(said, "libmempool: a pool: fail: seed=42\n"
                           "libmempool: a pool: fail: seed=42\n");
    free(said);
    unsigned failed = failures(mp, 1000);
    ck_assert_uint_gt(failed, 200);
    ck_assert_uint_lt(failed, 300);
    ck_assert_uint_eq(failures(other, 1000), failed);
    destroy_memory_pool(mp);
    destroy_memory_pool(other);
    pools_forget_reports();
}
END_TEST

/* Digits that are more than a number has. */
#define NINES "999999999999999999999999999999"
#define ZEROS                                               \
    "00000000000000000000000000000000000000000000000000"    \
    "00000000000000000000000000000000000000000000000000"

/* The program's locale has a decimal comma, if the system has such a one. */
static bool set_comma(void)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE", "fr_FR.UTF-8",
                                        "fr_FR"};
    bool comma = false;

    for (size_t i = 0; i < sizeof names / sizeof names[0] && !comma; i++) {
        comma = setlocale(LC_ALL, names[i]) != NULL &&
                strcmp(localeconv()->decimal_point, ",") == 0;
    }
    return comma;
}

START_TEST(a_part_of_requests_is_the_same_in_each_locale)
{
    static const struct {
        const char *words;
        unsigned least; /* of 2000 that fail */
        unsigned most;
    } right[] = {
        {"seed=1,fail=0%", 0, 0},       {"seed=1,fail=100.000%", 2000, 2000},
        {"seed=1,fail=12.5%", 200, 300}, {"seed=1,fail=0.5%", 2, 30},
        {"seed=1,fail=99." NINES NINES "%", 1990, 2000},
        {"seed=1,fail=0." ZEROS ZEROS ZEROS ZEROS "99%", 0, 0},
    };
    static const char *const wrong[] = {
        "fail=%", "fail=.5%", "fail=1,5%", "fail=1.5.5%", "fail=100.1%",
        "fail=0." ZEROS ZEROS ZEROS ZEROS ".5%", "fail=1e1%", "fail=0x1%", "fail=-1%", "fail=1%%", "fail=1.5"};

    if (_i == 1 && !set_comma()) {
        return;
    }
    support_capture(); /* seeds are printed */
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        memory_pool_t *mp = make_by(right[i].words);
        unsigned failed = failures(mp, 2000);
        POOLS_EXPECT(failed >= right[i].least && failed <= right[i].most);
        destroy_memory_pool(mp);
    }
    free(support_release());
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        mp_options_t options = {.debug = wrong[i]};
        SUPPORT_REFUSED(mp_create(&options), NULL);
    }
    pools_forget_reports();
}
END_TEST

/* What a child prints that leaves an object in a pool with these options and
 * exits, the pool destroyed before or not. */
static char *said_at_exit(const mp_options_t *options, bool destroyed)
{
    int status;

    support_capture();
    pid_t child = fork();
    if (child == 0) {
        memory_pool_t *mp = mp_create(options);
        memory_pool_t *other = mp_create(NULL); /* of which nothing is said */
        if (mp == NULL || mp_allocate(mp, 16) == NULL ||
            mp_allocate(other, 16) == NULL) {
            _exit(1);
        }
        if (destroyed) {
            destroy_memory_pool(mp);
        }
        exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    return support_release();
}

static unsigned count_of(const char *said, const char *words)
{
    unsigned count = 0;

    while ((said = strstr(said, words)) != NULL) {
        said += strlen(words);
        count++;
    }
    return count;
}

START_TEST(a_pool_is_printed_at_exit_if_it_asks_for_it)
{
    const mp_options_t options[] = {
        {.name = "x", .flags = MP_STATS}, {.name = "x", .debug = "stats"},
        {.name = "x", .flags = MP_LEAKS}, {.name = "x", .debug = "leaks"},
        {.name = "x", .flags = MP_LEAK_CHECK}};

    for (size_t i = 0; i < 5; i++) {
        char *said = said_at_exit(&options[i], false);
        ck_assert_uint_eq(count_of(said, "live_objects"), i < 2);
        ck_assert_uint_eq(count_of(said, "at exit"), i == 2 || i == 3);
        ck_assert_uint_eq(count_of(said, "x: leak: 1 object, 16 bytes at exit"),
                          i == 2 || i == 3);
        free(said);
        said = said_at_exit(&options[i], true);
        ck_assert_uint_eq(count_of(said, "live_objects"), 0);
        ck_assert_uint_eq(count_of(said, "x: leak: 1 object of 16 bytes"),
                          i == 2 || i == 3);
        free(said);
    }
}
END_TEST

START_TEST(a_flag_that_is_unknown_is_refused)
{
    mp_options_t options = {.flags = 0x80000000u};

    SUPPORT_REFUSED(mp_create(&options), NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("debug");
    TCase *debug = support_case(suite, "debug");

    if (!SANITIZER_ON) { /* which would end the program first */
        tcase_add_test(debug, each_byte_around_an_object_is_looked_at);
        tcase_add_test(debug, damage_is_found_by_reset_rewind_end_and_check);
        tcase_add_test(debug,
                       what_was_written_around_an_object_is_reported_once);
        tcase_add_test(debug, each_thread_that_checks_is_told_of_damage);
        tcase_add_test(debug, no_thread_ends_as_it_reports_damage);
        tcase_add_test(debug,
                       a_write_to_a_freed_object_is_found_before_its_reuse);
        tcase_add_test(debug, a_write_behind_an_object_that_was_cut_is_found);
        tcase_add_test(debug,
                       a_write_behind_an_object_is_found_once_it_was_cut);
        tcase_add_test(debug, the_pools_address_stands_behind_an_object);
        tcase_add_test(debug, a_write_into_a_guard_page_ends_the_program);
        tcase_add_test(
            debug, one_object_in_as_many_has_a_guard_page_as_the_words_say);
        tcase_add_test(debug,
                       a_pool_keeps_as_many_freed_bytes_as_its_words_say);
    }
    tcase_add_test(debug,
                   a_freed_address_does_not_come_back_from_the_quarantine);
    tcase_add_test(debug, a_buffer_holds_what_it_holds_without_tracking);
    tcase_add_test(debug, an_object_that_is_resized_always_moves);
    tcase_add_test(
        debug, an_object_that_is_cut_where_it_stands_has_the_shorter_size);
    tcase_add_test(debug, a_program_ends_after_its_first_misuse_if_it_wants);
    tcase_add_test(debug, a_pool_without_a_function_prints_if_it_is_told_to);
    tcase_add_test(debug, words_of_a_pool_that_are_wrong_are_refused);
    tcase_add_test(debug, words_of_a_pool_ask_for_what_its_flags_ask_for);
    tcase_add_test(debug, the_requests_fail_of_which_a_pools_words_say_so);
    tcase_add_loop_test(debug, a_part_of_requests_is_the_same_in_each_locale,
                        0, 2);
    tcase_add_test(debug, a_pool_is_printed_at_exit_if_it_asks_for_it);
    tcase_add_test(debug, a_flag_that_is_unknown_is_refused);
    return support_run(suite);
}
