/* SPDX-License-Identifier: MIT
 *
 * support.c - what the test programs share, but for the shadow.
 *
 * A watchdog ends a test that hangs: Check's own works only where each test
 * is a process, so the tests also set an alarm.  Both are far beyond what a
 * slow machine needs and decide nothing else.
 */
#include "support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "inject.h"
#include "sanitizer.h"

#define SUPPORT_WATCHDOG 240 /* seconds */

#if SANITIZER_ON
/* A report made during a capture must still be seen. */
void __sanitizer_set_report_fd(void *fd);
#endif

static struct {
    FILE *file;
    int saved; /* the real standard error during a capture, else -1 */
} support_captured = {NULL, -1};

static void support_watch(void)
{
    alarm(SUPPORT_WATCHDOG);
}

static void support_unwatch(void)
{
    alarm(0);
    if (support_capturing()) { /* the test failed in a capture */
        free(support_release());
    }
}

TCase *support_case(Suite *suite, const char *name)
{
    TCase *test_case = tcase_create(name);

    tcase_set_timeout(test_case, SUPPORT_WATCHDOG);
    tcase_add_checked_fixture(test_case, support_watch, support_unwatch);
    suite_add_tcase(suite, test_case);
    return test_case;
}

int support_run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    int run = srunner_ntests_run(runner);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return run > 0 && failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Valgrind loads its own library into the program, by this variable. */
bool support_under_valgrind(void)
{
    const char *preload = getenv("LD_PRELOAD");

    return preload != NULL && strstr(preload, "vgpreload") != NULL;
}

/* Whoever has a program emulated says so; see packaging/emulate.sh. */
static bool support_is_emulated(void)
{
    return getenv("MP_EMULATED") != NULL;
}

bool support_can_cancel(void)
{
    bool can = !support_is_emulated();

    if (!can) {
        puts("left out: the end of a thread that prints, which the emulator"
             " does not unwind");
    }
    return can;
}

bool support_child_has_threads(void)
{
    bool has = !SANITIZER_THREAD && !support_is_emulated();

    if (!has) {
        puts("left out: a thread in a child, which the checker or the emulator"
             " does not start");
    }
    return has;
}

static bool support_is_slow(void)
{
    return SANITIZER_ON || support_under_valgrind();
}

/* The number that a variable of the environment has; other: it has none. */
static unsigned support_number(const char *name, unsigned other)
{
    const char *text = getenv(name);
    unsigned long number = text != NULL ? strtoul(text, NULL, 10) : other;

    return number > 0 ? (unsigned)number : 1;
}

unsigned support_times(unsigned n, unsigned slow)
{
    unsigned scale =
        support_number("MP_TEST_SCALE", support_is_slow() ? slow : 1);
    unsigned times = n * support_number("MP_TEST_TIMES", 1) / scale;

    return times > 0 ? times : 1;
}

uint64_t support_seed(void)
{
    const char *text = getenv("MP_SEED");
    struct timespec now;
    uint64_t seed;

    if (text != NULL) {
        seed = strtoull(text, NULL, 10);
    } else {
        clock_gettime(CLOCK_REALTIME, &now);
        seed = (uint64_t)now.tv_sec * 1000003u + (uint64_t)now.tv_nsec;
    }
    printf("MP_SEED=%llu\n", (unsigned long long)seed);
    fflush(stdout);
    return seed;
}

/* SplitMix64: any seed will do, 0 too. */
uint64_t support_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

size_t support_below(uint64_t *state, size_t bound)
{
    return (size_t)(support_random(state) % bound);
}

/* Bytes of an object repeat after this many words.  So the rest of a long one
 * is copied and compared as a whole, which takes a tenth of the time, and much
 * less where each access is watched. */
#define SUPPORT_WORDS 128u

/* As many words of a tag as an object of n bytes needs; their bytes. */
static size_t support_pattern(uint64_t *words, size_t n, uint32_t tag)
{
    uint64_t word = (tag + UINT64_C(1)) * 0x9e3779b97f4a7c15u;
    size_t most = SUPPORT_WORDS * sizeof *words;

    for (size_t i = 0; i < SUPPORT_WORDS && i * sizeof *words < n; i++) {
        words[i] = word;
        word += 0xbf58476d1ce4e5b9u;
    }
    return n < most ? n : most;
}

void support_fill(void *at, size_t n, uint32_t tag)
{
    unsigned char *bytes = at;
    uint64_t words[SUPPORT_WORDS];
    size_t done = support_pattern(words, n, tag);

    memcpy(bytes, words, done);
    while (done < n) {
        size_t more = n - done < done ? n - done : done;
        memcpy(bytes + done, bytes, more);
        done += more;
    }
}

bool support_holds(const void *at, size_t n, uint32_t tag)
{
    const unsigned char *bytes = at;
    uint64_t words[SUPPORT_WORDS];
    size_t length = support_pattern(words, n, tag);

    return memcmp(bytes, words, length) == 0 &&
           memcmp(bytes, bytes + length, n - length) == 0;
}

