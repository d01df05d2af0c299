/* SPDX-License-Identifier: MIT
 *
 * setting.c - MEMPOOL_OPTIONS: what a user asks of the library from outside.
 *
 *     MEMPOOL_OPTIONS=word,word=VALUE,...
 *
 * If a checker runs, all pools are as with the word passthrough, and all locks
 * are told, unless the variable says native.
 *
 * A program with more rights than its user, as a set-user-ID one, ignores the
 * variable.  No checker can watch such a program.
 *
 * What it cannot do: serve two threads that make the first pool at once
 * without a mutex.  That mutex is a POSIX one, since the locks of base/ are
 * not settled before the settings are known.
 */
#include "pool/setting.h"

#include <ctype.h>
#include <fnmatch.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/auxv.h>
#endif

#include "base/tool.h"
#include "cache/thread.h"
#include "pool/pool.h"
#include "store/range.h"

/* Bytes of freed objects that a pool keeps where no number is given. */
#define SETTING_QUARANTINE ((size_t)1 << 20)

static struct setting setting_all = {.quarantine = SETTING_QUARANTINE,
                                     .guard = 1};
MP_INNER_OBJECT bool setting_none;
static pthread_mutex_t setting_mutex = PTHREAD_MUTEX_INITIALIZER;
static bool setting_read; /* atomic; release, once all is there */

/* How a word takes its value; false: the value is none. */
typedef bool setting_value_fn(const char *value);

static bool setting_set_bytes(const char *value)
{
    char *end;
    unsigned long long bytes = strtoull(value, &end, 10);
    unsigned shift = *end == 'k' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : 0;

    if (!isdigit((unsigned char)*value) || end[shift != 0] != '\0' ||
        bytes > (SIZE_MAX >> 1 >> shift)) {
        return false;
    }
    setting_all.quarantine = (size_t)bytes << shift;
    return true;
}

static bool setting_set_part(const char *value)
{
    char *end;

    if (strncmp(value, "1/", 2) != 0 || !isdigit((unsigned char)value[2])) {
        return false;
    }
    setting_all.guard = strtoull(value + 2, &end, 10);
    return *end == '\0' && setting_all.guard > 0;
}

/* N, or P% with a decimal fraction. */
static bool setting_set_fail(const char *value)
{
    char *end;

    if (!isdigit((unsigned char)*value)) {
        return false;
    }
    setting_all.fail_at = 0;
    setting_all.fail_part = 0;
    if (strchr(value, '%') == NULL) {
        setting_all.fail_at = strtoull(value, &end, 10);
        return *end == '\0' && setting_all.fail_at > 0;
    }
    double percent = strtod(value, &end);
    if (end[0] != '%' || end[1] != '\0' || percent > 100) {
        return false;
    }
    setting_all.fail_part = (uint64_t)(percent / 100 * 4294967296.0);
    return true;
}

static bool setting_set_seed(const char *value)
{
    char *end;

    setting_all.seed = strtoull(value, &end, 10);
    return isdigit((unsigned char)*value) && *end == '\0';
}

static bool setting_set_pattern(const char *value)
{
    /* The environment may change, so this is a copy, for good. */
    setting_all.pattern = strdup(value);
    return setting_all.pattern != NULL;
}

static bool setting_set_native(const char *value)
{
    (void)value;
    return setting_all.native = true;
}

static bool setting_set_stats(const char *value)
{
    (void)value;
    return setting_all.stats = true;
}

static bool setting_set_leaks(const char *value)
{
    (void)value;
    return setting_all.leaks = true;
}

static bool setting_show_help(const char *value);

/* All words.  value NULL: the word has none. */
static const struct setting_word {
    const char *word;
    const char *value; /* what help calls it, in brackets where it may lack */
    unsigned flag;
    setting_value_fn *set;
    const char *help;
} setting_words[] = {
    {"passthrough", NULL, MP_PASSTHROUGH, NULL,
     "each object is a malloc() of its own, for tools that watch malloc()"},
    {"redzone", NULL, MP_REDZONE, NULL,
     "bytes around each object are checked when it is freed"},
    {"poison", NULL, MP_POISON, NULL,
     "freed objects are filled, and checked before they are used again"},
    {"quarantine", "[=BYTES]", MP_QUARANTINE, setting_set_bytes,
     "so many bytes of freed objects are not used again yet; default 1M"},
    {"guard", "[=1/N]", MP_GUARD, setting_set_part,
     "each object, or one in N, ends before a page without access"},
    {"callers", NULL, MP_CALLERS, NULL,
     "reports say who allocated an object and who freed it first"},
    {"tags", NULL, MP_TAGS, NULL,
     "the address of its pool stands behind each object"},
    {"abort", NULL, MP_ABORT, NULL,
     "the program ends by abort() after the first report of misuse"},
    {"report", NULL, MP_REPORT, NULL,
     "pools without a report function print, and base pools say more"},
    {"stats", NULL, 0u, setting_set_stats,
     "the statistics of every pool that is left are printed at exit"},
    {"leaks", NULL, MP_LEAK_CHECK, setting_set_leaks,
     "objects that are live when their pool ends, or at exit, are reported"},
    {"fail", "=N or =P%", SETTING_FAIL, setting_set_fail,
     "the Nth request, or P in 100 at random, finds no memory"},
    {"seed", "=N", 0, setting_set_seed,
     "decides which requests fail at random; else a new number is printed"},
    {"name", "=PATTERN", 0, setting_set_pattern,
     "only pools whose names match this pattern of the shell"},
    {"native", NULL, 0, setting_set_native,
     "pools are as usual, also under a tool"},
    {"help", NULL, 0, setting_show_help, "prints this list"},
};
#define SETTING_WORDS (sizeof setting_words / sizeof setting_words[0])

