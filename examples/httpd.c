/* SPDX-License-Identifier: MIT
 *
 * httpd.c - a small HTTP server, with each request in a pool of its own.
 *
 *     httpd [--port PORT] [--threads N] [--limit BYTES] [--capacity BYTES]
 *           [--timeout SECONDS] DIRECTORY
 *
 * serves the files below DIRECTORY on 127.0.0.1, and
 *
 *     /stats        what the pools hold now; /stats.json for machines
 *     /metrics      the same for Prometheus
 *     /map          a picture of the pool with the log
 *     POST /echo    sends the body back
 *     POST /quit    ends the server, as SIGINT and SIGTERM do
 *
 * It prints its address first; port 0, the default, is any that is free.
 *
 * The pool at the top is the server's limit: all pools below it together hold
 * no more than --limit bytes.  One child holds the log, which is the lines of
 * the last requests; any thread frees the line that another has made.  Each
 * request has a child with a limit of its own.  A body that does not fit there
 * gets 413, and one for which only the server has no room gets 503.  All that
 * such a request has allocated goes at once, by a mark, and so there is room
 * for the answer.  Cleanups close the file that is sent, and free what is not
 * a pool's.  When the request is done its pool is destroyed: there is no other
 * code that frees anything of it.  At the end the pool at the top must be
 * empty.  The program prints what is left, and fails if anything is.
 *
 * What it cannot do: keep the connections in a pool.  libmicrohttpd speaks
 * HTTP here, and takes no allocator.  A body must have a Content-Length.
 */
#include <memory_pool.h>

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    HTTPD_LINES = 64,       /* of the log */
    HTTPD_PIECE = 16384,    /* of a file, read at once */
    HTTPD_DROPPED = 1 << 20 /* bytes of a refused body that are read */
};

/* What the threads share. */
static struct httpd {
    memory_pool_t *top;
    memory_pool_t *log;
    size_t capacity;
    int directory;
    pthread_mutex_t lock; /* of the next two */
    uintmax_t requests;
    char *lines[HTTPD_LINES];
    /* To print a tree of pools, all of them must stay: who destroys one holds
     * this for reading, who prints, for writing. */
    pthread_rwlock_t tree;
} httpd = {
    .capacity = 65536,
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .tree = PTHREAD_RWLOCK_INITIALIZER,
};

struct httpd_request {
    memory_pool_t *pool; /* which this structure is in, too */
    char *line;          /* for the log */
    mp_mark_t mark;      /* made before all that is below */
    char *body;
    size_t length; /* of the body, as announced */
    size_t got;    /* of the body so far */
    int file;      /* that is sent; -1: none */
    unsigned refused; /* the status to refuse the request with; 0: none */
    bool ends;        /* the server */
};

/* Takes the line over, and frees the one that is there in its place. */
static void httpd_log(char *line)
{
    pthread_mutex_lock(&httpd.lock);
    char **place = &httpd.lines[httpd.requests++ % HTTPD_LINES];
    char *old = *place;
    *place = line;
    pthread_mutex_unlock(&httpd.lock);
    mp_free(httpd.log, old);
}

/* A pool's end, which waits while somebody prints all pools. */
static void httpd_destroy(memory_pool_t *pool)
{
    pthread_rwlock_rdlock(&httpd.tree);
    mp_destroy(pool);
    pthread_rwlock_unlock(&httpd.tree);
}

/* A request in a pool of its own; NULL: the server has no memory for it. */
static struct httpd_request *httpd_begin(const char *method, const char *url)
{
    const mp_options_t options = {.capacity = httpd.capacity,
                                  .parent = httpd.top,
                                  .name = "request"};
    memory_pool_t *pool = mp_create(&options);
    struct httpd_request *request =
        pool != NULL ? mp_calloc(pool, 1, sizeof *request) : NULL;

