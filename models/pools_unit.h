/* SPDX-License-Identifier: MIT
 *
 * pools_unit.h - the shipped library as a model calls it.
 */
#ifndef MODELS_POOLS_UNIT_H
#define MODELS_POOLS_UNIT_H

#include <stdbool.h>

#include "memory_pool.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What is wrong on purpose. */
enum unit_seed {
    UNIT_RIGHT,
    UNIT_NOT_NOTED,     /* a lock does not note that it was entered */
    UNIT_DROP_UNLOCKED, /* a pool is dropped without its thread's lock */
    UNIT_RESET_UNLOCKED, /* a quiet pool is reset without its lock */
    UNIT_NOT_CLOSED,    /* nobody is told that a pool ends */
    UNIT_END_UNTIED,    /* a thread ends without the attachments' lock */
    UNIT_END_UNLOCKED,  /* its caches leave pools without the pools' locks */
    UNIT_ORPHANS_UNLOCKED, /* its pools become orphans without its lock */
    UNIT_STAYS_ENABLED, /* caches are not disabled in a pause */
    UNIT_NO_WAIT,       /* a pause does not wait for who is inside */
    UNIT_SWEEP_OPEN,    /* caches are enabled while their pool is swept */
    UNIT_KEEPS_CREDIT   /* credit does not come back before "full" */
};

/* A few pieces of memory, which come again and again. */
extern const mp_backing_t unit_backing;

void unit_start(enum unit_seed seed);

/* The holder of a piece of memory writes to it. */
void unit_write(void *object);

/* A real fork.  The child uses the pool, if there is one, and makes and drops
 * others; true: that went well. */
bool unit_fork(memory_pool_t *pool);

/* The calling thread ends. */
void unit_end_thread(void);

#ifdef __cplusplus
}
#endif
#endif /* MODELS_POOLS_UNIT_H */
