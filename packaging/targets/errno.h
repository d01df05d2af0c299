/* SPDX-License-Identifier: MIT
 *
 * errno.h - errors; see README.
 */
#ifndef TARGETS_ERRNO_H
#define TARGETS_ERRNO_H

int *targets_errno(void);
#define errno (*targets_errno())

#define EPERM 1
#define ENOENT 2
#define ESRCH 3
#define EINTR 4
#define EIO 5
#define ENXIO 6
#define EBADF 9
#define ECHILD 10
#define ENOMEM 12
#define EACCES 13
#define EFAULT 14
#define EBUSY 16
#define EEXIST 17
#define ENOTDIR 20
#define EISDIR 21
#define EINVAL 22
#define ENFILE 23
#define EMFILE 24
#define EFBIG 27
#define ENOSPC 28
#define EPIPE 32
#define EDOM 33
#define ERANGE 34
#define EAGAIN 35
#define EWOULDBLOCK EAGAIN
#define ENAMETOOLONG 36
#define ENOTSUP 45
#define ENOBUFS 55
#define ETIMEDOUT 60
#define ECONNRESET 61
#define ELOOP 62
#define ENOSYS 78
#define EOVERFLOW 79
#define ECANCELED 80
#define EDEADLK 81
#define EOWNERDEAD 94
#define ENOTRECOVERABLE 95
#define EILSEQ 88

#endif /* TARGETS_ERRNO_H */
