/* SPDX-License-Identifier: MIT
 *
 * sched.h - who runs; see README.
 */
#ifndef TARGETS_SCHED_H
#define TARGETS_SCHED_H

int sched_yield(void);

#endif /* TARGETS_SCHED_H */
