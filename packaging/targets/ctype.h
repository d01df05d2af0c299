/* SPDX-License-Identifier: MIT
 *
 * ctype.h - characters; see README.
 */
#ifndef TARGETS_CTYPE_H
#define TARGETS_CTYPE_H

int isalnum(int c);
int isalpha(int c);
int isdigit(int c);
int isprint(int c);
int isspace(int c);
int isupper(int c);
int isxdigit(int c);
int tolower(int c);
int toupper(int c);

#endif /* TARGETS_CTYPE_H */
