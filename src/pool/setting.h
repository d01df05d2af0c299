/* SPDX-License-Identifier: MIT
 *
 * setting.h - MEMPOOL_OPTIONS: what a user asks of the library from outside.
 *
 * The variable is read once, as the first pool is made.  A program gives the
 * same words to one pool, as mp_options_t.debug.  The words, the flags of
 * mp_options_t that mean the same, and their help are one table.
 *
 * The variable adds to what the program asks for.  Where both give a number,
 * the variable's counts: its user cannot change the program.
 *
 * What it cannot do: change a pool that was made.
 */
#ifndef MP_SETTING_H
#define MP_SETTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sync.h"
#include "memory_pool.h"

/* Requests fail: a flag that only a word gives. */
#define SETTING_FAIL 0x80000000u

/* A base pool, whose reports are the words alone. */
#define SETTING_BASE 0x40000000u

/* Flags of a pool whose objects are tracked; see track.h. */
#define SETTING_TRACKED                                                     \
    (MP_PASSTHROUGH | MP_POISON | MP_REDZONE | MP_QUARANTINE | MP_GUARD |   \
     MP_CALLERS | MP_TAGS | SETTING_FAIL)

/* Flags that a pool of any kind may have, with caches too. */
#define SETTING_PLAIN \
    (MP_LEAK_CHECK | MP_ABORT | MP_REPORT | SETTING_AT_EXIT)

/* Flags of a pool that is printed at exit. */
#define SETTING_AT_EXIT (MP_STATS | MP_LEAKS)

/* What a program may ask for. */
#define SETTING_FLAGS \
    ((MP_ZERO_ON_FREE | SETTING_PLAIN | SETTING_TRACKED) & ~SETTING_FAIL)

/* Which requests fail. */
struct setting_fail {
    uint64_t at;            /* that one; 0: none */
    uint64_t part;          /* so many of 2^32 */
    uint64_t seed;          /* of which they are; 0: none was given */
    unsigned long requests; /* atomic; relaxed, it only counts */
};

/* What words ask for.  Fixed once they are read. */
struct setting {
    unsigned flags;      /* MP_*, of each pool whose name fits */
    const char *pattern; /* as fnmatch(3) has it; NULL: every pool */
    size_t quarantine;   /* bytes of freed objects that a pool keeps;
                          * SETTING_UNSAID: no word says it */
    uint64_t guard;      /* one object in that many is before a guard page; 0:
                          * no word says it */
    struct setting_fail fail;
    bool native;         /* a checker changes nothing */
    bool checked;        /* a checker runs, and it is to see objects */
};

#define SETTING_UNSAID SIZE_MAX

/* The settings, read by the first call.  No lock held. */
MP_INNER const struct setting *setting_get(void);

/* Atomic; true: the settings were read, and give no pool anything.  Relaxed:
 * then nothing else is read. */
MP_INNER bool setting_none;

static inline bool setting_is_none(void)
{
    return sync_get(&setting_none);
}

/* What the variable gives a pool of that name besides its own flags. */
MP_INNER unsigned setting_flags(const char *name);

/* What a program's words for one pool ask for, as flags; false: one is unknown,
 * has a wrong value, or is for the process. */
MP_INNER bool setting_read_words(const char *words, unsigned *flags);

/* The numbers for a pool of that name, whose own words, or NULL, were read
 * before.  *own is for requests that fail by those.  Returns what decides which
 * requests fail, *own or the process's; NULL: none do. */
MP_INNER struct setting_fail *setting_numbers(const char *name,
                                              const char *words,
                                              size_t *quarantine,
                                              uint64_t *guard,
                                              struct setting_fail *own);

/* True: this request for an object is to fail. */
MP_INNER bool setting_fails(struct setting_fail *fail);

/* For the fork handlers: no thread is reading the settings in between.  No lock
 * held. */
MP_INNER void setting_fork_prepare(void);
MP_INNER void setting_fork_done(void);

#endif /* MP_SETTING_H */
