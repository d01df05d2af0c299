/* SPDX-License-Identifier: MIT
 *
 * line.c - the line of a report: text on the stack, without control characters.
 *
 * There may be no memory left when something is reported, so nothing is got
 * for a line.
 *
 * What it cannot do: hold more than LINE_BYTES.  What does not fit is left out.
 */
#include "pool/line.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/assert.h"

/* Bytes of what line_print() adds at once. */
#define LINE_PART 1024

/* True: a control character begins there, of ASCII or one of U+0080 to U+009F
 * in UTF-8, which terminals obey too. */
static bool line_is_control(const char *at)
{
    unsigned char first = (unsigned char)at[0];
    unsigned char second = first == 0xc2 ? (unsigned char)at[1] : 0;

    return first < 0x20 || first == 0x7f || (second >= 0x80 && second < 0xa0);
}

void line_start(struct line *line)
{
    line->length = 0;
    line->text[0] = '\0';
}

void line_put(struct line *line, const char *string)
{
    ASSERT(line->length < LINE_BYTES && line->text[line->length] == '\0');
    for (; *string != '\0' && line->length < LINE_BYTES - 1; string++) {
        /* Some control characters have two bytes.  The second byte of such a
         * one is no control character where it stands alone, and stays. */
        bool control = line_is_control(string);
        line->text[line->length++] = control ? '?' : *string;
        string += control && (unsigned char)*string == 0xc2;
    }
    line->text[line->length] = '\0';
}

void line_print(struct line *line, const char *format, ...)
{
    char part[LINE_PART];
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(part, sizeof part, format, arguments);
    va_end(arguments);
    if (length > 0) {
        line_put(line, part);
    }
}
