/* SPDX-License-Identifier: MIT
 *
 * check_report.c - what a report says: which pool, which address, what that is,
 * and whose.
 *
 * What it cannot do: read the names of callers, which depend on the system.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pools.h"
#include "threads.h"

#define WORDS "your ptr is not in the memory pool, cannot be freed"

/* The last report of note_all(), and how many. */
static struct {
    mp_report_t report;
    char line[2048];
    size_t allocated;
    size_t freed;
    size_t count;
} noted;

static void note_all(const mp_report_t *report, void *context)
{
    ck_assert_ptr_eq(context, &noted);
    ck_assert_uint_eq(report->size, sizeof *report);
    ck_assert_ptr_null(strchr(report->line, '\n'));
    ck_assert(strncmp(report->line, report->message,
                      strlen(report->message)) == 0);
    noted.report = *report;
    snprintf(noted.line, sizeof noted.line, "%s", report->line);
    noted.allocated = report->allocated_frames;
    noted.freed = report->freed_frames;
    noted.count++;
    mp_check(report->mp); /* which hangs where a lock is held */
}

static memory_pool_t *make(const char *name, mp_threads_t threads,
                           unsigned flags)
{
    mp_options_t options = {
        .name = name, .threads = threads, .flags = flags};
    memory_pool_t *mp = mp_create(&options);

    ck_assert_ptr_nonnull(mp);
    ck_assert_int_eq(mp_set_reporter(mp, note_all, &noted), 0);
    memset(&noted, 0, sizeof noted);
    return mp;
}

static char *get(memory_pool_t *mp, size_t size)
{
    char *object = mp_allocate(mp, size);

    ck_assert_ptr_nonnull(object);
    return object;
}

/* Freed objects are known.  Under a tool that checks, none is. */
static bool freed_is_known(void)
{
    memory_pool_t *mp = make(NULL, MP_THREADS_CACHED, MP_QUARANTINE);
    char *object = get(mp, 24);

    free_memory(mp, object);
    bool known = mp_locate(mp, object) == MP_FREED;
    destroy_memory_pool(mp);
    return known;
}

/* The pool "requests" refused to free an address, and says what it is. */
static void expect(memory_pool_t *mp, const void *ptr, mp_where_t where,
                   const char *what)
{
    char right[sizeof noted.line];

    errno = 0;
    free_memory(mp, ptr);
    ck_assert_int_eq(errno, EINVAL);
    snprintf(right, sizeof right,
             WORDS ": pool \"requests\" at %p, address %p: %s", (void *)mp,
             ptr, what);
    ck_assert_uint_eq(noted.count, 1);
    /* Callers may follow. */
    ck_assert_msg(strncmp(noted.line, right, strlen(right)) == 0 &&
                      strchr(";", noted.line[strlen(right)]) != NULL,
                  "%s\n%s", noted.line, right);
    ck_assert_int_eq(noted.report.event, MP_EVENT_NOT_IN_POOL);
    ck_assert_ptr_eq(noted.report.mp, mp);
    ck_assert_ptr_eq(noted.report.ptr, ptr);
    ck_assert_int_eq(noted.report.where, where);
    noted.count = 0;
}

/* Each thing that an address can be.  Sizes are what the pool knows: those of
 * one with caches, which counts nothing, are of whole granules. */
START_TEST(a_report_says_what_the_address_is)
{
    static const struct {
        mp_threads_t threads;
        unsigned flags;
    } kinds[] = {{MP_THREADS_CACHED, 0},
                 {MP_THREADS_LOCKED, 0},
                 {MP_THREADS_CACHED, MP_QUARANTINE},
                 {MP_THREADS_NONE, MP_REDZONE | MP_QUARANTINE}};
    memory_pool_t *mp = make("requests", kinds[_i].threads, kinds[_i].flags);
    bool tracked = kinds[_i].flags != 0;
    char local[16];
    char what[128];
    char *object = get(mp, 24);
    size_t size = mp_usable_size(mp, object);

    expect(mp, local, MP_FOREIGN, "foreign, of no pool");
    ck_assert_ptr_null(noted.report.owner);
    ck_assert_ptr_null(noted.report.object);
    snprintf(what, sizeof what, "at offset 8 of a live object of %zu bytes",
             size);
    expect(mp, object + 8, MP_INTERIOR, what);
    ck_assert_ptr_eq(noted.report.owner, mp);
    ck_assert_ptr_eq(noted.report.object, object);
    ck_assert_uint_eq(noted.report.object_size, size);
    ck_assert_str_eq(noted.report.name, "requests");

    if (!freed_is_known()) {
        destroy_memory_pool(mp);
        return;
    }
    noted.count = 0;
    free_memory(mp, object);
    bool known = tracked || pools_cached(mp);
    snprintf(what, sizeof what, "a freed object of %zu bytes", size);
    expect(mp, object, MP_FREED, known ? what : "freed memory");
    ck_assert(!noted.report.before_reset);

    object = get(mp, 40);
    free_all_memory(mp);
    expect(mp, object, MP_FREED, tracked ? "an object of 40 bytes from before "
                                           "a reset"
                                         : "freed memory, or from before a "
                                           "reset");
    ck_assert_int_eq(noted.report.before_reset, tracked);
    if (tracked) {
        mp_mark_t mark = mp_mark(mp);
        object = get(mp, 1);
        ck_assert_int_eq(mp_rewind(mp, mark), 0);
        expect(mp, object, MP_FREED, "an object of 1 byte from before a "
                                     "rewind");
        ck_assert(noted.report.before_reset);
    }
    destroy_memory_pool(mp);
}
END_TEST

