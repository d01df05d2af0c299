/* SPDX-License-Identifier: MIT
 *
 * setting.h - MEMPOOL_OPTIONS: what a user asks of the library from outside.
 *
 * The variable is read once, as the first pool is made.  Its words, the flags
 * of mp_options_t that mean the same, and their help are one table.
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

/* Requests fail: a flag that only the variable gives. */
#define SETTING_FAIL 0x80000000u

/* A base pool, whose reports are the words alone. */
#define SETTING_BASE 0x40000000u

/* Flags of a pool whose objects are tracked; see track.h. */
#define SETTING_TRACKED                                                     \
    (MP_PASSTHROUGH | MP_POISON | MP_REDZONE | MP_QUARANTINE | MP_GUARD |   \
     MP_CALLERS | MP_TAGS | SETTING_FAIL)

/* Flags that a pool of any kind may have, with caches too. */
#define SETTING_PLAIN (MP_LEAK_CHECK | MP_ABORT | MP_REPORT)

/* What a program may ask for. */
#define SETTING_FLAGS \
    ((MP_ZERO_ON_FREE | SETTING_PLAIN | SETTING_TRACKED) & ~SETTING_FAIL)

/* Fixed once the first pool is being made. */
struct setting {
    unsigned flags;      /* MP_*, of each pool whose name fits */
    const char *pattern; /* as fnmatch(3) has it; NULL: every pool */
    size_t quarantine;   /* bytes of freed objects that a pool keeps */
    uint64_t guard;      /* one object in that many is before a guard page */
    uint64_t fail_at;    /* that request of the process fails; 0: none */
    uint64_t fail_part;  /* requests in 2^32 that fail */
    uint64_t seed;       /* of which they are */
    bool native;         /* a checker changes nothing */
    bool stats;          /* the statistics of each pool, at exit */
    bool leaks;          /* what is live, at exit */
    bool checked;        /* a checker runs, and it is to see objects */
};

/* The settings, read by the first call.  No lock held. */
MP_INNER const struct setting *setting_get(void);

/* Atomic; true: the settings were read, and there are none.  Relaxed: then
 * nothing else is read. */
MP_INNER bool setting_none;

static inline bool setting_is_none(void)
{
    return sync_get(&setting_none);
}

/* What a pool of that name gets besides its own flags. */
MP_INNER unsigned setting_flags(const char *name);

/* True: this request for an object is to fail. */
MP_INNER bool setting_fails(void);

/* For the fork handlers: no thread is reading the settings in between.  No lock
 * held. */
MP_INNER void setting_fork_prepare(void);
MP_INNER void setting_fork_done(void);

#endif /* MP_SETTING_H */