    if (request != NULL) {
        request->pool = pool;
        request->file = -1;
        request->line = mp_asprintf(pool, "%.8s %.80s", method, url);
        request->mark = mp_mark(pool);
        if (request->line != NULL && !MP_MARK_FAILED(request->mark)) {
            return request;
        }
    }
    if (pool != NULL) {
        httpd_destroy(pool);
    }
    return NULL;
}

/* Makes room for the body, if there is one.  0, or the status: 413 if it is
 * the request's own pool that is too small, and 503 if the server is full. */
static unsigned httpd_expect(struct httpd_request *request,
                             struct MHD_Connection *connection)
{
    const char *length = MHD_lookup_connection_value(
        connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    mp_stats_t stats;

    if (MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
                                    MHD_HTTP_HEADER_TRANSFER_ENCODING)) {
        return 411;
    }
    /* libmicrohttpd has refused what is no number. */
    request->length = length != NULL ? strtoull(length, NULL, 10) : 0;
    if (request->length == 0) {
        return 0;
    }
    request->body = mp_allocate(request->pool, request->length);
    if (request->body != NULL) {
        return 0;
    }
    return mp_stats(request->pool, &stats) == 0 &&
                   request->length > stats.capacity_free
               ? 413
               : 503;
}

/* Takes a piece of the body.  That of a refused request is dropped, so that
 * its client, which sends before it reads, sees the answer.  False: enough. */
static bool httpd_receive(struct httpd_request *request, const char *piece,
                          size_t *count)
{
    bool more = true;

    if (request->refused == 0) {
        memcpy(request->body + request->got, piece, *count);
    } else {
        more = request->got < HTTPD_DROPPED;
    }
    request->got += *count;
    *count = 0;
    return more;
}

/* Queues an answer; one that could not be made ends the connection. */
static enum MHD_Result httpd_queue(struct MHD_Connection *connection,
                                   unsigned status, const char *type,
                                   struct MHD_Response *response)
{
    if (response == NULL) {
        return MHD_NO;
    }
    enum MHD_Result result =
        MHD_add_response_header(response, "Content-Type", type);
    if (result == MHD_YES && status == 405) {
        result = MHD_add_response_header(response, "Allow",
                                         "GET, HEAD, POST");
    }
    if (result == MHD_YES) {
        result = MHD_queue_response(connection, status, response);
    }
    MHD_destroy_response(response);
    return result;
}

/* Answers with bytes that stay until the request's pool is destroyed. */
static enum MHD_Result httpd_say(struct MHD_Connection *connection,
                                 unsigned status, const char *type,
                                 char *bytes, size_t count)
{
    return httpd_queue(connection, status, type,
                       MHD_create_response_from_buffer(
                           count, bytes, MHD_RESPMEM_PERSISTENT));
}

/* All that the request allocated goes; then there is room to say why. */
static enum MHD_Result httpd_refuse(struct httpd_request *request,
                                    struct MHD_Connection *connection,
                                    unsigned status)
{
    mp_rewind(request->pool, request->mark);
    request->body = NULL;
    char *text = mp_asprintf(request->pool, "%u %s\n", status,
                             MHD_get_reason_phrase_for(status));
    return text != NULL ? httpd_say(connection, status, "text/plain", text,
                                    strlen(text))
                        : MHD_NO;
}

/* Opens what the path names, one name after the other, so that neither a link
 * nor ".." leads out of the directory; of a directory its index.html.  -1 with
 * errno. */
static int httpd_open(const char *path)
{
    int at = dup(httpd.directory);
    bool last = false;

    while (at >= 0 && !last) {
        char name[256];
        struct stat about;
        path += strspn(path, "/");
        size_t length = strcspn(path, "/");
        if (length == 0) {
            if (fstat(at, &about) != 0 || !S_ISDIR(about.st_mode)) {
                break;
            }
            path = "index.html";
            length = strlen(path);
            last = true;
        }
        /* No file has an empty name. */
        snprintf(name, sizeof name, "%.*s",
                 length < sizeof name ? (int)length : 0, path);
        path += length;
        int below = strcmp(name, "..") == 0
                        ? -1
                        : openat(at, name,
                                 O_RDONLY | O_NOFOLLOW | O_CLOEXEC |
                                     O_NONBLOCK |
                                     (*path == '/' ? O_DIRECTORY : 0));
        int error = errno;
        close(at);
        errno = error;
        at = below;
    }
    return at;
}

