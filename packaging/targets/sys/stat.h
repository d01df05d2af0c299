/* SPDX-License-Identifier: MIT
 *
 * stat.h - what a file is; see README.
 */
#ifndef TARGETS_SYS_STAT_H
#define TARGETS_SYS_STAT_H

#include <sys/types.h>
#include <time.h>

struct stat {
    dev_t st_dev;
    ino_t st_ino;
    mode_t st_mode;
    nlink_t st_nlink;
    off_t st_size;
    struct timespec st_mtim;
    time_t st_mtime;
};

#define S_ISREG(mode) (((mode) & 0170000) == 0100000)
#define S_ISDIR(mode) (((mode) & 0170000) == 0040000)

int chmod(const char *path, mode_t mode);
int fstat(int file, struct stat *status);
int lstat(const char *path, struct stat *status);
int mkdir(const char *path, mode_t mode);
int stat(const char *path, struct stat *status);
mode_t umask(mode_t mask);

#endif /* TARGETS_SYS_STAT_H */
