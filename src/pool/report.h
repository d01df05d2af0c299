/* SPDX-License-Identifier: MIT
 *
 * report.h - the words of every event, and the functions that they go to.
 *
 * The words are part of the interface: programs and tests compare them,
 * spelling included.  Reports are made with no lock held, since the function
 * that is told may be the program's own.
 *
 * What it cannot do: set errno.  That is api/'s part.
 */
#ifndef MP_REPORT_H
#define MP_REPORT_H

#include "pool/found.h"
#include "pool/pool.h"

/* The words of an event that always has the same. */
MP_INNER const char *report_message(mp_event_t event);

/* Tells the pool's report function, or standard error where mp is NULL.  found
 * says what ptr is; NULL: the report is of no address. */
MP_INNER void report_found(memory_pool_t *mp, mp_event_t event,
                           const char *message, const void *ptr,
                           const struct found *found);
MP_INNER void report_words(memory_pool_t *mp, mp_event_t event,
                           const char *message, const void *ptr);

/* The same, and on standard error where the pool has no report function. */
MP_INNER void report_loudly(memory_pool_t *mp, mp_event_t event,
                            const char *message, const void *ptr,
                            const struct found *found);

/* True: the report function of the pool, or an option, wants to know what an
 * address is.  No lock held. */
MP_INNER bool report_wants_all(memory_pool_t *mp);

/* True: what mp_report_stderr() is handed are words, to which the rest is to be
 * added. */
MP_INNER bool report_prints_all(const memory_pool_t *mp);

/* As report_words(), in the words of perror(3): "STEP: REASON". */
MP_INNER void report_failure(memory_pool_t *mp, const char *step, int error);

/* To the function in options, of a pool that could not be made: an option
 * that is invalid, or a step that failed. */
MP_INNER void report_option(const mp_options_t *options, const char *member);
MP_INNER void report_creation(const mp_options_t *options, const char *step,
                              int error);

/* Prints a line on standard error: the pool's name, the words, and, where found
 * is not NULL, which pool, which address, what that is, and whose. */
MP_INNER void report_print(memory_pool_t *mp, const char *message,
                           const void *ptr, const struct found *found);

#endif /* MP_REPORT_H */