static void httpd_close(void *argument)
{
    struct httpd_request *request = argument;

    if (request->file >= 0) {
        close(request->file);
    }
}

static ssize_t httpd_read(void *argument, uint64_t at, char *to, size_t room)
{
    struct httpd_request *request = argument;
    ssize_t count = pread(request->file, to, room, (off_t)at);

    /* A file that became shorter ends the connection: its length was told. */
    return count > 0 ? count : MHD_CONTENT_READER_END_WITH_ERROR;
}

static const char *httpd_type(const char *path)
{
    static const char *const types[][2] = {
        {".html", "text/html; charset=utf-8"},
        {".txt", "text/plain; charset=utf-8"},
        {".css", "text/css"},
        {".js", "text/javascript"},
        {".json", "application/json"},
        {".svg", "image/svg+xml"}};
    const char *end = strrchr(path, '.');

    if (path[strlen(path) - 1] == '/') {
        return types[0][1];
    }
    for (size_t i = 0; end != NULL && i < sizeof types / sizeof types[0];
         i++) {
        if (strcasecmp(end, types[i][0]) == 0) {
            return types[i][1];
        }
    }
    return "application/octet-stream";
}

static enum MHD_Result httpd_file(struct httpd_request *request,
                                  struct MHD_Connection *connection,
                                  const char *url)
{
    struct stat about;

    if (mp_add_mark_cleanup(request->pool, request->mark, httpd_close,
                            request) != 0) {
        return httpd_refuse(request, connection, 503);
    }
    request->file = httpd_open(url);
    if (request->file < 0 || fstat(request->file, &about) != 0 ||
        !S_ISREG(about.st_mode)) {
        bool many = request->file < 0 && (errno == EMFILE || errno == ENFILE);
        return httpd_refuse(request, connection, many ? 503 : 404);
    }
    return httpd_queue(connection, 200, httpd_type(url),
                       MHD_create_response_from_callback(
                           (uint64_t)about.st_size, HTTPD_PIECE, httpd_read,
                           request, NULL));
}

/* The pages that the library prints.  The C library allocates their text, and
 * a cleanup frees it. */
static const struct httpd_page {
    const char *path;
    const char *type;
    mp_format_t format;
    bool map; /* and no statistics */
} httpd_pages[] = {
    {"/stats", "text/plain; charset=utf-8", MP_TEXT, false},
    {"/stats.json", "application/json", MP_JSON, false},
    {"/metrics",
     "application/openmetrics-text; version=1.0.0; charset=utf-8",
     MP_OPENMETRICS, false},
    {"/map", "image/svg+xml", MP_TEXT, true},
};

static enum MHD_Result httpd_print(struct httpd_request *request,
                                   struct MHD_Connection *connection,
                                   const struct httpd_page *page)
{
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    bool done = stream != NULL;

    if (done && page->map) {
        done = mp_map(httpd.log, stream) == 0;
    } else if (done) {
        pthread_rwlock_wrlock(&httpd.tree);
        done = mp_stats_print(httpd.top, stream, page->format) == 0;
        pthread_rwlock_unlock(&httpd.tree);
    }
    done = stream != NULL && fclose(stream) == 0 && done;
    if (!done || mp_add_mark_cleanup(request->pool, request->mark, free,
                                     text) != 0) {
        free(text);
        return httpd_refuse(request, connection, 503);
    }
    return httpd_say(connection, 200, page->type, text, length);
}

