/* SPDX-License-Identifier: MIT
 *
 * lock_unit.h - the shipped lock as the model of it calls it.
 */
#ifndef MODELS_LOCK_UNIT_H
#define MODELS_LOCK_UNIT_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

#define UNIT_LOCKS 2 /* which share the place where threads sleep */

/* What is wrong on purpose. */
enum unit_seed {
    UNIT_RIGHT,
    UNIT_NO_WAKE,  /* a thread that leaves the lock wakes nobody */
    UNIT_NO_MUTEX, /* it does not wait for one that is going to sleep */
    UNIT_NO_FENCE  /* there is no heavy fence, though it is on */
};

/* Of the model: the heavy fence; the mutex and the condition of that place. */
void model_fence(void);
void model_sleep_lock(void);
void model_sleep_unlock(void);
void model_sleep(void);
void model_wake(void);

/* on: the heavy fence is. */
void unit_start(enum unit_seed seed, bool on);
void unit_take(unsigned lock);
void unit_drop(unsigned lock);

#ifdef __cplusplus
}
#endif
#endif /* MODELS_LOCK_UNIT_H */