START_TEST(a_report_names_the_pool_that_has_the_object)
{
    static const mp_threads_t kinds[] = {MP_THREADS_CACHED, MP_THREADS_LOCKED,
                                         MP_THREADS_NONE};
    memory_pool_t *mp = make("requests", MP_THREADS_CACHED, 0);

    for (size_t i = 0; i < 3; i++) {
        memory_pool_t *other = make(i == 0 ? NULL : "other", kinds[i], 0);
        char *object = get(other, 24);
        char what[128];
        snprintf(what, sizeof what,
                 "at offset 1 of a live object of %zu bytes of pool %sat %p",
                 mp_usable_size(other, object), i == 0 ? "" : "\"other\" ",
                 (void *)other);
        expect(mp, object + 1, MP_INTERIOR, what);
        ck_assert_ptr_eq(noted.report.owner, other);
        destroy_memory_pool(other);
        /* It depends on where the pool had its memory. */
        noted.count = 0;
        free_memory(mp, object);
        ck_assert(strstr(noted.line, ": foreign, of no pool") != NULL ||
                  strstr(noted.line, ": memory that is not in use") != NULL);
        ck_assert_ptr_null(noted.report.owner);
        noted.count = 0;
    }
    destroy_memory_pool(mp);
}
END_TEST

/* A size is no address; NULL is one. */
START_TEST(a_report_without_an_address_names_the_pool)
{
    memory_pool_t *mp = make("requests", MP_THREADS_CACHED, 0);
    char right[128];

    ck_assert_ptr_null(mp_allocate(mp, 0));
    snprintf(right, sizeof right,
             "invaild memory allocate size: pool \"requests\" at %p",
             (void *)mp);
    ck_assert_str_eq(noted.line, right);
    ck_assert_str_eq(noted.report.message, "invaild memory allocate size");
    free_memory(mp, NULL);
    snprintf(right, sizeof right, "your ptr is NULL: pool \"requests\" at %p, "
             "address NULL: no object", (void *)mp);
    ck_assert_str_eq(noted.line, right);
    destroy_memory_pool(mp);
}
END_TEST

START_TEST(callers_are_told_where_they_are_noted)
{
    memory_pool_t *mp = make("requests", MP_THREADS_CACHED, MP_CALLERS);
    char *object = get(mp, 24);

    expect(mp, object + 1, MP_INTERIOR,
           "at offset 1 of a live object of 24 bytes");
    size_t allocated = noted.allocated;
    ck_assert_uint_eq(noted.freed, 0);
    if (!freed_is_known()) {
        destroy_memory_pool(mp);
        return;
    }
    free_memory(mp, object);
    expect(mp, object, MP_FREED, "a freed object of 24 bytes");
    ck_assert_uint_eq(noted.allocated, allocated);
#ifdef __GLIBC__
    ck_assert_uint_gt(allocated, 0);
    ck_assert_uint_gt(noted.freed, 0);
#endif
    /* The line names them where the report tells them. */
    ck_assert_int_eq(strstr(noted.line, "; allocated by ") != NULL,
                     allocated != 0);
    ck_assert_int_eq(strstr(noted.line, "; freed by ") != NULL,
                     noted.freed != 0);
    destroy_memory_pool(mp);
}
END_TEST

/* Old report functions get the words, which programs compare, and the whole
 * line with a flag that asks for it. */
