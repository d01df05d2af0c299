/* SPDX-License-Identifier: MIT
 *
 * tool.h - what the library tells the tools that watch a program.
 *
 * Today that is LeakSanitizer, which does not search the range for pointers
 * of its own accord.  It is reached by weak symbols, so that the installed
 * library serves programs with and without it, and nothing is linked.
 *
 * What it cannot do: tell of single objects.
 */
#ifndef MP_TOOL_H
#define MP_TOOL_H

#include <stddef.h>

#include "base/compiler.h"

/* The bytes hold pointers to what is in use; and they do no longer. */
MP_INNER void tool_show(const void *start, size_t bytes);
MP_INNER void tool_hide(const void *start, size_t bytes);

#endif /* MP_TOOL_H */
