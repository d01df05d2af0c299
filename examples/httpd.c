/* SPDX-License-Identifier: MIT
 *
 * httpd.c - a small HTTP/1.1 server, with each request in a pool of its own.
 *
 *     httpd [--port PORT] [--threads N] [--capacity BYTES]
 *           [--timeout SECONDS] DIRECTORY
 *
 * serves the files below DIRECTORY on 127.0.0.1, to GET and HEAD, and
 *
 *     /stats    what the pools hold now; /stats?json for machines,
 *               /stats?metrics for Prometheus
 *     /echo     GET: the request as it was understood; POST: its body
 *     /quit     POST: ends the server, as SIGINT and SIGTERM do
 *
 * It prints its address first; port 0, the default, is any that is free.
 *
 * One pool is the root; it holds the open connections.  Below it each worker
 * has a pool to read heads in, marked before each and rewound behind it, and
 * each request has a pool with a capacity.  A request that wants more, by its
 * headers or its body, gets 431 or 413; its pool is rewound before that, so
 * the answer has room.  The file that is sent is closed by a cleanup.  When
 * the request is done its pool is destroyed, and there is no other code that
 * frees anything of it.  At the end the root must be empty: the program
 * prints what is left, and fails if anything is.
 *
 * The main thread waits for connections with something to read, and hands
 * them to N workers (4).  A worker stays with a client until the request is
 * read and answered, so N slow clients hold up all others for the timeout
 * (10 s).  There are no ranges, no chunked bodies, no TLS; symbolic links are
 * not followed.  It is an example, not for the open network.
 */
#include <memory_pool.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "httpd_answer.h"
#include "httpd_request.h"
#include "httpd_server.h"

enum { HTTPD_LINGER = 1 << 20 }; /* bytes dropped at a connection's end */

/* Bytes that a client still sends would turn its connection's end into an
 * error, and it might never see the answer: they are read for a while. */
static void httpd_linger(const struct httpd_server_client *client)
{
    int64_t until = httpd_server_now() + 1000;
    char dropped[HTTPD_SERVER_INPUT];
    ssize_t count;
    size_t all = 0;

    shutdown(client->socket, SHUT_WR);
    do {
        count = httpd_server_receive(client->socket, dropped, sizeof dropped,
                                     until);
        all += count > 0 ? (size_t)count : 0;
    } while (count > 0 && all < HTTPD_LINGER);
}

static void httpd_close(struct httpd_server_client *client)
{
    close(client->socket);
    free_memory(httpd_server.root, client);
    pthread_mutex_lock(&httpd_server.lock);
    httpd_server.open--;
    pthread_mutex_unlock(&httpd_server.lock);
    httpd_server_signal(httpd_server.wake[1]);
}

/* A pool's end, which waits while somebody prints all pools. */
static void httpd_destroy(memory_pool_t *pool)
{
    pthread_rwlock_rdlock(&httpd_server.tree);
    destroy_memory_pool(pool);
    pthread_rwlock_unlock(&httpd_server.tree);
}

/* A request in a pool of its own; NULL: no memory. */
static struct httpd_request *httpd_new_request(void)
{
    const mp_options_t options = {.capacity = httpd_server.capacity,
                                  .parent = httpd_server.root,
                                  .name = "request"};
    memory_pool_t *pool = mp_create(&options);
    struct httpd_request *request =
        pool != NULL ? mp_calloc(pool, 1, sizeof *request) : NULL;

    if (request != NULL) {
        request->pool = pool;
        request->file = -1;
        request->last = &request->headers;
        request->mark = mp_mark(pool);
        if (request->mark.number != 0) {
            return request;
        }
    }
    if (pool != NULL) {
        httpd_destroy(pool);
    }
    return NULL;
}

/* One request and its answer, if there is one.  False: the connection
 * ends. */