START_TEST(a_report_function_gets_the_words)
{
    for (int whole = 0; whole < 2; whole++) {
        mp_options_t options = {.report = pools_report,
                                .flags = whole != 0 ? MP_REPORT : 0};
        memory_pool_t *mp = mp_create(&options);
        char local = 0;
        char right[sizeof pools_reported.message];
        pools_forget_reports();
        free_memory(mp, &local);
        snprintf(right, sizeof right,
                 WORDS ": pool at %p, address %p: foreign, of no pool",
                 (void *)mp, (void *)&local);
        ck_assert_str_eq(pools_reported.message, whole != 0 ? right : WORDS);
        destroy_memory_pool(mp);
    }
}
END_TEST

/* What a pool prints about an address of no pool; to be freed. */
static char *printed(memory_pool_t *mp)
{
    static char local;

    support_capture();
    free_memory(mp, &local);
    char *text = support_release();
    destroy_memory_pool(mp);
    return text;
}

START_TEST(a_base_pool_prints_the_words_and_others_the_whole_line)
{
    char *text = printed(init_memory_pool());
    ck_assert_str_eq(text, WORDS "\n");
    free(text);

    const mp_options_t options[] = {
        {.name = "a\nb", .report = mp_report_stderr},
        {.name = "a\nb", .flags = MP_REPORT}};
    for (int i = 0; i < 2; i++) {
        memory_pool_t *mp = mp_create(&options[i]);
        char right[256];
        snprintf(right, sizeof right,
                 "a?b: " WORDS ": pool \"a?b\" at %p, address 0x", (void *)mp);
        text = printed(mp);
        ck_assert(strncmp(text, right, strlen(right)) == 0);
        ck_assert_str_eq(strrchr(text, ':'), ": foreign, of no pool\n");
        free(text);
    }
}
END_TEST

/* A name, and what a report shows of it. */
static const struct {
    const char *name;
    const char *shown;
} characters[] = {
    {"\xc3\xa9t\xc3\xa9 \xf0\x9f\x98\x80", NULL},
    {"\x1b[31m\x7f", "?[31m?"},
    {"\xc2\x9b" "31m", "?31m"},               /* U+009B */
    {"\x9b" "31m", "?31m"},                   /* the same in ISO 8859 */
    {"\xff\xfe", "??"},
    {"\xed\xa0\x80", "???"},                 /* half of a pair */
    {"\xc0\xaf", "??"},                      /* longer than needed */
    {"\xe2\x80\xa8" "a: \xe2\x80\xae", "?a: ?"}, /* a line, a direction */
    {"\xe2\x80", "??"},                      /* cut off */
};

START_TEST(what_is_no_character_to_show_is_replaced_in_a_report)
{
    const mp_options_t options = {.name = characters[_i].name,
                                  .report = mp_report_stderr};
    const char *shown = characters[_i].shown;
    char right[128];

    char *text = printed(mp_create(&options));
    snprintf(right, sizeof right, "%s: " WORDS,
             shown == NULL ? options.name : shown);
    ck_assert(strncmp(text, right, strlen(right)) == 0);
    ck_assert_ptr_eq(strchr(text, '\n'), text + strlen(text) - 1);
    free(text);
}
END_TEST

START_TEST(a_reporter_takes_the_place_of_the_report_function)
{
    mp_options_t options = {.report = pools_report};
    memory_pool_t *mp = mp_create(&options);

    pools_forget_reports();
    memset(&noted, 0, sizeof noted);
    errno = SUPPORT_ERRNO;
    ck_assert_int_eq(mp_set_reporter(mp, note_all, &noted), 0);
    ck_assert_int_eq(errno, SUPPORT_ERRNO);
    free_memory(mp, NULL);
    ck_assert_uint_eq(noted.count, 1);
    ck_assert_uint_eq(pools_reported.count, 0);
    ck_assert_int_eq(mp_set_reporter(mp, NULL, NULL), 0);
    free_memory(mp, NULL);
    ck_assert_uint_eq(noted.count, 1);
    ck_assert_uint_eq(pools_reported.count, 1);
    ck_assert_int_eq(mp_set_reporter(mp, note_all, &noted), 0);
    destroy_memory_pool(mp);

    /* A pool that is made of one that was kept has none. */
    mp = mp_create(&options);
    free_memory(mp, NULL);
    ck_assert_uint_eq(noted.count, 1);
    ck_assert_uint_eq(pools_reported.count, 2);
    destroy_memory_pool(mp);
    SUPPORT_REFUSED(mp_set_reporter(NULL, note_all, &noted), -1);
}
END_TEST

static void note_leak(const mp_report_t *report, void *context)
{
    if (report->ptr != NULL) {
        *(mp_report_t *)context = *report;
    }
}

