/* SPDX-License-Identifier: MIT
 *
 * setting.c - MEMPOOL_OPTIONS: what a user asks of the library from outside.
 *
 *     MEMPOOL_OPTIONS=word,word=VALUE,...
 *
 * The words of one pool are read twice: for its flags, and, since few have any,
 * for its numbers only if it is tracked.  So nothing is kept between.
 *
 * If a checker runs, all pools are as with the word passthrough, unless the
 * variable says native.  Then all locks are told to a checker of threads.
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
#include "store/outside.h"
#include "store/range.h"

/* Bytes of freed objects that a pool keeps where no number is given. */
#define SETTING_QUARANTINE ((size_t)1 << 20)

static struct setting setting_all = {.quarantine = SETTING_UNSAID};
MP_INNER_OBJECT bool setting_none;
static pthread_mutex_t setting_mutex = PTHREAD_MUTEX_INITIALIZER;
static bool setting_read; /* atomic; release, once all is there */

/* How a word takes its value, which ends before end; false: the value is
 * wrong. */
typedef bool setting_value_fn(struct setting *setting, const char *value,
                              const char *end);

/* A number that goes up to the end. */
static bool setting_get_number(const char *value, const char *end,
                               uint64_t *number)
{
    char *stop;

    *number = strtoull(value, &stop, 10);
    return isdigit((unsigned char)*value) && stop == end;
}

static bool setting_set_bytes(struct setting *setting, const char *value,
                              const char *end)
{
    char last = end > value ? end[-1] : '\0';
    unsigned shift = last == 'k' ? 10 : last == 'M' ? 20 : last == 'G' ? 30 : 0;
    uint64_t bytes;

    if (!setting_get_number(value, end - (shift != 0), &bytes) ||
        bytes > (SIZE_MAX >> 1 >> shift)) {
        return false;
    }
    setting->quarantine = (size_t)bytes << shift;
    return true;
}

static bool setting_set_part(struct setting *setting, const char *value,
                             const char *end)
{
    return strncmp(value, "1/", 2) == 0 &&
           setting_get_number(value + 2, end, &setting->guard) &&
           setting->guard > 0;
}

/* A decimal number with a point, up to the end; strtod() would have the
 * program's locale say what stands for the point. */
static bool setting_get_decimal(const char *value, const char *end,
                                double *number)
{
    double part = 0; /* of a digit behind the point; 0: before it */

    if (!isdigit((unsigned char)*value)) {
        return false;
    }
    *number = 0;
    for (; value < end; value++) {
        if (*value == '.' && part == 0) {
            part = 1;
        } else if (!isdigit((unsigned char)*value)) {
            return false;
        } else if (part == 0) {
            *number = *number * 10 + (*value - '0');
        } else if (part > 1e-9) { /* no request depends on further digits */
            part /= 10;
            *number += part * (*value - '0');
        }
    }
    return true;
}

/* N, or P% with a decimal fraction. */
static bool setting_set_fail(struct setting *setting, const char *value,
                             const char *end)
{
    double percent;

    setting->fail.at = 0;
    setting->fail.part = 0;
    if (memchr(value, '%', (size_t)(end - value)) == NULL) {
        return setting_get_number(value, end, &setting->fail.at) &&
               setting->fail.at > 0;
    }
    if (end[-1] != '%' || !setting_get_decimal(value, end - 1, &percent) ||
        percent > 100) {
        return false;
    }
    setting->fail.part = (uint64_t)(percent / 100 * 4294967296.0);
    return true;
}

static bool setting_set_seed(struct setting *setting, const char *value,
                             const char *end)
{
    return setting_get_number(value, end, &setting->fail.seed);
}

static bool setting_set_pattern(struct setting *setting, const char *value,
                                const char *end)
{
    /* The environment may change, so this is a copy, for good. */
    setting->pattern = strndup(value, (size_t)(end - value));
    return setting->pattern != NULL;
}

static bool setting_set_native(struct setting *setting, const char *value,
                               const char *end)
{
    (void)value;
    (void)end;
    return setting->native = true;
}

static setting_value_fn setting_show_help;

/* In place of a flag: the word is for the process, and not for one pool. */
#define SETTING_PROCESS 0x20000000u

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
    {"stats", NULL, MP_STATS, NULL,
     "the statistics of every pool that is left are printed at exit"},
    {"leaks", NULL, MP_LEAKS | MP_LEAK_CHECK, NULL,
     "objects that are live when their pool ends, or at exit, are reported"},
    {"fail", "=N or =P%", SETTING_FAIL, setting_set_fail,
     "the Nth request, or P in 100 at random, finds no memory"},
    {"seed", "=N", 0, setting_set_seed,
     "decides which requests fail at random; else a new number is printed"},
    {"name", "=PATTERN", SETTING_PROCESS, setting_set_pattern,
     "only pools whose names match this pattern of the shell"},
    {"native", NULL, SETTING_PROCESS, setting_set_native,
     "pools are as usual, also under a tool"},
    {"help", NULL, SETTING_PROCESS, setting_show_help, "prints this list"},
};
#define SETTING_WORDS (sizeof setting_words / sizeof setting_words[0])

