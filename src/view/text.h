/* SPDX-License-Identifier: MIT
 *
 * text.h - text into a stream, with names made safe for JSON and XML.
 *
 * What it cannot do: write with a lock held; a stream may be slow, or the
 * program's own.
 */
#ifndef MP_TEXT_H
#define MP_TEXT_H

#include <stdio.h>

#include "base/compiler.h"
#include "memory_pool.h"

/* A stream and its first error; once there is one, nothing more is written. */
struct text {
    FILE *stream;
    int error;
};

MP_INNER void text_print(struct text *text, const char *format, ...)
    MP_ATTRIBUTE_FORMAT(2, 3);

/* A string between the quotes of a JSON string, or of an OpenMetrics label, or
 * among XML's characters: what is no UTF-8, or may not stand there, becomes
 * U+FFFD. */
MP_INNER void text_put_json(struct text *text, const char *string);
MP_INNER void text_put_label(struct text *text, const char *string);
MP_INNER void text_put_xml(struct text *text, const char *string);

/* There was no memory for what is to be written: that is the first error. */
MP_INNER void text_lack_memory(struct text *text);

/* Flushes the stream: 0, or the number of the first error. */
MP_INNER int text_end(struct text *text);

#endif /* MP_TEXT_H */