START_TEST(a_reporter_is_told_of_leaks)
{
    memory_pool_t *mp = make(NULL, MP_THREADS_LOCKED, MP_LEAK_CHECK);
    mp_report_t leak = {.size = 0};

    ck_assert_int_eq(mp_set_reporter(mp, note_leak, &leak), 0);
    char *object = get(mp, 24);
    destroy_memory_pool(mp);
    ck_assert_int_eq(leak.event, MP_EVENT_LEAK);
    ck_assert_ptr_eq(leak.object, object);
    ck_assert_ptr_eq(leak.ptr, object);
    ck_assert_uint_eq(leak.object_size, 24);
    ck_assert_int_eq(leak.where, MP_LIVE);
}
END_TEST

START_TEST(a_report_names_the_pool_among_many)
{
    enum { POOLS = 1500 };
    static memory_pool_t *pools[POOLS];
    static char *objects[POOLS];
    memory_pool_t *mp = make("requests", MP_THREADS_CACHED, 0);
    char what[128];

    for (size_t i = 0; i < POOLS; i++) {
        pools[i] = make(NULL, MP_THREADS_LOCKED, 0);
        objects[i] = get(pools[i], 24);
    }
    for (size_t i = 0; i < POOLS; i += POOLS / 10) {
        snprintf(what, sizeof what,
                 "at offset 1 of a live object of 24 bytes of pool at %p",
                 (void *)pools[i]);
        expect(mp, objects[i] + 1, MP_INTERIOR, what);
    }
    expect(mp, what, MP_FOREIGN, "foreign, of no pool");
    for (size_t i = 0; i < POOLS; i++) {
        destroy_memory_pool(pools[i]);
    }
    destroy_memory_pool(mp);
}
END_TEST

/* Pools come and go, with objects in them, whose addresses another thread
 * reports. */
#define PLACES 64
static struct {
    void *_Atomic places[PLACES];
    atomic_bool done;
} churned;

static void *churn(void *argument)
{
    unsigned flags[] = {0, MP_QUARANTINE};

    (void)argument;
    for (unsigned i = 0; !atomic_load(&churned.done); i++) {
        mp_options_t options = {.threads = (mp_threads_t)(i % 3),
                                .flags = flags[i / 3 % 2]};
        memory_pool_t *mp = mp_create(&options);
        for (int j = 0; mp != NULL && j < 20; j++) {
            void *object = mp_allocate(mp, 1 + (size_t)(i * 37u) % 3000);
            atomic_store(&churned.places[(i + (unsigned)j) % PLACES], object);
            if (j % 3 == 0) {
                free_memory(mp, object);
            }
        }
        destroy_memory_pool(mp);
    }
    return NULL;
}

static void count(const mp_report_t *report, void *context)
{
    *(size_t *)context += report->line[0] != '\0';
}

START_TEST(any_address_is_reported_while_pools_come_and_go)
{
    memory_pool_t *mp = make("requests", MP_THREADS_CACHED, 0);
    size_t reports = 0;
    unsigned times = support_times(2000, 100);

    ck_assert_int_eq(mp_set_reporter(mp, count, &reports), 0);
    atomic_store(&churned.done, false);
    pthread_t thread = support_start(churn, NULL);
    for (unsigned i = 0; i < times; i++) {
        char *at = atomic_load(&churned.places[i % PLACES]);
        free_memory(mp, at == NULL ? (char *)&at : at + i % 40);
    }
    atomic_store(&churned.done, true);
    support_join(thread);
    ck_assert_uint_eq(reports, times);
    destroy_memory_pool(mp);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("report");
    TCase *tc = support_case(suite, "report");

    tcase_add_loop_test(tc, a_report_says_what_the_address_is, 0, 4);
    tcase_add_test(tc, a_report_names_the_pool_that_has_the_object);
    tcase_add_test(tc, a_report_without_an_address_names_the_pool);
    tcase_add_test(tc, callers_are_told_where_they_are_noted);
    tcase_add_test(tc, a_report_function_gets_the_words);
    tcase_add_test(tc, a_base_pool_prints_the_words_and_others_the_whole_line);
    tcase_add_loop_test(
        tc, what_is_no_character_to_show_is_replaced_in_a_report, 0,
        (int)(sizeof characters / sizeof characters[0]));
    tcase_add_test(tc, a_reporter_takes_the_place_of_the_report_function);
    tcase_add_test(tc, a_reporter_is_told_of_leaks);
    tcase_add_test(tc, a_report_names_the_pool_among_many);
    tcase_add_test(tc, any_address_is_reported_while_pools_come_and_go);
    return support_run(suite);
}
