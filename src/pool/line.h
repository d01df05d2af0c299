/* SPDX-License-Identifier: MIT
 *
 * line.h - the line of a report: text on the stack, without control characters,
 * and without bytes that are no character in UTF-8.
 *
 * A pool's name, and the message of a program that calls mp_report_stderr()
 * itself, may come from outside.  So a line has no control characters: else a
 * name could forge a second line of a log, or command the terminal that shows
 * it.
 *
 * What it cannot do: hold more than LINE_BYTES.  What does not fit is left out.
 */
#ifndef MP_LINE_H
#define MP_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "memory_pool.h"

/* Bytes of a line, with its end: what callers= adds is long. */
#define LINE_BYTES 2048

struct line {
    size_t length; /* of text, which always ends with a zero byte */
    char text[LINE_BYTES];
};

/* The number for a byte that is part of no character: that of the character
 * which is shown for such a byte. */
#define LINE_NONE ((uint32_t)0xfffd)

/* Bytes of the character at s in UTF-8, where no string ends, and its number;
 * 1 and LINE_NONE for a byte that is part of none. */
MP_INNER int line_character(const char *s, uint32_t *number);

/* What is not to be printed as it is: control characters of ASCII and of ISO
 * 8859, which terminals obey, too; what ends a line, or changes the direction
 * of what follows; and LINE_NONE. */
MP_INNER bool line_is_control(uint32_t number);

/* Makes the line empty. */
MP_INNER void line_start(struct line *line);

/* Adds a string, or what printf(3) would write. */
MP_INNER void line_put(struct line *line, const char *string);
MP_INNER void line_print(struct line *line, const char *format, ...)
    MP_ATTRIBUTE_FORMAT(2, 3);

#endif /* MP_LINE_H */