/* Sends the body back. */
static enum MHD_Result httpd_echo(struct httpd_request *request,
                                  struct MHD_Connection *connection)
{
    const char *type = MHD_lookup_connection_value(
        connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_TYPE);

    return httpd_say(connection, 200,
                     type != NULL ? type : "application/octet-stream",
                     request->body, request->length);
}

/* Answers a request that is there as a whole. */
static enum MHD_Result httpd_answer(struct httpd_request *request,
                                    struct MHD_Connection *connection,
                                    const char *method, const char *url)
{
    static char bye[] = "The server ends.\n";
    bool post = strcmp(method, "POST") == 0;
    bool get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    bool echo = strcmp(url, "/echo") == 0;
    bool quit = strcmp(url, "/quit") == 0;

    if (echo || quit ? !post : !get) {
        return httpd_refuse(request, connection, 405);
    }
    if (echo) {
        return httpd_echo(request, connection);
    }
    if (quit) {
        request->ends = true;
        return httpd_say(connection, 200, "text/plain", bye, sizeof bye - 1);
    }
    for (size_t i = 0; i < sizeof httpd_pages / sizeof httpd_pages[0]; i++) {
        if (strcmp(url, httpd_pages[i].path) == 0) {
            return httpd_print(request, connection, &httpd_pages[i]);
        }
    }
    return httpd_file(request, connection, url);
}

/* libmicrohttpd calls this when a head is there, then for each piece of the
 * body, and then once more, always in the same thread. */
static enum MHD_Result httpd_handle(void *unused,
                                    struct MHD_Connection *connection,
                                    const char *url, const char *method,
                                    const char *version, const char *piece,
                                    size_t *count, void **argument)
{
    struct httpd_request *request = *argument;

    (void)unused;
    (void)version;
    if (request == NULL) {
        static char full[] = "503 Service Unavailable\n";
        *argument = request = httpd_begin(method, url);
        if (request == NULL) {
            return httpd_say(connection, 503, "text/plain", full,
                             sizeof full - 1);
        }
        request->refused = httpd_expect(request, connection);
        bool now = request->length > HTTPD_DROPPED ||
                   MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
                                               MHD_HTTP_HEADER_EXPECT);
        return request->refused != 0 && now
                   ? httpd_refuse(request, connection, request->refused)
                   : MHD_YES;
    }
    if (*count > 0) {
        return httpd_receive(request, piece, count) ? MHD_YES : MHD_NO;
    }
    return request->refused != 0
               ? httpd_refuse(request, connection, request->refused)
               : httpd_answer(request, connection, method, url);
}

/* The end of a request, whether it was answered or not. */
static void httpd_done(void *unused, struct MHD_Connection *connection,
                       void **argument, enum MHD_RequestTerminationCode why)
{
    struct httpd_request *request = *argument;

    (void)unused;
    (void)connection;
    (void)why;
    if (request != NULL) {
        bool ends = request->ends;
        httpd_log(mp_strdup(httpd.log, request->line));
        httpd_destroy(request->pool);
        *argument = NULL;
        if (ends) {
            kill(getpid(), SIGTERM);
        }
    }
}

static bool httpd_failed(const char *what)
{
    fprintf(stderr, "httpd: %s: %s\n", what, strerror(errno));
    return false;
}

/* Serves until a signal comes. */
static bool httpd_run(uint16_t port, unsigned threads, unsigned timeout)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    sigset_t signals;
    int number;

    /* The threads inherit what is blocked here, so sigwait() has them. */
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_AUTO_INTERNAL_THREAD, port, NULL, NULL, httpd_handle, NULL,
        MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_THREAD_POOL_SIZE, threads,
        MHD_OPTION_CONNECTION_TIMEOUT, timeout, MHD_OPTION_NOTIFY_COMPLETED,
        httpd_done, NULL, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        daemon != NULL
            ? MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)
            : NULL;
    if (info == NULL) {
        return httpd_failed("cannot listen");
    }
    printf("httpd: http://127.0.0.1:%u/\n", (unsigned)info->port);
    bool told = fflush(stdout) == 0;
    if (told) {
        sigwait(&signals, &number);
    }
    MHD_stop_daemon(daemon);
    return told || httpd_failed("standard output");
}

