/* SPDX-License-Identifier: MIT
 *
 * tool.h - what the library tells the tools that watch a program.
 *
 * Those are LeakSanitizer, which does not search the range for pointers of
 * its own accord, and the checkers: AddressSanitizer, MemorySanitizer,
 * ThreadSanitizer, and valgrind's memcheck, helgrind and DRD.  The sanitizers
 * are reached by weak symbols, and valgrind by requests that are no more than
 * some instructions without effect elsewhere.  So the installed library
 * serves programs with and without them, and nothing is linked.
 *
 * What it cannot do: know a tool that is not in the process when the first
 * pool is made, or valgrind where its headers were missing as the library was
 * built.
 */
#ifndef MP_TOOL_H
#define MP_TOOL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"

/* A tool follows pointers, and wants to know what is said by the next two. */
MP_INNER bool tool_follows(void);

/* The bytes hold pointers to what is in use; and they do no longer. */
MP_INNER void tool_show(const void *start, size_t bytes);
MP_INNER void tool_hide(const void *start, size_t bytes);

/* For the fork handlers: no such call is under way meanwhile. */
MP_INNER void tool_fork_prepare(void);
MP_INNER void tool_fork_done(void);

/* The process runs under a checker.  Others of valgrind's tools, such as
 * callgrind and massif, only measure, and are none. */
MP_INNER bool tool_checks(void);

/* That checker follows in which order threads do things: helgrind, DRD or
 * ThreadSanitizer. */
MP_INNER bool tool_orders(void);

/* The library, which the tool may not see into, wrote those bytes. */
MP_INNER void tool_define(const void *start, size_t bytes);

/* Threads read and write those bytes in an order that the checker does not see,
 * and are right to.  True: it is helgrind or DRD, and heeds that until the
 * memory is given back, or the second is called. */
MP_INNER bool tool_allow_races(const void *start, size_t bytes);
MP_INNER void tool_forbid_races(const void *start, size_t bytes);

/* What the thread did up to the first is before what threads do that call the
 * second for the same place later. */
MP_INNER void tool_precede(const void *place);
MP_INNER void tool_follow(const void *place);

/* Between the two ThreadSanitizer takes what this thread allocates for memory
 * that nobody wrote: another one may free it. */
MP_INNER void tool_begin_alloc(void);
MP_INNER void tool_end_alloc(void);

/* The program wanted to free an address that is no object: the checker is made
 * to report that as it reports a wrong free(3), which may end the program.
 * No lock held. */
MP_INNER void tool_blame_free(const void *ptr);

#endif /* MP_TOOL_H */
