/* SPDX-License-Identifier: MIT
 *
 * limits.h - limits; see README.
 */
#ifndef TARGETS_LIMITS_H
#define TARGETS_LIMITS_H

#include_next <limits.h>

#define PATH_MAX 1024
#define SSIZE_MAX LONG_MAX
#define IOV_MAX 1024
#define PTHREAD_DESTRUCTOR_ITERATIONS 4
#define PTHREAD_STACK_MIN 16384
#ifndef __sun
#define PTHREAD_KEYS_MAX 256
#endif

#endif /* TARGETS_LIMITS_H */
