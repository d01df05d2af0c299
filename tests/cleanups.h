/* SPDX-License-Identifier: MIT
 *
 * cleanups.h - pools with cleanups that write down that they were called.
 */
#ifndef CLEANUPS_H
#define CLEANUPS_H

#include "pools.h"

/* Pools of all sorts.  A test runs with each twice: a loop's number below
 * CLEANUPS_KINDS stands for a reset, one from there on for the pool's end. */
#define CLEANUPS_KINDS 5
#define CLEANUPS_BOTH (2 * CLEANUPS_KINDS)
extern const mp_options_t cleanups_kinds[CLEANUPS_KINDS];

memory_pool_t *cleanups_pool(int i, memory_pool_t *parent);

/* Resets or destroys the pool, which leaves errno alone; then, after a reset,
 * destroys it. */
void cleanups_end(int i, memory_pool_t *mp);

/* The letters of the cleanups that were called, in order, since the start. */
extern char cleanups_called[64];
extern char cleanups_letters[]; /* their arguments; 'a' is at 0 */
void cleanups_start(void);
void cleanups_note(void *arg);
void cleanups_add(memory_pool_t *mp, char letter);

/* What a cleanup finds and does. */
struct cleanups_work {
    memory_pool_t *mp;
    memory_pool_t *parent; /* or NULL */
    memory_pool_t *other;
    char *object;
    char *made;
    unsigned calls;
    unsigned left;
    bool nested;
};

/* Adds itself again, as often as .left says. */
void cleanups_add_others(void *arg);

#endif /* CLEANUPS_H */
