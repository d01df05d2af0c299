/* SPDX-License-Identifier: MIT
 *
 * fnmatch.h - names and patterns; see README.
 */
#ifndef TARGETS_FNMATCH_H
#define TARGETS_FNMATCH_H

#define FNM_NOMATCH 1
#define FNM_NOESCAPE 1
#define FNM_PATHNAME 2
#define FNM_PERIOD 4

int fnmatch(const char *pattern, const char *text, int flags);

#endif /* TARGETS_FNMATCH_H */
