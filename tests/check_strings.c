/* SPDX-License-Identifier: MIT
 *
 * check_strings.c - strings, bytes and formats copied into a pool.
 *
 * On every kind of pool: what is made is an object of just the length asked
 * for, equal to what the C library makes, and nothing behind the source is
 * read.  On pools that are full soon: what is refused is refused as by
 * mp_allocate(), and leaves the pool as it was.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <wchar.h>

#include "pools.h"
#include "threads.h"

/* Lengths at all the borders: a granule, the longest short chunk, a block
 * alone. */
static const size_t lengths[] = {0,    1,    14,   15,    16,     17,    31,
                                 1022, 1023, 1024, 40000, 262143, 300000};
#define LENGTHS (sizeof lengths / sizeof lengths[0])
#define LONGEST 300000

/* Memory behind which nothing can be read. */
static struct {
    char *at;
    size_t bytes;
    size_t page;
} edge;

static void edge_start(void)
{
    edge.page = (size_t)sysconf(_SC_PAGESIZE);
    edge.bytes = (LONGEST / edge.page + 1) * edge.page;
    edge.at = mmap(NULL, edge.bytes + edge.page, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    POOLS_EXPECT(edge.at != MAP_FAILED);
    POOLS_EXPECT(mprotect(edge.at + edge.bytes, edge.page, PROT_NONE) == 0);
}

static void edge_end(void)
{
    munmap(edge.at, edge.bytes + edge.page);
}

/* n bytes right before the edge; none is 0 and each n has its own.  After 255
 * they are the same again. */
static char *edge_bytes(size_t n)
{
    char *at = edge.at + edge.bytes - n;

    for (size_t i = 0; i < n && i < 255; i++) {
        at[i] = (char)(1 + (i * 7 + n) % 255);
    }
    for (size_t done = 255, more; done < n; done += more) {
        more = n - done < done ? n - done : done;
        memcpy(at + done, at, more);
    }
    return at;
}

/* A string of n bytes whose end is the last byte before the edge. */
static char *edge_string(size_t n)
{
    char *at = edge_bytes(n + 1);

    at[n] = '\0';
    return at;
}

/* Expects an object of that size for itself, with those bytes in it, and that
 * errno was left alone; frees it. */
static void expect_object(memory_pool_t *mp, void *object, const void *bytes,
                          size_t size)
{
    POOLS_EXPECT(errno == SUPPORT_ERRNO);
    POOLS_EXPECT(object != NULL);
    POOLS_EXPECT(memcmp(object, bytes, size) == 0);
    POOLS_EXPECT(mp_locate(mp, object) == MP_LIVE);
    POOLS_EXPECT(mp_locate(mp, bytes) == MP_FOREIGN);
    size_t usable = mp_usable_size(mp, object);
    POOLS_EXPECT(usable >= size && usable < size + size / 8 + 32);
    memset(object, 0, usable);
    POOLS_EXPECT(mp_check(mp) == 0);
    free_memory(mp, object);
    POOLS_EXPECT(mp_locate(mp, object) != MP_LIVE);
    errno = SUPPORT_ERRNO;
}

START_TEST(mp_strdup_copies_the_string_and_reads_no_further)
{
    memory_pool_t *mp = pools_make(_i);

    edge_start();
    errno = SUPPORT_ERRNO;
    for (unsigned i = 0; i < LENGTHS; i++) {
        const char *string = edge_string(lengths[i]);
        expect_object(mp, mp_strdup(mp, string), string, lengths[i] + 1);
    }
    edge_end();
    pools_end(mp, _i);
}
END_TEST

START_TEST(mp_strndup_reads_no_further_than_it_may)
{
    memory_pool_t *mp = pools_make(_i);

    edge_start();
    errno = SUPPORT_ERRNO;
    for (unsigned i = 0; i < LENGTHS; i++) {
        size_t n = lengths[i];
        /* A string that is shorter, as long, or longer, without an end. */
        const char *string = edge_string(n);
        expect_object(mp, mp_strndup(mp, string, n + 1), string, n + 1);
        expect_object(mp, mp_strndup(mp, string, SIZE_MAX), string, n + 1);
        expect_object(mp, mp_strndup(mp, string, n), string, n + 1);
        string = edge_bytes(n);
        char *copy = mp_strndup(mp, string, n);
        POOLS_EXPECT(copy != NULL && copy[n] == '\0');
        expect_object(mp, copy, string, n);
        if (n > 0) {
            copy = mp_strndup(mp, string, n - 1);
            POOLS_EXPECT(copy != NULL && copy[n - 1] == '\0');
            expect_object(mp, copy, string, n - 1);
        }
    }
    edge_end();
    pools_end(mp, _i);
}
END_TEST

START_TEST(mp_memdup_copies_every_byte)
{
    memory_pool_t *mp = pools_make(_i);

    edge_start();
    errno = SUPPORT_ERRNO;
    for (unsigned i = 0; i < LENGTHS; i++) {
        size_t n = lengths[i] + 1;
        char *bytes = edge_bytes(n);
        bytes[n / 2] = '\0'; /* which ends nothing */
        expect_object(mp, mp_memdup(mp, bytes, n), bytes, n);
    }
    edge_end();
    pools_end(mp, _i);
}
END_TEST

/* mp_vasprintf() by another way than mp_asprintf(), which uses the arguments
 * once more afterwards. */
MP_ATTRIBUTE_FORMAT(3, 4)
static char *print_twice(memory_pool_t *mp, char **again, const char *format,
                         ...)
{
    va_list arguments, copy;

    va_start(arguments, format);
    va_copy(copy, arguments);
    char *string = mp_vasprintf(mp, format, arguments);
    *again = mp_vasprintf(mp, format, copy);
    va_end(copy);
    va_end(arguments);
    return string;
}

/* By both functions, and by snprintf(). */
#define EXPECT_PRINTED(mp, ...)                                         \
    do {                                                                \
        char *again_;                                                   \
        size_t size_ = (size_t)snprintf(NULL, 0, __VA_ARGS__) + 1;      \
        char *right_ = malloc(size_);                                   \
        POOLS_EXPECT(right_ != NULL);                                   \
        snprintf(right_, size_, __VA_ARGS__);                           \
        errno = SUPPORT_ERRNO;                                          \
        expect_object(mp, mp_asprintf(mp, __VA_ARGS__), right_, size_); \
        char *string_ = print_twice(mp, &again_, __VA_ARGS__);          \
        expect_object(mp, string_, right_, size_);                      \
        expect_object(mp, again_, right_, size_);                       \
        free(right_);                                                   \
    } while (0)

START_TEST(formats_print_what_snprintf_prints)
{
    memory_pool_t *mp = pools_make(_i);
    static const char empty[] = "";

    EXPECT_PRINTED(mp, "%s", empty);
    EXPECT_PRINTED(mp, "no argument, 100%%");
    EXPECT_PRINTED(mp, "%d %s %c%c %5.2f|%-8s|%08lx %zu", -12, "text", 'a',
                   'b', 2.5, "left", 0xbeeful, SIZE_MAX);
    EXPECT_PRINTED(mp, "%lld%lld%lld%lld%lld%lld%lld%g%g%g%g%g%g%g%g%g", 1ll,
                   2ll, 3ll, 4ll, 5ll, 6ll, 7ll, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5,
                   7.5, 8.5, 9.5);
    EXPECT_PRINTED(mp, "%ls", L"wide");
    for (unsigned i = 0; i < LENGTHS; i++) {
        EXPECT_PRINTED(mp, "%*d", (int)lengths[i], 7);
    }
    /* A 0 is no end of what is printed. */
    char *string = mp_asprintf(mp, "a%cb", '\0');
    ck_assert_ptr_nonnull(string);
    ck_assert_int_eq(memcmp(string, "a\0b", 4), 0);
    pools_end(mp, _i);
}
END_TEST

/* The functions, each asked for an object of that size. */
enum { STRDUP, STRNDUP, MEMDUP, ASPRINTF, VASPRINTF, WAYS };

static const char text[] =
    "Wer immer strebend sich bemueht, den koennen wir erloesen. Und hat an "
    "ihm die Liebe gar von oben teilgenommen, begegnet ihm die selige Schar "
    "mit herzlichem Willkommen.";

MP_ATTRIBUTE_FORMAT(2, 3)
static char *print(memory_pool_t *mp, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    char *string = mp_vasprintf(mp, format, arguments);
    va_end(arguments);
    return string;
}

/* size is 1 to sizeof text. */
static void *make(memory_pool_t *mp, int way, size_t size)
{
    const char *end = text + sizeof text - size; /* of that size */
    int precision = (int)size - 1;

    switch (way) {
    case STRDUP:
        return mp_strdup(mp, end);
    case STRNDUP:
        return mp_strndup(mp, text, size - 1);
    case MEMDUP:
        return mp_memdup(mp, text, size);
    case ASPRINTF:
        return mp_asprintf(mp, "%.*s", precision, text);
    default:
        return print(mp, "%.*s", precision, text);
    }
}

static bool is_made(const char *object, int way, size_t size)
{
    const char *from = way == STRDUP ? text + sizeof text - size : text;
    size_t same = way == MEMDUP ? size : size - 1;

    return object != NULL && memcmp(object, from, same) == 0 &&
           (way == MEMDUP || object[same] == '\0');
}

/* A string takes its length and one byte of a capacity, and no more. */
START_TEST(a_string_takes_its_length_and_one_byte_of_a_capacity)
{
    mp_options_t options = {.capacity = 100,
                            .max_object = 60,
                            .report = pools_report,
                            .threads = (mp_threads_t)(_i % 3)};
    memory_pool_t *mp = mp_create(&options);
    int way = _i / 3;

    ck_assert_ptr_nonnull(mp);
    pools_forget_reports();
    errno = SUPPORT_ERRNO;
    ck_assert_ptr_null(make(mp, way, 61));
    pools_expect_report(mp, MP_EVENT_SIZE, SUPPORT_SIZE, NULL, EINVAL);
    ck_assert_uint_eq(pools_stats(mp).live_bytes, 0);
    char *first = make(mp, way, 60);
    ck_assert(is_made(first, way, 60));
    ck_assert_uint_eq(pools_stats(mp).live_bytes, 60);
    ck_assert_uint_eq(mp_usable_size(mp, first), 60);
    ck_assert_ptr_null(make(mp, way, 41));
    pools_expect_report(mp, MP_EVENT_FULL, SUPPORT_FULL, NULL, ENOBUFS);
    ck_assert_uint_eq(pools_stats(mp).live_bytes, 60);
    char *second = make(mp, way, 39);
    ck_assert(is_made(second, way, 39));
    ck_assert_ptr_null(make(mp, way, 2));
    pools_expect_report(mp, MP_EVENT_FULL, SUPPORT_FULL, NULL, ENOBUFS);
    char *third = make(mp, way, 1);
    ck_assert(is_made(third, way, 1));
    ck_assert_ptr_null(make(mp, way, 1));
    pools_expect_report(mp, MP_EVENT_FULL, SUPPORT_FULL, NULL, ENOBUFS);
    ck_assert_uint_eq(pools_stats(mp).live_bytes, 100);
    ck_assert(is_made(first, way, 60) && is_made(second, way, 39));
    ck_assert_int_eq(mp_check(mp), 0);
    free_memory(mp, first);
    ck_assert(is_made(make(mp, way, 60), way, 60));
    ck_assert_uint_eq(pools_reported.count, 0);
    destroy_memory_pool(mp);
}
END_TEST

START_TEST(a_string_without_memory_is_refused_and_leaves_nothing)
{
    static unsigned char buffer[8192];
    mp_backing_t backing = mp_backing_buffer(buffer, sizeof buffer);
    mp_options_t options = {.backing = &backing, .report = pools_report};
    memory_pool_t *mp = mp_create(&options);
    char *objects[sizeof buffer / 50];
    size_t count = 0;
    char message[200];

    ck_assert_ptr_nonnull(mp);
    pools_forget_reports();
    errno = SUPPORT_ERRNO;
    while ((objects[count] = make(mp, _i, 50)) != NULL) {
        count++;
        ck_assert_uint_lt(count, sizeof objects / sizeof objects[0]);
    }
    ck_assert_uint_gt(count, 10);
    snprintf(message, sizeof message, "mp_allocate: malloc: %s",
             strerror(ENOMEM));
    pools_expect_report(mp, MP_EVENT_NO_MEMORY, message, NULL, ENOMEM);
    ck_assert_uint_eq(pools_stats(mp).live_bytes, count * 50);
    while (count > 0) {
        POOLS_EXPECT(is_made(objects[--count], _i, 50));
        free_memory(mp, objects[count]);
    }
    ck_assert_int_eq(mp_check(mp), 0);
    ck_assert(is_made(make(mp, _i, 50), _i, 50));
    ck_assert_uint_eq(pools_reported.count, 0);
    destroy_memory_pool(mp);
}
END_TEST

/* The compiler would warn of what is meant here. */
static const char *const volatile none;
static volatile size_t zero, most = SIZE_MAX;

static void *make_of_nothing(memory_pool_t *mp, int way)
{
    switch (way) {
    case STRDUP:
        return mp_strdup(mp, none);
    case STRNDUP:
        return mp_strndup(mp, none, zero);
    case MEMDUP:
        return mp_memdup(mp, none, 1);
    case ASPRINTF:
        return mp_asprintf(mp, none, 0);
    default:
        return print(mp, none, 0);
    }
}

START_TEST(a_null_source_is_refused_and_reported)
{
    mp_options_t options = {.report = pools_report,
                            .threads = (mp_threads_t)(_i % 3)};
    memory_pool_t *mp = mp_create(&options);
    int way = _i / 3;

    ck_assert_ptr_nonnull(mp);
    char *before = make(mp, way, 100);
    size_t bytes = pools_stats(mp).live_bytes;
    pools_forget_reports();
    errno = SUPPORT_ERRNO;
    ck_assert_ptr_null(make_of_nothing(mp, way));
    pools_expect_report(mp, MP_EVENT_NO_POINTER, SUPPORT_NO_POINTER, NULL,
                        EINVAL);
    if (way == MEMDUP) {
        ck_assert_ptr_null(mp_memdup(mp, before, zero));
        pools_expect_report(mp, MP_EVENT_SIZE, SUPPORT_SIZE, NULL, EINVAL);
        ck_assert_ptr_null(mp_memdup(mp, none, zero));
        pools_expect_report(mp, MP_EVENT_SIZE, SUPPORT_SIZE, NULL, EINVAL);
        ck_assert_ptr_null(mp_memdup(mp, none, most));
        pools_expect_report(mp, MP_EVENT_NO_POINTER, SUPPORT_NO_POINTER, NULL,
                            EINVAL);
        ck_assert_ptr_null(mp_memdup(mp, before, most));
        ck_assert_int_eq(pools_reported.event, MP_EVENT_NO_MEMORY);
        ck_assert_int_eq(errno, ENOMEM);
    }
    ck_assert_uint_eq(pools_stats(mp).live_bytes, bytes);
    ck_assert(is_made(before, way, 100));
    ck_assert_int_eq(mp_check(mp), 0);
    destroy_memory_pool(mp);
    /* Without a pool nothing is said, as by mp_calloc(). */
    support_capture();
    SUPPORT_REFUSED(make(NULL, way, 5), NULL);
    SUPPORT_REFUSED(make_of_nothing(NULL, way), NULL);
    SUPPORT_REFUSED(mp_memdup(NULL, text, zero), NULL);
    /* So for a silent pool. */
    mp = mp_create(NULL);
    SUPPORT_REFUSED(make_of_nothing(mp, way), NULL);
    destroy_memory_pool(mp);
    support_release_lines("", 0);
}
END_TEST

START_TEST(strings_fill_a_base_pool_to_the_byte)
{
    memory_pool_t *mp = init_memory_pool();
    char *longer = malloc(MAX_BLOCK_SIZE + 1);

    ck_assert_ptr_nonnull(mp);
    ck_assert_ptr_nonnull(longer);
    memset(longer, 'x', MAX_BLOCK_SIZE);
    longer[MAX_BLOCK_SIZE] = '\0';
    support_capture();
    ck_assert_ptr_null(make_of_nothing(mp, _i));
    support_release_lines(SUPPORT_NO_POINTER, 1);
    support_capture();
    ck_assert_ptr_null(mp_strdup(mp, longer));
    ck_assert_int_eq(errno, EINVAL);
    support_release_lines(SUPPORT_SIZE, 1);
    char *string = mp_strdup(mp, longer + 1); /* all of it */
    ck_assert_ptr_nonnull(string);
    ck_assert_str_eq(string, longer + 1);
    support_capture();
    ck_assert_ptr_null(make(mp, _i, 1));
    ck_assert_int_eq(errno, ENOBUFS);
    support_release_lines(SUPPORT_FULL, 1);
    ck_assert_str_eq(string, longer + 1);
    free_memory(mp, string);
    ck_assert(is_made(make(mp, _i, 5), _i, 5));
    ck_assert_int_eq(mp_check(mp), 0);
    destroy_memory_pool(mp);
    free(longer);
}
END_TEST

/* What a format cannot be done with is no misuse of the pool. */
START_TEST(a_format_that_fails_is_no_misuse_of_the_pool)
{
    static const wchar_t wrong[] = {(wchar_t)0x7fffffff, 0};
    char *again;
    char there[10];

    memory_pool_t *mp = pools_make(_i);
    ck_assert_int_lt(snprintf(there, sizeof there, "%ls", wrong), 0);
    size_t before = pools_stats(mp).live_bytes;
    errno = 0;
    ck_assert_ptr_null(mp_asprintf(mp, "a %ls", wrong));
    ck_assert_int_eq(errno, EILSEQ);
    errno = 0;
    ck_assert_ptr_null(print_twice(mp, &again, "a %ls", wrong));
    ck_assert_int_eq(errno, EILSEQ);
    ck_assert_ptr_null(again);
    ck_assert_uint_eq(pools_reported.count, 0);
    ck_assert_uint_eq(pools_stats(mp).live_bytes, before);
    pools_end(mp, _i);
}
END_TEST

/* They are objects like others: they go with a mark, and with a reset. */
START_TEST(strings_go_with_a_mark_and_a_reset)
{
    memory_pool_t *mp = pools_make(_i);

    for (int way = 0; way < WAYS; way++) {
        char *stays = make(mp, way, 20);
        mp_mark_t mark = mp_mark(mp);
        ck_assert_uint_ne(mark.number, 0);
        char *goes = make(mp, way, 30);
        ck_assert_int_eq(mp_locate(mp, goes), MP_LIVE);
        ck_assert_int_eq(mp_rewind(mp, mark), 0);
        ck_assert_int_ne(mp_locate(mp, goes), MP_LIVE);
        ck_assert(is_made(stays, way, 20));
        stays = mp_realloc(mp, stays, 2000);
        ck_assert_ptr_nonnull(stays);
        ck_assert_int_eq(memcmp(stays, make(mp, way, 20), 20), 0);
    }
    free_all_memory(mp);
    ck_assert_uint_eq(pools_stats(mp).live_bytes, 0);
    pools_end(mp, _i);
}
END_TEST

#define THREADS 4

static void *make_many(void *argument)
{
    memory_pool_t *mp = argument;
    uint64_t random = (uintptr_t)&random;
    char *objects[64] = {NULL};
    size_t sizes[64];
    int ways[64];
    size_t wrong = 0;

    for (unsigned n = support_times(20000, 10); n > 0; n--) {
        size_t i = support_below(&random, 64);
        if (objects[i] != NULL) {
            wrong += !is_made(objects[i], ways[i], sizes[i]);
            free_memory(mp, objects[i]);
        }
        sizes[i] = 1 + support_below(&random, sizeof text);
        ways[i] = (int)support_below(&random, WAYS);
        objects[i] = make(mp, ways[i], sizes[i]);
        wrong += objects[i] == NULL;
    }
    for (size_t i = 0; i < 64; i++) {
        if (objects[i] != NULL) {
            wrong += !is_made(objects[i], ways[i], sizes[i]);
            free_memory(mp, objects[i]);
        }
    }
    return (void *)wrong;
}

START_TEST(threads_make_and_free_strings_in_one_pool)
{
    mp_options_t options = {.threads = (mp_threads_t)_i};
    memory_pool_t *mp = mp_create(&options);

    ck_assert_ptr_nonnull(mp);
    ck_assert_uint_eq(threads_run(THREADS, make_many, mp, 0), 0);
    ck_assert_uint_eq(pools_stats(mp).live_bytes, 0);
    ck_assert_int_eq(mp_check(mp), 0);
    destroy_memory_pool(mp);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("strings");
    TCase *kinds = support_case(suite, "kinds");
    TCase *single = support_case(suite, "single");

    tcase_add_loop_test(kinds,
                        mp_strdup_copies_the_string_and_reads_no_further, 0,
                        pools_count);
    tcase_add_loop_test(kinds, mp_strndup_reads_no_further_than_it_may, 0,
                        pools_count);
    tcase_add_loop_test(kinds, mp_memdup_copies_every_byte, 0, pools_count);
    tcase_add_loop_test(kinds, formats_print_what_snprintf_prints, 0,
                        pools_count);
    tcase_add_loop_test(kinds, a_format_that_fails_is_no_misuse_of_the_pool, 0,
                        pools_count);
    tcase_add_loop_test(kinds, strings_go_with_a_mark_and_a_reset, 0,
                        pools_count);
    tcase_add_loop_test(single,
                        a_string_takes_its_length_and_one_byte_of_a_capacity,
                        0, 3 * WAYS);
    tcase_add_loop_test(single,
                        a_string_without_memory_is_refused_and_leaves_nothing,
                        0, WAYS);
    tcase_add_loop_test(single, a_null_source_is_refused_and_reported, 0,
                        3 * WAYS);
    tcase_add_loop_test(single, strings_fill_a_base_pool_to_the_byte, 0, WAYS);
    tcase_add_loop_test(single, threads_make_and_free_strings_in_one_pool, 0,
                        2);
    return support_run(suite);
}