static bool setting_show_help(const char *value)
{
    (void)value;
    fputs("libmempool: words of MEMPOOL_OPTIONS, with commas between:\n",
          stderr);
    for (size_t i = 0; i < SETTING_WORDS; i++) {
        const struct setting_word *w = &setting_words[i];
        fprintf(stderr, "  %s%-*s %s\n", w->word,
                24 - (int)strlen(w->word), w->value == NULL ? "" : w->value,
                w->help);
    }
    return true;
}

/* Takes one word; false: there is none such, or its value is wrong. */
static bool setting_take(char *word)
{
    char *value = strchr(word, '=');

    if (value != NULL) {
        *value++ = '\0';
    }
    for (size_t i = 0; i < SETTING_WORDS; i++) {
        const struct setting_word *w = &setting_words[i];
        if (strcmp(word, w->word) != 0) {
            continue;
        }
        bool may = w->value == NULL ? value == NULL
                                    : value != NULL || w->value[0] == '[';
        bool calls = w->set != NULL && (w->value == NULL || value != NULL);
        if (!may || (calls && !w->set(value))) {
            break;
        }
        setting_all.flags |= w->flag;
        return true;
    }
    if (value != NULL) {
        value[-1] = '=';
    }
    return false;
}

/* One warning for all that is wrong, with what would have been right. */
static void setting_warn(const char *wrong)
{
    fprintf(stderr, "libmempool: MEMPOOL_OPTIONS: not understood: %s; "
            "words are:", wrong);
    for (size_t i = 0; i < SETTING_WORDS; i++) {
        const struct setting_word *w = &setting_words[i];
        fprintf(stderr, " %s%s", w->word, w->value == NULL ? "" : w->value);
    }
    fputc('\n', stderr);
}

static void setting_parse(const char *words)
{
    char *copy = strdup(words);
    char *wrong = calloc(1, strlen(words) + 1);
    char *rest = copy;

    while (copy != NULL && wrong != NULL && rest != NULL) {
        char *word = rest;
        rest = strchr(word, ',');
        if (rest != NULL) {
            *rest++ = '\0';
        }
        if (*word != '\0' && !setting_take(word)) {
            if (*wrong != '\0') {
                strcat(wrong, ",");
            }
            strcat(wrong, word);
        }
    }
    if (wrong != NULL && *wrong != '\0') {
        setting_warn(wrong);
    }
    free(wrong);
    free(copy);
}

/* The program has rights that its user has not. */
static bool setting_is_secure(void)
{
#ifdef AT_SECURE
    if (getauxval(AT_SECURE) != 0) {
        return true;
    }
#endif
    return getuid() != geteuid() || getgid() != getegid();
}

static void setting_start(void)
{
    const char *words = getenv("MEMPOOL_OPTIONS");

    if (words != NULL && !setting_is_secure()) {
        setting_parse(words);
    }
    if (setting_all.fail_part != 0) {
        if (setting_all.seed == 0) {
            setting_all.seed = (uint64_t)time(NULL) ^ (uint64_t)getpid() << 32;
        }
        fprintf(stderr, "libmempool: MEMPOOL_OPTIONS: fail: seed=%llu\n",
                (unsigned long long)setting_all.seed);
    }
    setting_all.checked = !setting_all.native && tool_checks();
    if (setting_all.checked) {
        lock_tell_all();
        thread_tell_locks();
        range_tell_lock();
        pool_tell_lock();
        tool_allow_race(&setting_read);
        tool_allow_race(&setting_none);
    }
    sync_put(&setting_none, !setting_all.checked && words == NULL);
}

const struct setting *setting_get(void)
{
    /* Acquire pairs with the release below. */
    if (!sync_get_acquire(&setting_read)) {
        pthread_mutex_lock(&setting_mutex);
        if (!sync_get(&setting_read)) {
            setting_start();
            sync_put_release(&setting_read, true);
        }
        pthread_mutex_unlock(&setting_mutex);
    } else if (setting_all.checked) {
        /* For a checker of threads, which knows no release. */
        pthread_mutex_lock(&setting_mutex);
        pthread_mutex_unlock(&setting_mutex);
    }
    return &setting_all;
}

void setting_fork_prepare(void)
{
    pthread_mutex_lock(&setting_mutex);
}

void setting_fork_done(void)
{
    pthread_mutex_unlock(&setting_mutex);
}

unsigned setting_flags(const char *name)
{
    (void)setting_get();
    bool fits = setting_all.pattern == NULL ||
                (name != NULL && fnmatch(setting_all.pattern, name, 0) == 0);

    return (setting_all.checked ? MP_PASSTHROUGH : 0u) |
           (fits ? setting_all.flags : 0u);
}

/* A number that looks like chance and follows from its argument; the last
 * step of splitmix64. */
static uint64_t setting_mix(uint64_t number)
{
    number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9u;
    number = (number ^ number >> 27) * 0x94d049bb133111ebu;
    return number ^ number >> 31;
}

/* A long, since not every processor adds to 64 bits that threads share. */
bool setting_fails(void)
{
    static unsigned long requests; /* atomic; relaxed, it only counts */

    if (setting_all.fail_at == 0 && setting_all.fail_part == 0) {
        return false;
    }
    uint64_t request = sync_add(&requests, 1ul) + 1;
    if (setting_all.fail_at != 0) {
        return request == setting_all.fail_at;
    }
    uint64_t chance =
        setting_mix(setting_all.seed + request * 0x9e3779b97f4a7c15u);
    return chance >> 32 < setting_all.fail_part;
}