static bool httpd_serve(struct httpd_server_client *client,
                        memory_pool_t *scratch, uintmax_t *requests)
{
    if (httpd_server_fill(client,
                          httpd_server_now() + httpd_server.timeout) <= 0) {
        return false;
    }
    struct httpd_request *request = httpd_new_request();
    ++*requests;
    if (request == NULL) {
        return httpd_answer_begin(client, NULL, 503, "", 0);
    }
    int status = httpd_server_read(client, request, scratch);
    if (status != 0) {
        request->keep = false;
    } else {
        status = httpd_answer_route(client, request);
    }
    bool keep = request->keep && status >= 0;
    if (status > 0) {
        keep = httpd_answer_refuse(client, request, status) && keep;
    }
    httpd_destroy(request->pool);
    return keep;
}

/* The next connection with something to read; NULL: the server ends. */
static struct httpd_server_client *httpd_take(void)
{
    pthread_mutex_lock(&httpd_server.lock);
    while (httpd_server.ready == NULL && !httpd_server.ending) {
        pthread_cond_wait(&httpd_server.filled, &httpd_server.lock);
    }
    struct httpd_server_client *client = httpd_server.ready;
    if (client != NULL) {
        httpd_server.ready = client->next;
        if (client->next == NULL) {
            httpd_server.last = &httpd_server.ready;
        }
    }
    pthread_mutex_unlock(&httpd_server.lock);
    return client;
}

/* A worker.  Its own pool is empty between two requests. */
static void *httpd_work(void *arg)
{
    const mp_options_t options = {.parent = httpd_server.root,
                                  .name = "worker"};
    memory_pool_t *scratch = mp_create(&options);
    struct httpd_server_client *client;
    uintmax_t requests = 0;

    if (scratch == NULL) {
        perror("httpd: mp_create");
        httpd_server_stop(0);
    }
    while (scratch != NULL && (client = httpd_take()) != NULL) {
        bool keep;
        do {
            keep = httpd_serve(client, scratch, &requests);
        } while (keep && client->at < client->end);
        if (!keep) {
            httpd_linger(client);
            httpd_close(client);
            continue;
        }
        client->since = httpd_server_now();
        pthread_mutex_lock(&httpd_server.lock);
        client->next = httpd_server.idle;
        httpd_server.idle = client;
        pthread_mutex_unlock(&httpd_server.lock);
        httpd_server_signal(httpd_server.wake[1]);
    }
    if (scratch != NULL) {
        httpd_destroy(scratch);
    }
    pthread_mutex_lock(&httpd_server.lock);
    httpd_server.requests += requests;
    pthread_mutex_unlock(&httpd_server.lock);
    return arg;
}

static void httpd_ready(struct httpd_server_client *client)
{
    client->next = NULL;
    pthread_mutex_lock(&httpd_server.lock);
    *httpd_server.last = client;
    httpd_server.last = &client->next;
    pthread_cond_signal(&httpd_server.filled);
    pthread_mutex_unlock(&httpd_server.lock);
}

static bool httpd_no_wait(int descriptor)
{
    return fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0 &&
           fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0;
}

/* Takes one new connection; NULL: there is none, or no room for it.  Where
 * no more files can be open, *again says when to ask again. */
static struct httpd_server_client *httpd_accept(int64_t *again)
{
    int one = 1;
    int socket = accept(httpd_server.listener, NULL, NULL);

    if (socket < 0) {
        if (errno == EMFILE || errno == ENFILE) {
            *again = httpd_server_now() + 100;
        }
        return NULL;
    }
    struct httpd_server_client *client =
        mp_allocate(httpd_server.root, sizeof *client);
    if (client == NULL || !httpd_no_wait(socket)) {
        close(socket);
        free_memory(httpd_server.root, client);
        return NULL;
    }
    /* Head and body go one after the other: no waiting in between. */
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    client->socket = socket;
    client->at = 0;
    client->end = 0;
    client->since = httpd_server_now();
    pthread_mutex_lock(&httpd_server.lock);
    httpd_server.open++;
    pthread_mutex_unlock(&httpd_server.lock);
    return client;
}

/* Adds what the workers gave back to the idle ones; their number.  *room is
 * whether there may be one more. */
