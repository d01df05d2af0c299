/* SPDX-License-Identifier: MIT
 *
 * socket.h - sockets; see README.
 */
#ifndef TARGETS_SYS_SOCKET_H
#define TARGETS_SYS_SOCKET_H

#include <sys/types.h>

#define AF_INET 2
#define AF_UNIX 1
#define SOCK_STREAM 1
#define SOL_SOCKET 0xffff
#define SO_REUSEADDR 4
#define SO_RCVBUF 0x1002
#define SO_SNDBUF 0x1001
#define SO_RCVTIMEO 0x1006
#define SO_SNDTIMEO 0x1005
#define SO_LINGER 0x80
#define SOMAXCONN 128
#define SHUT_RD 0
#define SHUT_WR 1
#define SHUT_RDWR 2
#define MSG_PEEK 2
#define MSG_NOSIGNAL 0x20000

typedef unsigned socklen_t;
#ifdef __sun
typedef uint16_t sa_family_t;
struct sockaddr {
    sa_family_t sa_family;
    char sa_data[14];
};
#else
typedef unsigned char sa_family_t;
struct sockaddr {
    unsigned char sa_len;
    sa_family_t sa_family;
    char sa_data[14];
};
#endif
struct linger {
    int l_onoff;
    int l_linger;
};

int accept(int file, struct sockaddr *address, socklen_t *size);
int bind(int file, const struct sockaddr *address, socklen_t size);
int connect(int file, const struct sockaddr *address, socklen_t size);
int getsockname(int file, struct sockaddr *address, socklen_t *size);
int setsockopt(int file, int level, int name, const void *value,
               socklen_t size);
int listen(int file, int backlog);
ssize_t recv(int file, void *to, size_t size, int flags);
ssize_t send(int file, const void *from, size_t size, int flags);
int shutdown(int file, int how);
int socket(int family, int type, int protocol);
int socketpair(int family, int type, int protocol, int files[2]);

#endif /* TARGETS_SYS_SOCKET_H */
