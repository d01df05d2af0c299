/* SPDX-License-Identifier: MIT
 *
 * pause_unit.h - the shipped pause as the model of it calls it.
 */
#ifndef MODELS_PAUSE_UNIT_H
#define MODELS_PAUSE_UNIT_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

#define UNIT_USERS 2

/* What is wrong on purpose. */
enum unit_seed {
    UNIT_RIGHT,
    UNIT_NO_WAIT,     /* the pauser waits for nobody */
    UNIT_FENCE_FIRST, /* the heavy fence comes before the caches are revoked */
    UNIT_NO_REVOKE,   /* they stay enabled */
    UNIT_NO_FENCE     /* there is no heavy fence */
};

/* Of the model: the thread that runs; the heavy fence; whether there is one. */
unsigned model_thread(void);
void model_fence(void);
bool model_fence_works(void);

/* A set with a cache of each user, all enabled.  handled: the first user's is
 * that of a handle. */
void unit_start(bool fenced, bool counts, bool handled);

/* The user is inside, by its short way; false: it is not. */
bool unit_enter(unsigned user);
void unit_leave(unsigned user);

/* The lock is held. */
void unit_pause(enum unit_seed seed);
void unit_resume(void);

#ifdef __cplusplus
}
#endif
#endif /* MODELS_PAUSE_UNIT_H */
