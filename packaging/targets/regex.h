/* SPDX-License-Identifier: MIT
 *
 * regex.h - expressions; see README.
 */
#ifndef TARGETS_REGEX_H
#define TARGETS_REGEX_H

#include <sys/types.h>

#define REG_EXTENDED 1
#define REG_ICASE 2
#define REG_NOSUB 4
#define REG_NEWLINE 8

typedef struct {
    size_t re_nsub;
    void *inner;
} regex_t;
typedef struct {
    off_t rm_so;
    off_t rm_eo;
} regmatch_t;

int regcomp(regex_t *to, const char *pattern, int flags);
int regexec(const regex_t *pattern, const char *text, size_t count,
            regmatch_t matches[], int flags);
void regfree(regex_t *pattern);

#endif /* TARGETS_REGEX_H */