static size_t httpd_collect(struct httpd_server_client **idle, size_t count,
                            bool *room)
{
    pthread_mutex_lock(&httpd_server.lock);
    while (httpd_server.idle != NULL) {
        idle[count++] = httpd_server.idle;
        httpd_server.idle = httpd_server.idle->next;
    }
    *room = httpd_server.open < HTTPD_SERVER_CONNECTIONS;
    pthread_mutex_unlock(&httpd_server.lock);
    return count;
}

/* The main thread's work, until somebody stops the server: hands connections
 * to the workers and closes those that are silent for too long. */
static size_t httpd_listen(struct httpd_server_client **idle)
{
    struct pollfd set[3 + HTTPD_SERVER_CONNECTIONS] = {
        {.fd = httpd_server.stop[0], .events = POLLIN},
        {.fd = httpd_server.wake[0], .events = POLLIN},
        {.events = POLLIN}};
    size_t count = 0;
    int64_t again = 0;
    char drained[64];
    bool room;

    for (;;) {
        count = httpd_collect(idle, count, &room);
        bool later = httpd_server_now() < again;
        set[2].fd = room && !later ? httpd_server.listener : -1;
        for (size_t i = 0; i < count; i++) {
            set[3 + i] = (struct pollfd){.fd = idle[i]->socket,
                                         .events = POLLIN};
        }
        int wait = later ? 100 : count > 0 ? 500 : -1;
        if (poll(set, (nfds_t)(3 + count), wait) < 0) {
            continue; /* a signal */
        }
        if (set[0].revents != 0) {
            return count;
        }
        if (set[1].revents != 0) {
            while (read(httpd_server.wake[0], drained, sizeof drained) > 0) {
            }
        }
        int64_t limit = httpd_server_now() - httpd_server.timeout;
        size_t kept = 0;
        for (size_t i = 0; i < count; i++) {
            if (set[3 + i].revents != 0) {
                httpd_ready(idle[i]);
            } else if (idle[i]->since < limit) {
                httpd_close(idle[i]);
            } else {
                idle[kept++] = idle[i];
            }
        }
        count = kept;
        if (set[2].fd >= 0 && set[2].revents != 0) {
            idle[count] = httpd_accept(&again);
            count += idle[count] != NULL;
        }
    }
}

/* Starts the workers, listens, and ends everything but the root. */
static bool httpd_run(void)
{
    struct httpd_server_client *idle[HTTPD_SERVER_CONNECTIONS + 1];
    pthread_t threads[HTTPD_SERVER_THREADS];
    size_t started = 0, count = 0;
    bool room;

    while (started < httpd_server.threads &&
           pthread_create(&threads[started], NULL, httpd_work, NULL) == 0) {
        started++;
    }
    if (started == httpd_server.threads) {
        count = httpd_listen(idle);
    } else {
        fputs("httpd: no more threads\n", stderr);
    }
    pthread_mutex_lock(&httpd_server.lock);
    httpd_server.ending = true;
    pthread_cond_broadcast(&httpd_server.filled);
    pthread_mutex_unlock(&httpd_server.lock);
    for (size_t i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
    }
    count = httpd_collect(idle, count, &room);
    while (count > 0) {
        httpd_close(idle[--count]);
    }
    return started == httpd_server.threads;
}

static bool httpd_failed(const char *what)
{
    fprintf(stderr, "httpd: %s: %s\n", what, strerror(errno));
    return false;
}

