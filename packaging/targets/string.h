/* SPDX-License-Identifier: MIT
 *
 * string.h - strings; see README.
 */
#ifndef TARGETS_STRING_H
#define TARGETS_STRING_H

#include <stddef.h>

void *memchr(const void *at, int c, size_t size);
int memcmp(const void *a, const void *b, size_t size);
void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *at, int c, size_t size);
char *strcat(char *restrict to, const char *restrict from);
char *strchr(const char *text, int c);
int strcmp(const char *a, const char *b);
char *strcpy(char *restrict to, const char *restrict from);
size_t strcspn(const char *text, const char *set);
char *strdup(const char *text);
char *strerror(int error);
int strerror_r(int error, char *to, size_t size);
size_t strlen(const char *text);
char *strncat(char *restrict to, const char *restrict from, size_t size);
int strncmp(const char *a, const char *b, size_t size);
char *strncpy(char *restrict to, const char *restrict from, size_t size);
char *strndup(const char *text, size_t size);
size_t strnlen(const char *text, size_t size);
char *strpbrk(const char *text, const char *set);
char *strrchr(const char *text, int c);
size_t strspn(const char *text, const char *set);
char *strstr(const char *text, const char *part);
char *strtok(char *text, const char *set);
char *strtok_r(char *text, const char *set, char **rest);
char *strsignal(int number);

#endif /* TARGETS_STRING_H */
