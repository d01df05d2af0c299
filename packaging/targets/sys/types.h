/* SPDX-License-Identifier: MIT
 *
 * types.h - types; see README.
 */
#ifndef TARGETS_SYS_TYPES_H
#define TARGETS_SYS_TYPES_H

#include "../targets.h"
#include <stdint.h>

typedef int64_t off_t;
typedef long ssize_t;
typedef int pid_t;
typedef unsigned uid_t;
typedef unsigned gid_t;
typedef unsigned mode_t;
typedef uint64_t dev_t;
typedef uint64_t ino_t;
typedef uint64_t nlink_t;
typedef long time_t;
typedef long suseconds_t;
typedef unsigned useconds_t;
typedef int clockid_t;

#endif /* TARGETS_SYS_TYPES_H */
