/* SPDX-License-Identifier: MIT
 *
 * stdlib.h - the general part; see README.
 */
#ifndef TARGETS_STDLIB_H
#define TARGETS_STDLIB_H

#include <sys/types.h>

#define EXIT_SUCCESS 0
#define EXIT_FAILURE 1
#define RAND_MAX 0x7fffffff
#define MB_CUR_MAX 6

typedef struct {
    int quot;
    int rem;
} div_t;

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *at, size_t size);
void free(void *at);
void *aligned_alloc(size_t alignment, size_t size);
int posix_memalign(void **at, size_t alignment, size_t size);
void abort(void) __attribute__((__noreturn__));
int atexit(void (*run)(void));
void exit(int status) __attribute__((__noreturn__));
void _Exit(int status) __attribute__((__noreturn__));
char *getenv(const char *name);
int setenv(const char *name, const char *value, int replace);
int unsetenv(const char *name);
int system(const char *command);
int atoi(const char *text);
long atol(const char *text);
double strtod(const char *text, char **end);
long strtol(const char *text, char **end, int base);
long long strtoll(const char *text, char **end, int base);
unsigned long strtoul(const char *text, char **end, int base);
unsigned long long strtoull(const char *text, char **end, int base);
int rand(void);
void srand(unsigned seed);
long random(void);
void srandom(unsigned seed);
void qsort(void *base, size_t count, size_t size,
           int (*compare)(const void *, const void *));
void *bsearch(const void *key, const void *base, size_t count, size_t size,
              int (*compare)(const void *, const void *));
int abs(int n);
size_t mbstowcs(wchar_t *to, const char *from, size_t size);
int mkstemp(char *name);
char *mkdtemp(char *name);
char *realpath(const char *path, char *resolved);

#endif /* TARGETS_STDLIB_H */
