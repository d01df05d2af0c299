/* SPDX-License-Identifier: MIT
 *
 * record.h - what record.c writes and work_trace.h reads: an array of these,
 * in the byte order of the machine, since a trace stays where it was made.
 */
#ifndef RECORD_H
#define RECORD_H

#include <stdint.h>

/* old: the object that is freed or resized, or 0; made: the one that there is
 * afterwards, or 0; size: its bytes, as the program asked for them; thread: who
 * did it, counted from 0 in the order of their first notes. */
struct record {
    uint64_t old;
    uint64_t made;
    uint64_t size;
    uint32_t thread;
    uint32_t flags;
};

#define RECORD_CALLOC 1u /* the bytes are to be zero */

#endif /* RECORD_H */
