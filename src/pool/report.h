/* SPDX-License-Identifier: MIT
 *
 * report.h - what the library says of misuse, and the errno for it.
 *
 * The words are part of the interface: programs and tests compare them,
 * spelling included.  Reports are made with no lock held, since the function
 * that is told may be the program's own.
 */
#ifndef MP_REPORT_H
#define MP_REPORT_H

#include "pool/pool.h"

/* Tells the pool's report function, or prints where there is no pool, and
 * sets errno to what the event stands for. */
void report_event(memory_pool_t *mp, mp_event_t event, const void *ptr);

/* The same for MP_EVENT_CLEANUP in other words. */
void report_cleanup(memory_pool_t *mp, const char *message);

/* The same for mp_allocate(), whose words for no pool are its own. */
void report_no_pool_to_allocate(void);

/* "STEP: REASON" as perror(3) does for error, told to the pool's function or
 * to one that has no pool yet; sets errno to error. */
void report_failure(memory_pool_t *mp, const char *step, int error);
void report_creation(const mp_options_t *options, mp_event_t event,
                     const char *what, int error);

#endif /* MP_REPORT_H */