static bool setting_show_help(struct setting *setting, const char *value,
                              const char *end)
{
    (void)setting;
    (void)value;
    (void)end;
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

/* Takes a word that ends before end; false: there is none such, or its value is
 * wrong. */
static bool setting_take(struct setting *setting, const char *word,
                         const char *end)
{
    const char *equal = memchr(word, '=', (size_t)(end - word));
    const char *value = equal == NULL ? NULL : equal + 1;
    size_t length = (size_t)((equal == NULL ? end : equal) - word);

    for (size_t i = 0; i < SETTING_WORDS; i++) {
        const struct setting_word *w = &setting_words[i];
        if (strlen(w->word) != length || memcmp(word, w->word, length) != 0) {
            continue;
        }
        bool may = w->value == NULL ? value == NULL
                                    : value != NULL || w->value[0] == '[';
        bool calls = w->set != NULL && (w->value == NULL || value != NULL);
        if (!may || (w->flag == SETTING_PROCESS && setting != &setting_all) ||
            (calls && !w->set(setting, value, end))) {
            return false;
        }
        setting->flags |= w->flag & ~SETTING_PROCESS;
        return true;
    }
    return false;
}

/* Takes the first of some words; false: it is wrong.  *words becomes the next,
 * NULL: there is none, and *length that of the one that was taken. */
static bool setting_take_first(struct setting *setting, const char **words,
                               size_t *length)
{
    const char *word = *words;

    *length = strcspn(word, ",");
    *words = word[*length] == '\0' ? NULL : word + *length + 1;
    return *length == 0 || setting_take(setting, word, word + *length);
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

/* Reads the variable. */
static void setting_parse(const char *words)
{
    char *wrong = calloc(1, strlen(words) + 1);
    size_t length;

    while (words != NULL) {
        const char *word = words;
        if (!setting_take_first(&setting_all, &words, &length) &&
            wrong != NULL) {
            strcat(wrong, *wrong != '\0' ? "," : "");
            strncat(wrong, word, length);
        }
    }
    if (wrong != NULL && *wrong != '\0') {
        setting_warn(wrong);
    }
    free(wrong);
}

/* Reads the words of one pool; false: one of them is wrong. */
static bool setting_parse_own(struct setting *setting, const char *words)
{
    size_t length;

    *setting = (struct setting){.quarantine = SETTING_UNSAID};
    while (words != NULL) {
        if (!setting_take_first(setting, &words, &length)) {
            return false;
        }
    }
    return true;
}

/* Requests fail at random: finds a seed where none was given, and prints it. */
static void setting_seed(struct setting_fail *fail, const char *name)
{
    if (fail->part == 0) {
        return;
    }
    if (fail->seed == 0) {
        fail->seed = (uint64_t)time(NULL) ^ (uint64_t)getpid() << 32 ^
                     (uint64_t)(uintptr_t)fail;
    }
    fprintf(stderr, "libmempool: %s: fail: seed=%llu\n", name,
            (unsigned long long)fail->seed);
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
    setting_seed(&setting_all.fail, "MEMPOOL_OPTIONS");
    setting_all.checked = !setting_all.native && tool_checks();
    /* One of memory alone does not ask who holds a lock. */
    if (setting_all.checked && tool_orders()) {
        lock_tell_all();
        thread_tell_locks();
        range_tell_lock();
        outside_tell_lock();
        pool_tell_lock();
        (void)tool_allow_races(&setting_read, sizeof setting_read);
        (void)tool_allow_races(&setting_none, sizeof setting_none);
    }
    sync_put(&setting_none, !setting_all.checked && setting_all.flags == 0);
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

/* The variable is for pools of that name. */
static bool setting_fits(const char *name)
{
    (void)setting_get();
    return setting_all.pattern == NULL ||
           (name != NULL && fnmatch(setting_all.pattern, name, 0) == 0);
}

unsigned setting_flags(const char *name)
{
    return (setting_fits(name) ? setting_all.flags : 0u) |
           (setting_all.checked ? MP_PASSTHROUGH : 0u);
}

bool setting_read_words(const char *words, unsigned *flags)
{
    ASSERT(words != NULL);
    struct setting own;
    bool right = setting_parse_own(&own, words);

    *flags = own.flags;
    return right;
}

struct setting_fail *setting_numbers(const char *name, const char *words,
                                     size_t *quarantine, uint64_t *guard,
                                     struct setting_fail *own)
{
    bool fits = setting_fits(name);
    struct setting given;

    (void)setting_parse_own(&given, words);
    if (fits && setting_all.quarantine != SETTING_UNSAID) {
        given.quarantine = setting_all.quarantine;
    }
    *quarantine = given.quarantine == SETTING_UNSAID ? SETTING_QUARANTINE
                                                     : given.quarantine;
    if (fits && setting_all.guard != 0) {
        given.guard = setting_all.guard;
    }
    *guard = given.guard == 0 ? 1 : given.guard;
    if (fits && (setting_all.flags & SETTING_FAIL) != 0) {
        return &setting_all.fail;
    }
    *own = given.fail;
    setting_seed(own, name == NULL ? "a pool" : name);
    return (given.flags & SETTING_FAIL) != 0 ? own : NULL;
}

/* A number that looks like chance and follows from its argument; the last
 * step of splitmix64. */
static uint64_t setting_mix(uint64_t number)
{
    number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9u;
    number = (number ^ number >> 27) * 0x94d049bb133111ebu;
    return number ^ number >> 31;
}

/* The count is a long, since not every processor adds to 64 bits that threads
 * share. */
bool setting_fails(struct setting_fail *fail)
{
    if (fail == NULL) {
        return false;
    }
    uint64_t request = sync_add(&fail->requests, 1ul) + 1;
    if (fail->at != 0) {
        return request == fail->at;
    }
    uint64_t chance = setting_mix(fail->seed + request * 0x9e3779b97f4a7c15u);
    return chance >> 32 < fail->part;
}