void support_capture(void)
{
    ck_assert_int_lt(support_captured.saved, 0);
    if (support_captured.file == NULL) {
        support_captured.file = tmpfile();
        ck_assert_ptr_nonnull(support_captured.file);
    }
    int fd = fileno(support_captured.file);
    support_captured.saved = dup(STDERR_FILENO);
    ck_assert_int_ge(support_captured.saved, 0);
#if SANITIZER_ON
    __sanitizer_set_report_fd((void *)(intptr_t)support_captured.saved);
#endif
    ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
    ck_assert_int_ge(dup2(fd, STDERR_FILENO), 0);
}

bool support_capturing(void)
{
    return support_captured.saved >= 0;
}

char *support_release(void)
{
    int error = errno;
    int fd = fileno(support_captured.file);

    fflush(stderr);
    ck_assert_int_ge(dup2(support_captured.saved, STDERR_FILENO), 0);
#if SANITIZER_ON
    __sanitizer_set_report_fd((void *)(intptr_t)STDERR_FILENO);
#endif
    close(support_captured.saved);
    support_captured.saved = -1;
    /* What lies behind the position is left from longer captures. */
    off_t length = lseek(fd, 0, SEEK_CUR);
    ck_assert(length >= 0);
    char *text = malloc((size_t)length + 1);
    ck_assert_ptr_nonnull(text);
    ck_assert(pread(fd, text, (size_t)length, 0) == (ssize_t)length);
    text[length] = '\0';
    errno = error;
    return text;
}

size_t support_count(const char *text, const char *line, size_t *all)
{
    size_t length = strlen(line);
    size_t equal = 0;

    *all = 0;
    while (*text != '\0') {
        const char *end = strchr(text, '\n');
        size_t here = end != NULL ? (size_t)(end - text) + 1 : strlen(text);
        equal += here == length && memcmp(text, line, length) == 0;
        text += here;
        ++*all;
    }
    return equal;
}

void support_release_words(const char *words)
{
    char *text = support_release();
    size_t length = strcspn(words, "\n");

    ck_assert_msg(strncmp(text, words, length) == 0 &&
                      strncmp(text + length, ": ", 2) == 0 &&
                      strchr(text, '\n') == strrchr(text, '\n'),
                  "%s", text);
    free(text);
}

void support_release_lines(const char *line, size_t count)
{
    char *text = support_release();
    size_t all;

    if (count == 1) {
        ck_assert_str_eq(text, line); /* shows both */
    }
    size_t equal = support_count(text, line, &all);
    ck_assert_uint_eq(all, count);
    ck_assert_uint_eq(equal, count);
    free(text);
}

void support_only_messages(const char *text)
{
    static const char *const lines[] = {
        SUPPORT_NO_POOL, SUPPORT_ALLOCATE_NO_POOL, SUPPORT_SIZE, SUPPORT_FULL,
        SUPPORT_NO_POINTER, SUPPORT_NOT_IN_POOL};
    size_t known = 0;
    size_t all = 0;

    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        known += support_count(text, lines[i], &all);
    }
    ck_assert_msg(known == all, "%zu lines of %zu are not the library's",
                  all - known, all);
}

void support_release_messages(void)
{
    char *text = support_release();

    support_only_messages(text);
    free(text);
}

pthread_t support_start(void *(*run)(void *), void *argument)
{
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, run, argument), 0);
    return thread;
}

void support_join(pthread_t thread)
{
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

void support_expect_child(pid_t child)
{
    int status = -1;

    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
                  "the child ended with status %#x", (unsigned)status);
}

/* Nothing is asserted before the child has gone its way: it would write to
 * Check, too. */
void support_fork(int (*run)(void *), void *argument)
{
    pid_t child = fork();

    if (child == 0) {
        alarm(60);
        inject_forked();
        _exit(run(argument));
    }
    support_expect_child(child);
}

bool support_pages(void *at, size_t bytes, unsigned char *pages)
{
#ifdef HAVE_MINCORE
    /* Through void: the bytes are signed in some systems. */
    return mincore(at, bytes, (void *)pages) == 0;
#else
    (void)at;
    (void)bytes;
    (void)pages;
    return false;
#endif
}

static const unsigned char support_word[] = {0xde, 0xad, 0xbe, 0xef};

void support_put_word(void *at, size_t n)
{
    unsigned char *bytes = at;

    for (size_t i = 0; i < n; i++) {
        bytes[i] = support_word[i % sizeof support_word];
    }
}

bool support_word_is_gone(const void *at, size_t n)
{
    const unsigned char *bytes = at;

    for (size_t i = 0; i + sizeof support_word <= n; i++) {
        if (memcmp(bytes + i, support_word, sizeof support_word) == 0) {
            return false;
        }
    }
    return true;
}
