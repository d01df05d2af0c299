/* SPDX-License-Identifier: MIT
 *
 * pools.h - every kind of pool that mp_create() can make, for tests that
 * hold for all of them, and a backing that counts and fails on demand.
 *
 * Check writes a line for each assertion that it makes, so loops use
 * POOLS_EXPECT(), which calls Check only for what is wrong.
 */
#ifndef POOLS_H
#define POOLS_H

#include <stdatomic.h>

#include "support.h"

#define POOLS_EXPECT(what)           \
    do {                             \
        if (!(what)) {               \
            ck_abort_msg("%s", #what); \
        }                            \
    } while (0)

/* Where a kind's blocks come from. */
enum pools_source {
    POOLS_DEFAULT,
    POOLS_MALLOC,
    POOLS_MMAP,
    POOLS_BUFFER,
    POOLS_OWN
};

struct pools_kind {
    const char *label;
    mp_options_t options;
    enum pools_source source;
};

/* The kind is a tracked one: its objects are malloc()'s own. */
bool pools_tracked(int kind);

#define POOLS_BUFFER_SIZE ((size_t)64 << 20)
#define POOLS_CAPACITY ((size_t)64 << 20)
#define POOLS_MAX_OBJECT ((size_t)16 << 20)

extern const struct pools_kind pools_kinds[];
extern const int pools_count;

/* A pool of those options, or NULL for the default's; the same with this limit
 * and parent; and one by whose options pools_report() is called, or a test's
 * own function: no report is known then, and errno is SUPPORT_ERRNO. */
memory_pool_t *pools_make_with(const mp_options_t *options);
memory_pool_t *pools_limited(size_t capacity, memory_pool_t *parent);
memory_pool_t *pools_make_told(const mp_options_t *options);

/* The pool has thread caches: where the range of addresses cannot be had, as
 * on systems of 32 bits, none has.  Told by an object's length, which only
 * pools without know to the byte. */
bool pools_cached(memory_pool_t *mp);
bool pools_caches_exist(void); /* a new pool has them */

/* A pool that no thread keeps, since it has a name, so that it is made and
 * goes for certain; and what gives the calling thread a cache there. */
memory_pool_t *pools_make_named(void);
void pools_use_cache(memory_pool_t *mp);

/* The last report of a kind that has a report function, and how many. */
struct pools_report {
    memory_pool_t *mp;
    mp_event_t event;
    char message[256];
    const void *ptr;
    size_t count;
};
extern struct pools_report pools_reported;

/* Notes the report.  And a report function: it does so, and uses the pool,
 * which hangs where a lock is held. */
void pools_note_report(memory_pool_t *mp, mp_event_t event,
                       const char *message, const void *ptr);
void pools_report(memory_pool_t *mp, mp_event_t event, const char *message,
                  const void *ptr, void *context);

/* No report is known; and asserts that since then there was just this one, of
 * the pool, with that errno, and forgets it.  Of the message the newline that
 * it has in a line is left out; NULL: it may be any. */
void pools_forget_reports(void);
void pools_expect_report(memory_pool_t *mp, mp_event_t event,
                         const char *message, const void *ptr, int error);

/* Allocates until nothing more fits into the pool or one above, to the byte;
 * frees some of it meanwhile if told so.  Returns the bytes that it has. */
size_t pools_take_all(memory_pool_t *mp, bool frees);

/* Objects of that size until none is to be had; how many.  And exactly so many
 * bytes are left in the pool, which has a limit, or is below one. */
size_t pools_fill(memory_pool_t *mp, size_t size);
bool pools_has_left(memory_pool_t *mp, size_t bytes);

mp_stats_t pools_stats(memory_pool_t *mp);

/* Asserts the numbers of a pool in which nothing was done; returns how many
 * blocks it has: one that is made again may begin with a second one. */
size_t pools_expect_new(memory_pool_t *mp);

/* A backing over malloc(3) that keeps a list of what it gave out. */
#define POOLS_BLOCKS 4096
struct pools_backing {
    pthread_mutex_t lock;
    void *blocks[POOLS_BLOCKS];
    size_t sizes[POOLS_BLOCKS];
    size_t count;    /* blocks out */
    size_t bytes;    /* of them */
    size_t peak;     /* most bytes at once */
    size_t longest;  /* bytes of the longest request */
    size_t limit;    /* bytes that it has; 0: all */
    size_t acquired; /* calls */
    size_t fail_at;  /* this call, counted from 1, gets NULL; 0: none */
    bool fail_on;    /* and so does every later one */
    size_t wrong;    /* blocks given back that were not given out so */
    memory_pool_t *_Atomic user; /* read in each call; or NULL */
};
extern struct pools_backing pools_own;

/* Empty, failing nowhere; and a backing that uses it. */
void pools_backing_start(struct pools_backing *own);
mp_backing_t pools_backing_of(struct pools_backing *own);

/* A new pool of a kind, and its end, after which nothing is left of it. */
memory_pool_t *pools_make(int kind);
void pools_end(memory_pool_t *mp, int kind);

#endif /* POOLS_H */
