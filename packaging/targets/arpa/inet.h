/* SPDX-License-Identifier: MIT
 *
 * inet.h - addresses; see README.
 */
#ifndef TARGETS_ARPA_INET_H
#define TARGETS_ARPA_INET_H

#include <netinet/in.h>

int inet_pton(int family, const char *text, void *to);
const char *inet_ntop(int family, const void *from, char *to, socklen_t size);

#endif /* TARGETS_ARPA_INET_H */