/* Opens all that the server needs besides memory. */
static bool httpd_open(const char *directory)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(httpd_server.port)};
    socklen_t length = sizeof address;
    struct sigaction stop = {.sa_handler = httpd_server_stop};
    int one = 1;

    httpd_server.directory =
        open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (httpd_server.directory < 0) {
        return httpd_failed(directory);
    }
    if (pipe(httpd_server.stop) != 0 || pipe(httpd_server.wake) != 0 ||
        !httpd_no_wait(httpd_server.stop[1]) ||
        !httpd_no_wait(httpd_server.wake[0]) ||
        !httpd_no_wait(httpd_server.wake[1])) {
        return httpd_failed("pipe");
    }
    httpd_server.page =
        fmemopen(httpd_server.page_text, sizeof httpd_server.page_text, "w");
    if (httpd_server.page == NULL) {
        return httpd_failed("fmemopen");
    }
    signal(SIGPIPE, SIG_IGN);
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    httpd_server.listener = socket(AF_INET, SOCK_STREAM, 0);
    if (httpd_server.listener < 0 ||
        setsockopt(httpd_server.listener, SOL_SOCKET, SO_REUSEADDR, &one,
                   sizeof one) != 0 ||
        bind(httpd_server.listener, (struct sockaddr *)&address, length) !=
            0 ||
        listen(httpd_server.listener, SOMAXCONN) != 0 ||
        !httpd_no_wait(httpd_server.listener) ||
        getsockname(httpd_server.listener, (struct sockaddr *)&address,
                    &length) != 0) {
        return httpd_failed("socket");
    }
    printf("httpd: http://127.0.0.1:%u/\n", ntohs(address.sin_port));
    return fflush(stdout) == 0 || httpd_failed("standard output");
}

/* What is left in the root; true where that is nothing. */
static bool httpd_left(void)
{
    mp_stats_t stats;

    if (mp_stats_print(httpd_server.root, stdout, MP_TEXT) != 0 ||
        mp_stats(httpd_server.root, &stats) != 0 ||
        mp_check(httpd_server.root) != 0) {
        return httpd_failed("statistics");
    }
    printf("httpd: %ju requests, %zu objects and %zu pools left\n"
           "httpd: %zu bytes of blocks\n",
           httpd_server.requests, stats.live_objects, stats.children,
           stats.backing_bytes);
    return stats.live_objects == 0 && stats.children == 0;
}

static bool httpd_number(const char *text, unsigned long least,
                         unsigned long most, unsigned long *number)
{
    char *end = NULL;

    errno = 0;
    *number = text != NULL ? strtoul(text, &end, 10) : 0;
    return text != NULL && text[0] >= '0' && text[0] <= '9' &&
           *end == '\0' && errno == 0 && *number >= least &&
           *number <= most;
}

static const char *httpd_arguments(char **argv)
{
    char **arg = argv + 1;
    unsigned long number;

    for (; *arg != NULL && (*arg)[0] == '-'; arg += 2) {
        if (strcmp(*arg, "--port") == 0 &&
            httpd_number(arg[1], 0, UINT16_MAX, &number)) {
            httpd_server.port = (uint16_t)number;
        } else if (strcmp(*arg, "--threads") == 0 &&
                   httpd_number(arg[1], 1, HTTPD_SERVER_THREADS, &number)) {
            httpd_server.threads = (size_t)number;
        } else if (strcmp(*arg, "--capacity") == 0 &&
                   httpd_number(arg[1], 4096, 1UL << 30, &number)) {
            httpd_server.capacity = (size_t)number;
        } else if (strcmp(*arg, "--timeout") == 0 &&
                   httpd_number(arg[1], 1, 3600, &number)) {
            httpd_server.timeout = (int64_t)number * 1000;
        } else {
            return NULL;
        }
    }
    return *arg != NULL && arg[1] == NULL ? *arg : NULL;
}

int main(int argc, char **argv)
{
    const mp_options_t options = {.name = "httpd"};
    const char *directory = argc > 1 ? httpd_arguments(argv) : NULL;

    if (directory == NULL) {
        fputs("usage: httpd [--port PORT] [--threads N] [--capacity BYTES]"
              " [--timeout SECONDS]\n             DIRECTORY\n", stderr);
        return 2;
    }
    httpd_server.root = mp_create(&options);
    if (httpd_server.root == NULL) {
        perror("httpd: mp_create");
        return 1;
    }
    bool done = httpd_open(directory) && httpd_run();
    done = httpd_left() && done;
    destroy_memory_pool(httpd_server.root);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        done = httpd_failed("standard output");
    }
    return done ? 0 : 1;
}
