/* SPDX-License-Identifier: MIT
 *
 * math.h - numbers; see README.
 */
#ifndef TARGETS_MATH_H
#define TARGETS_MATH_H

double fabs(double x);
double floor(double x);
double ceil(double x);
double sqrt(double x);
double pow(double x, double y);
double log(double x);
double exp(double x);
#define isnan(x) __builtin_isnan(x)
#define isinf(x) __builtin_isinf(x)
#define INFINITY __builtin_inff()
#define NAN __builtin_nanf("")

#endif /* TARGETS_MATH_H */
