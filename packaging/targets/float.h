/* SPDX-License-Identifier: MIT
 *
 * float.h - numbers with a point; see README.
 */
#ifndef TARGETS_FLOAT_H
#define TARGETS_FLOAT_H

#include_next <float.h>

#endif /* TARGETS_FLOAT_H */