/* What is left in the pool at the top; true where that is nothing. */
static bool httpd_left(void)
{
    mp_stats_t stats;

    if (mp_stats_print(httpd.top, stdout, MP_TEXT) != 0 ||
        mp_stats(httpd.top, &stats) != 0 || mp_check(httpd.top) != 0) {
        return httpd_failed("statistics");
    }
    printf("httpd: %ju requests, %zu objects and %zu pools left\n"
           "httpd: %zu bytes free of %zu\n",
           httpd.requests, stats.live_objects, stats.children,
           stats.capacity_free, stats.capacity);
    return stats.live_objects == 0 && stats.children == 0 &&
           stats.capacity_free == stats.capacity;
}

/* The options, with their limits and what they are if nobody says so. */
enum { HTTPD_PORT, HTTPD_THREADS, HTTPD_LIMIT, HTTPD_CAPACITY, HTTPD_TIMEOUT };
static struct httpd_option {
    const char *name;
    unsigned long least, most, value;
} httpd_options[] = {
    [HTTPD_PORT] = {"--port", 0, UINT16_MAX, 0},
    [HTTPD_THREADS] = {"--threads", 2, 64, 4},
    [HTTPD_LIMIT] = {"--limit", 65536, 1UL << 30, 1UL << 23},
    [HTTPD_CAPACITY] = {"--capacity", 4096, 1UL << 30, 65536},
    [HTTPD_TIMEOUT] = {"--timeout", 1, 3600, 10},
};

/* The directory; NULL: the arguments are wrong. */
static const char *httpd_arguments(char **arg)
{
    for (; *arg != NULL && (*arg)[0] == '-'; arg += 2) {
        struct httpd_option *option = httpd_options;
        char *end = arg[1];
        while (strcmp(*arg, option->name) != 0) {
            if (option++ == &httpd_options[HTTPD_TIMEOUT]) {
                return NULL;
            }
        }
        option->value = end != NULL ? strtoul(arg[1], &end, 10) : 0;
        if (end == arg[1] || *end != '\0' || arg[1][0] == '-' ||
            option->value < option->least || option->value > option->most) {
            return NULL;
        }
    }
    return *arg != NULL && arg[1] == NULL ? *arg : NULL;
}

int main(int argc, char **argv)
{
    const char *directory = argc > 1 ? httpd_arguments(argv + 1) : NULL;

    if (directory == NULL) {
        fputs("usage: httpd [--port PORT] [--threads N] [--limit BYTES]\n"
              "             [--capacity BYTES] [--timeout SECONDS]"
              " DIRECTORY\n", stderr);
        return 2;
    }
    const mp_options_t options = {.name = "httpd",
                                  .capacity =
                                      httpd_options[HTTPD_LIMIT].value};
    httpd.capacity = httpd_options[HTTPD_CAPACITY].value;
    httpd.directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    httpd.top = mp_create(&options);
    if (httpd.top != NULL) {
        httpd.log = mp_create(&(mp_options_t){.name = "log",
                                              .parent = httpd.top});
    }
    bool done = httpd.directory >= 0 || httpd_failed(directory);
    if (httpd.log == NULL) {
        done = httpd_failed("mp_create");
    }
    done = done && httpd_run((uint16_t)httpd_options[HTTPD_PORT].value,
                             (unsigned)httpd_options[HTTPD_THREADS].value,
                             (unsigned)httpd_options[HTTPD_TIMEOUT].value);
    if (httpd.log != NULL) {
        mp_destroy(httpd.log);
        done = httpd_left() && done;
        mp_destroy(httpd.top);
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        done = httpd_failed("standard output");
    }
    return done ? 0 : 1;
}
