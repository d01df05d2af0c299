/* SPDX-License-Identifier: MIT
 *
 * targets.h - what all of these need; see README.
 */
#ifndef TARGETS_TARGETS_H
#define TARGETS_TARGETS_H

#include <stddef.h>

/* What a program sees that asks for nothing, or for extensions. */
#if (!defined(_POSIX_C_SOURCE) && !defined(_XOPEN_SOURCE)) || \
    defined(__EXTENSIONS__) || defined(_NETBSD_SOURCE) ||   \
    (defined(__BSD_VISIBLE) && __BSD_VISIBLE)
#define TARGETS_EXTENSIONS 1
#else
#define TARGETS_EXTENSIONS 0
#endif

#endif /* TARGETS_TARGETS_H */
