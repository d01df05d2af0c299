/* SPDX-License-Identifier: MIT
 *
 * httpd_server.h - what httpd's threads share, and how they read and write.
 *
 * Every wait ends with its deadline, and at once when the server ends.  A
 * connection reads ahead into a buffer of its own, and a request gets from
 * there what it is: what is behind it is the next request's.
 */
#ifndef HTTPD_SERVER_H
#define HTTPD_SERVER_H

#include <memory_pool.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "httpd_request.h"

enum {
    HTTPD_SERVER_CONNECTIONS = 256,
    HTTPD_SERVER_THREADS = 64,
    HTTPD_SERVER_INPUT = 4096,      /* read ahead, for a connection */
    HTTPD_SERVER_STATS = 256 * 1024 /* longest page of /stats */
};

/* A connection; an object of the root. */
struct httpd_server_client {
    struct httpd_server_client *next;
    int socket;
    int64_t since; /* idle */
    size_t at, end;
    char input[HTTPD_SERVER_INPUT];
};

/* The server: a process is one, and its signal handler has no argument. */
static struct httpd_server {
    memory_pool_t *root;
    int directory, listener;
    int stop[2]; /* written once, read never: all who wait see it */
    int wake[2]; /* the main thread has something to look at */
    uint16_t port;
    size_t threads, capacity;
    int64_t timeout;

    pthread_mutex_t lock; /* of what follows, up to requests */
    pthread_cond_t filled;
    struct httpd_server_client *ready, **last; /* for the workers */
    struct httpd_server_client *idle;          /* back from them */
    size_t open;
    bool ending;
    uintmax_t requests;

    /* To print a tree of pools, all of them must stay: who destroys one holds
     * it for reading, who prints, for writing. */
    pthread_rwlock_t tree;
    FILE *page;
    char page_text[HTTPD_SERVER_STATS];
} httpd_server = {
    .threads = 4,
    .capacity = 65536,
    .timeout = 10000,
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .filled = PTHREAD_COND_INITIALIZER,
    .last = &httpd_server.ready,
    .tree = PTHREAD_RWLOCK_INITIALIZER,
};

static int64_t httpd_server_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* For a pipe that nobody has to read from: full is as good. */
static void httpd_server_signal(int pipe)
{
    int error = errno;
    ssize_t written = write(pipe, "", 1);

    (void)written;
    errno = error;
}

static void httpd_server_stop(int number)
{
    (void)number;
    httpd_server_signal(httpd_server.stop[1]);
}

/* Waits for the socket.  False: not in time, or the server ends. */
static bool httpd_server_wait(int socket, short what, int64_t until)
{
    struct pollfd set[2] = {{.fd = socket, .events = what},
                            {.fd = httpd_server.stop[0], .events = POLLIN}};
    int found;

    do {
        int64_t left = until - httpd_server_now();
        found = poll(set, 2, left > 0 ? (int)left : 0);
    } while (found < 0 && errno == EINTR);
    errno = ETIMEDOUT;
    return found > 0 && set[1].revents == 0;
}

/* Bytes received; 0 at the end; -1 with errno. */
static ssize_t httpd_server_receive(int socket, void *to, size_t room,
                                    int64_t until)
{
    for (;;) {
        ssize_t count = recv(socket, to, room, 0);
        if (count >= 0) {
            return count;
        }
        if (errno == EAGAIN) {
            if (!httpd_server_wait(socket, POLLIN, until)) {
                return -1;
            }
        } else if (errno != EINTR) {
            return -1;
        }
    }
}

