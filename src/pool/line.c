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
#include <stdio.h>
#include <string.h>

#include "base/assert.h"

/* Bytes of what line_print() adds at once. */
#define LINE_PART 1024

int line_character(const char *s, uint32_t *number)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)s[0];
    int length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    uint32_t value = length == 1 ? first : first & (0x7fu >> length);
    bool whole = length == 1 || (first >= 0xc0 && first < 0xf8);

    ASSERT(first != '\0');
    /* Stops at the first byte that does not go on: the string may end there. */
    for (int i = 1; i < length && whole; i++) {
        unsigned char next = (unsigned char)s[i];
        whole = (next & 0xc0) == 0x80; /* not the string's end either */
        value = value << 6 | (next & 0x3fu);
    }
    /* Longer forms than needed, numbers beyond the last and halves of UTF-16
     * pairs are no UTF-8, though they look like it. */
    if (!whole || value < least[length] || value > 0x10ffff ||
        (value >= 0xd800 && value < 0xe000)) {
        *number = LINE_NONE;
        return 1;
    }
    ASSERT(value != 0 && length <= 4);
    *number = value;
    return length;
}

bool line_is_control(uint32_t number)
{
    return number < 0x20 || (number >= 0x7f && number < 0xa0) ||
           (number >= 0x2028 && number <= 0x202e) ||
           (number >= 0x2066 && number <= 0x2069) || number == LINE_NONE;
}

void line_start(struct line *line)
{
    line->length = 0;
    line->text[0] = '\0';
}

void line_put(struct line *line, const char *string)
{
    ASSERT(line->length < LINE_BYTES && line->text[line->length] == '\0');
    while (*string != '\0') {
        uint32_t number;
        size_t bytes = (size_t)line_character(string, &number);
        const char *shown = line_is_control(number) ? "?" : string;
        size_t length = shown == string ? bytes : 1;
        if (length >= LINE_BYTES - line->length) {
            break;
        }
        memcpy(line->text + line->length, shown, length);
        line->length += length;
        string += bytes;
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
