/* SPDX-License-Identifier: MIT
 *
 * fcntl.h - files; see README.
 */
#ifndef TARGETS_FCNTL_H
#define TARGETS_FCNTL_H

#include <sys/types.h>

#define O_RDONLY 0
#define O_WRONLY 1
#define O_RDWR 2
#define O_NONBLOCK 4
#define O_APPEND 8
#define O_NOFOLLOW 0x100
#define O_CREAT 0x200
#define O_TRUNC 0x400
#define O_EXCL 0x800
#define O_DIRECTORY 0x20000
#define O_CLOEXEC 0x100000
#define F_GETFD 1
#define F_SETFD 2
#define F_GETFL 3
#define F_SETFL 4
#define FD_CLOEXEC 1
#define AT_FDCWD (-100)

int fcntl(int file, int command, ...);
int open(const char *path, int flags, ...);
int openat(int directory, const char *path, int flags, ...);

#endif /* TARGETS_FCNTL_H */