static bool httpd_server_send(int socket, const char *bytes, size_t count)
{
    int64_t until = httpd_server_now() + httpd_server.timeout;

    while (count > 0) {
        ssize_t sent = send(socket, bytes, count, 0);
        if (sent >= 0) {
            bytes += sent;
            count -= (size_t)sent;
        } else if (errno == EAGAIN) {
            if (!httpd_server_wait(socket, POLLOUT, until)) {
                return false;
            }
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

/* Reads ahead, when all that was read is used. */
static ssize_t httpd_server_fill(struct httpd_server_client *client,
                                 int64_t until)
{
    if (client->at < client->end) {
        return (ssize_t)(client->end - client->at);
    }
    ssize_t count = httpd_server_receive(client->socket, client->input,
                                         sizeof client->input, until);
    client->at = 0;
    client->end = count > 0 ? (size_t)count : 0;
    return count;
}

/* The status for a request that ended early; -1: nobody is there to tell. */
static int httpd_server_early(ssize_t received)
{
    return received == 0 ? 400 : errno == ETIMEDOUT ? 408 : -1;
}

/* Reads a head into *text, an object of the scratch pool, up to its empty
 * line; empty lines before it do not count.  0, or as httpd_server_early(). */
static int httpd_server_read_head(struct httpd_server_client *client,
                                  memory_pool_t *scratch, int64_t until,
                                  char **text)
{
    size_t room = 1024, length = 0, line = 0;

    for (*text = mp_allocate(scratch, room); *text != NULL;) {
        ssize_t received = httpd_server_fill(client, until);
        if (received <= 0) {
            return length == 0 ? -1 : httpd_server_early(received);
        }
        const char *from = client->input + client->at;
        const char *newline = memchr(from, '\n', (size_t)received);
        size_t count =
            newline != NULL ? (size_t)(newline - from) + 1 : (size_t)received;
        if (length + count >= httpd_server.capacity) {
            return 431;
        }
        while (length + count >= room) {
            room *= 2;
            *text = mp_realloc(scratch, *text, room);
            if (*text == NULL) {
                return 503;
            }
        }
        memcpy(*text + length, from, count);
        client->at += count;
        length += count;
        if (newline == NULL) {
            continue;
        }
        count = length - line;
        if (count > 2 || (count == 2 && (*text)[line] != '\r')) {
            line = length;
        } else if (line > 0) {
            (*text)[length] = '\0';
            return strlen(*text) == length ? 0 : 400;
        } else {
            length = 0;
        }
    }
    return 503;
}

/* Reads the body; the pool's capacity is what it may be long. */
static int httpd_server_read_body(struct httpd_server_client *client,
                                  struct httpd_request *request,
                                  int64_t until)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

    if (request->length == 0) {
        return 0;
    }
    request->body = mp_allocate(request->pool, request->length);
    if (request->body == NULL) {
        return httpd_request_refused(413);
    }
    size_t done = client->end - client->at;
    if (done > request->length) {
        done = request->length;
    }
    memcpy(request->body, client->input + client->at, done);
    client->at += done;
    if (done == 0 && request->expects &&
        !httpd_server_send(client->socket, go_on, sizeof go_on - 1)) {
        return -1;
    }
    while (done < request->length) {
        ssize_t received =
            httpd_server_receive(client->socket, request->body + done,
                                 request->length - done, until);
        if (received <= 0) {
            return httpd_server_early(received);
        }
        done += (size_t)received;
    }
    return 0;
}

/* Reads a whole request.  The text of its head is gone afterwards, and what
 * the parser made on its way with it. */
static int httpd_server_read(struct httpd_server_client *client,
                             struct httpd_request *request,
                             memory_pool_t *scratch)
{
    int64_t until = httpd_server_now() + httpd_server.timeout;
    mp_mark_t mark = mp_mark(scratch);
    char *head;

    if (mark.number == 0) {
        return 503;
    }
    int status = httpd_server_read_head(client, scratch, until, &head);
    if (status == 0) {
        status = httpd_request_parse(request, head);
    }
    mp_rewind(scratch, mark);
    return status != 0 ? status
                       : httpd_server_read_body(client, request, until);
}

#endif /* HTTPD_SERVER_H */
