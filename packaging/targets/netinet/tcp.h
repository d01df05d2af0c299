/* SPDX-License-Identifier: MIT
 *
 * tcp.h - TCP; see README.
 */
#ifndef TARGETS_NETINET_TCP_H
#define TARGETS_NETINET_TCP_H

#define TCP_NODELAY 1

#endif /* TARGETS_NETINET_TCP_H */
