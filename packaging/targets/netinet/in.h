/* SPDX-License-Identifier: MIT
 *
 * in.h - addresses of the internet; see README.
 */
#ifndef TARGETS_NETINET_IN_H
#define TARGETS_NETINET_IN_H

#include <sys/socket.h>

#define IPPROTO_TCP 6
#define INADDR_ANY 0u
#define INADDR_LOOPBACK 0x7f000001u

typedef uint16_t in_port_t;
typedef uint32_t in_addr_t;
struct in_addr {
    in_addr_t s_addr;
};
/* The BSDs have a length here, illumos has none. */
struct sockaddr_in {
#ifndef __sun
    unsigned char sin_len;
    sa_family_t sin_family;
#else
    sa_family_t sin_family;
#endif
    in_port_t sin_port;
    struct in_addr sin_addr;
    char sin_zero[8];
};

uint32_t htonl(uint32_t n);
uint16_t htons(uint16_t n);
uint32_t ntohl(uint32_t n);
uint16_t ntohs(uint16_t n);

#endif /* TARGETS_NETINET_IN_H */
