/* SPDX-License-Identifier: MIT
 *
 * poll.h - waiting for files; see README.
 */
#ifndef TARGETS_POLL_H
#define TARGETS_POLL_H

#define POLLIN 1
#define POLLOUT 4
#define POLLERR 8
#define POLLHUP 16
#define POLLNVAL 32

typedef unsigned nfds_t;
struct pollfd {
    int fd;
    short events;
    short revents;
};

int poll(struct pollfd *files, nfds_t count, int timeout);

#endif /* TARGETS_POLL_H */
