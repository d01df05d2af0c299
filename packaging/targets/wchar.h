/* SPDX-License-Identifier: MIT
 *
 * wchar.h - wide characters; see README.
 */
#ifndef TARGETS_WCHAR_H
#define TARGETS_WCHAR_H

#include <stddef.h>

typedef int wint_t;

size_t wcslen(const wchar_t *text);

#endif /* TARGETS_WCHAR_H */
