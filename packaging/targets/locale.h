/* SPDX-License-Identifier: MIT
 *
 * locale.h - how a program's users write numbers; see README.
 */
#ifndef TARGETS_LOCALE_H
#define TARGETS_LOCALE_H

#define LC_ALL 0

struct lconv {
    char *decimal_point;
};

struct lconv *localeconv(void);
char *setlocale(int category, const char *locale);

#endif /* TARGETS_LOCALE_H */
