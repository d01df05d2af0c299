/* SPDX-License-Identifier: MIT
 *
 * report.h - what the library says of misuse, and the errno for it.
 *
 * A report is one whole line on standard error, written with one call, so
 * that lines of several threads never mix.  Reports are made with no lock
 * held.  The words are part of the interface: programs and tests compare
 * them, spelling included.
 */
#ifndef MP_REPORT_H
#define MP_REPORT_H

#include "private.h"

enum report_event {
    REPORT_ALLOCATE_NO_POOL,
    REPORT_NO_POOL,
    REPORT_SIZE,
    REPORT_FULL,
    REPORT_NO_POINTER,
    REPORT_NOT_IN_POOL
};

/* Prints the event's line and sets errno to what the event stands for. */
void report_event(enum report_event event);

/* Prints "STEP: MESSAGE" as perror(3) does for error, and sets errno to it. */
void report_failure(const char *step, int error);

#endif /* MP_REPORT_H */
