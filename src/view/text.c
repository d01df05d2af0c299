/* SPDX-License-Identifier: MIT
 *
 * text.c - text into a stream, with names made safe for JSON, XML and
 * OpenMetrics.
 *
 * A pool's name is whatever bytes the program gave, cut off after 63 of
 * them, maybe inside a character; readers of JSON and XML refuse a whole
 * file for one such byte.  So bytes are read as UTF-8 here, and what is none
 * is replaced.
 *
 * This is the one place below api/ that looks at errno: a stream tells the
 * reason of its error in no other way.
 *
 * What it cannot do: take back what was written before an error.
 */
#include "view/text.h"

#include <errno.h>
#include <stdbool.h>

#include "base/lock.h"
#include "pool/line.h"

/* Why a call of stdio failed; a stream of the program's own may not say. */
static int text_reason(void)
{
    return errno == 0 ? EIO : errno;
}

void text_print(struct text *text, const char *format, ...)
{
    va_list arguments;

    ASSERT(text->stream != NULL && format != NULL);
    ASSERT(lock_none_is_held());
    /* The first error is the cause, and those that follow only repeat it. */
    if (text->error != 0) {
        return;
    }
    /* A reason left over from an earlier call would be told for this one. */
    errno = 0;
    va_start(arguments, format);
    if (vfprintf(text->stream, format, arguments) < 0) {
        text->error = text_reason();
    }
    va_end(arguments);
}

void text_lack_memory(struct text *text)
{
    if (text->error == 0) {
        text->error = ENOMEM;
    }
}

int text_end(struct text *text)
{
    ASSERT(text->stream != NULL && lock_none_is_held());
    if (text->error == 0) {
        /* A full disk is often noticed only as the buffer is written. */
        errno = 0;
        if (fflush(text->stream) != 0) {
            text->error = text_reason();
        }
    }
    return text->error;
}

/* JSON has an escape for each control character, a label only for a newline. */
static void text_put_quoted(struct text *text, const char *string, bool json)
{
    ASSERT(string != NULL);
    while (*string != '\0') {
        uint32_t c;
        int length = line_character(string, &c);
        if (c == '"' || c == '\\') {
            text_print(text, "\\%c", (int)c);
        } else if (json && line_is_control(c)) {
            text_print(text, "\\u%04x", (unsigned)c);
        } else if (c == '\n') {
            text_print(text, "\\n");
        } else if (line_is_control(c)) {
            text_print(text, "\xef\xbf\xbd"); /* U+FFFD itself */
        } else {
            text_print(text, "%.*s", length, string);
        }
        string += length;
    }
}

void text_put_json(struct text *text, const char *string)
{
    text_put_quoted(text, string, true);
}

void text_put_label(struct text *text, const char *string)
{
    text_put_quoted(text, string, false);
}

void text_put_xml(struct text *text, const char *string)
{
    ASSERT(string != NULL);
    while (*string != '\0') {
        uint32_t c;
        int length = line_character(string, &c);
        /* XML 1.0 allows most of these in no form, not even escaped.  The
         * others would break a line. */
        if (c < 0x20 || c == 0xfffe || c == 0xffff) {
            c = LINE_NONE;
        }
        if (line_is_control(c) || c == '<' || c == '>' || c == '&' ||
            c == '\'' || c == '"') {
            text_print(text, "&#%u;", (unsigned)c);
        } else {
            text_print(text, "%.*s", length, string);
        }
        string += length;
    }
}
