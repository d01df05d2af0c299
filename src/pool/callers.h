/* SPDX-License-Identifier: MIT
 *
 * callers.h - who allocated an object, and who freed it first.
 *
 * What it cannot do: name callers where the C library has no backtrace(3).
 */
#ifndef MP_CALLERS_H
#define MP_CALLERS_H

#include "base/compiler.h"
#include "pool/record.h"

/* Notes the return addresses of the call that is under way. */
MP_INNER void callers_note(void *frames[RECORD_FRAMES]);

/* Return addresses that were noted. */
MP_INNER size_t callers_count(void *const frames[RECORD_FRAMES]);

/* Writes the caller that allocated an object and, if it was freed, the caller
 * that freed it, into a line that has room for so many bytes.  Returns how many
 * it wrote.  callers NULL: none. */
MP_INNER size_t callers_name(char *line, size_t bytes,
                             const struct record_callers *callers,
                             bool freed);

#endif /* MP_CALLERS_H */
