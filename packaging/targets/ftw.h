/* SPDX-License-Identifier: MIT
 *
 * ftw.h - walks over files; see README.
 */
#ifndef TARGETS_FTW_H
#define TARGETS_FTW_H

#include <sys/stat.h>

#define FTW_PHYS 1
#define FTW_DEPTH 8
#define FTW_F 1

struct FTW {
    int base;
    int level;
};

int nftw(const char *path,
         int (*visit)(const char *, const struct stat *, int, struct FTW *),
         int files, int flags);

#endif /* TARGETS_FTW_H */
