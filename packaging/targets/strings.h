/* SPDX-License-Identifier: MIT
 *
 * strings.h - strings without case; see README.
 */
#ifndef TARGETS_STRINGS_H
#define TARGETS_STRINGS_H

#include <stddef.h>

int strcasecmp(const char *a, const char *b);
int strncasecmp(const char *a, const char *b, size_t size);

#endif /* TARGETS_STRINGS_H */
