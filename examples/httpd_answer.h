/* SPDX-License-Identifier: MIT
 *
 * httpd_answer.h - what httpd answers.
 *
 * An answer is made in the pool of its request and sent from there; nothing
 * here frees anything.
 */
#ifndef HTTPD_ANSWER_H
#define HTTPD_ANSWER_H

#include <memory_pool.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "httpd_request.h"
#include "httpd_server.h"

enum { HTTPD_ANSWER_PIECE = 16384 }; /* of a file, sent at once */

static const char *httpd_answer_reason(int status)
{
    switch (status) {
    case 200: return "OK";
    case 400: return "Bad Request";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 413: return "Content Too Large";
    case 417: return "Expectation Failed";
    case 431: return "Request Header Fields Too Large";
    case 501: return "Not Implemented";
    case 505: return "HTTP Version Not Supported";
    default: return "Service Unavailable";
    }
}

/* Sends the head of an answer.  False: the connection is of no more use. */
static bool httpd_answer_begin(struct httpd_server_client *client,
                               struct httpd_request *request, int status,
                               const char *type, uintmax_t length)
{
    static const char no_room[] =
        "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n"
        "Connection: close\r\n\r\n";
    time_t now = time(NULL);
    struct tm parts;
    char date[64];

    if (gmtime_r(&now, &parts) == NULL ||
        strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &parts) ==
            0) {
        return false;
    }
    char *head = request == NULL ? NULL : mp_asprintf(
        request->pool,
        "HTTP/1.1 %d %s\r\nDate: %s\r\nContent-Type: %s\r\n"
        "Content-Length: %ju\r\nConnection: %s\r\n%s\r\n",
        status, httpd_answer_reason(status), date, type, length,
        request->keep ? "keep-alive" : "close",
        status == 405 ? "Allow: GET, HEAD, POST\r\n" : "");
    if (head == NULL) {
        httpd_server_send(client->socket, no_room, sizeof no_room - 1);
        return false;
    }
    return httpd_server_send(client->socket, head, strlen(head));
}

static bool httpd_answer(struct httpd_server_client *client,
                         struct httpd_request *request, int status,
                         const char *type, const char *text, size_t length)
{
    return httpd_answer_begin(client, request, status, type, length) &&
           (request->head_only ||
            httpd_server_send(client->socket, text, length));
}

/* All that the request asked for goes, then there is room to say so. */
static bool httpd_answer_refuse(struct httpd_server_client *client,
                                struct httpd_request *request, int status)
{
    httpd_request_drop(request);
    char *text = mp_asprintf(request->pool, "%d %s\n", status,
                             httpd_answer_reason(status));
    return httpd_answer(client, text != NULL ? request : NULL, status,
                        "text/plain", text, text != NULL ? strlen(text) : 0);
}

/* Opens a name in a directory, which it closes unless it is the root. */
static int httpd_answer_step(int directory, const char *name, int more)
{
    int found = openat(directory, name,
                       O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | more);

    if (directory != httpd_server.directory) {
        int error = errno;
        close(directory);
        errno = error;
    }
    return found;
}

/* Opens what the path names, one name after the other, so that no link leads
 * out of the directory; of a directory its index.html.  -1 with errno. */
static int httpd_answer_open(const char *path)
{
    int at = httpd_server.directory;
    struct stat about;

    while (at >= 0 && *(path += strspn(path, "/")) != '\0') {
        char name[256] = "";
        size_t length = strcspn(path, "/");
        bool fits = length < sizeof name;
        memcpy(name, path, fits ? length : 0);
        path += length;
        /* No file has an empty name. */
        at = httpd_answer_step(at, name, *path == '/' ? O_DIRECTORY : 0);
    }
    if (at >= 0 && fstat(at, &about) == 0 && S_ISDIR(about.st_mode)) {
        at = httpd_answer_step(at, "index.html", 0);
    }
    return at;
}

/* A cleanup: its argument is in the request, so it stays where the request
 * is rewound. */
static void httpd_answer_close_file(void *file)
{
    int *descriptor = file;

    if (*descriptor >= 0) {
        close(*descriptor);
    }
}

static const char *httpd_answer_type(const char *path)
{
    static const char *const types[][2] = {
        {".html", "text/html; charset=utf-8"},
        {".txt", "text/plain; charset=utf-8"},
        {".css", "text/css"},
        {".js", "text/javascript"},
        {".json", "application/json"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".jpg", "image/jpeg"},
        {".gif", "image/gif"},
        {".pdf", "application/pdf"},
        {".wasm", "application/wasm"}};
    const char *name = strrchr(path, '/') + 1;
    const char *end = strrchr(name, '.');

    if (*name == '\0') {
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

/* Sends a file that is open.  One that becomes shorter meanwhile ends the
 * client, since its length has been told. */
static bool httpd_answer_send_file(struct httpd_server_client *client,
                                   const struct httpd_request *request,
                                   char *piece, uintmax_t length)
{
    while (length > 0) {
        size_t room = length < HTTPD_ANSWER_PIECE ? (size_t)length
                                                  : HTTPD_ANSWER_PIECE;
        ssize_t count = read(request->file, piece, room);
        if (count > 0 &&
            httpd_server_send(client->socket, piece, (size_t)count)) {
            length -= (uintmax_t)count;
        } else if (count >= 0 || errno != EINTR) {
            return false;
        }
    }
    return true;
}

/* As httpd_answer_route(). */
static int httpd_answer_file(struct httpd_server_client *client,
                             struct httpd_request *request)
{
    struct stat about;

    if (strcmp(request->method, "POST") == 0) {
        return 405;
    }
    if (mp_add_cleanup(request->pool, httpd_answer_close_file,
                       &request->file) != 0) {
        return 503;
    }
    request->file = httpd_answer_open(request->path);
    if (request->file < 0) {
        return errno == EACCES ? 403
               : errno == EMFILE || errno == ENFILE || errno == ENOMEM ? 503
                                                                       : 404;
    }
    if (fstat(request->file, &about) != 0 || !S_ISREG(about.st_mode)) {
        return 404;
    }
    char *piece = mp_allocate(request->pool, HTTPD_ANSWER_PIECE);
    if (piece == NULL) {
        return httpd_request_refused(431);
    }
    uintmax_t length = (uintmax_t)about.st_size;
    const char *type = httpd_answer_type(request->path);
    if (!httpd_answer_begin(client, request, 200, type, length) ||
        !(request->head_only ||
          httpd_answer_send_file(client, request, piece, length))) {
        return -1;
    }
    return 0;
}

/* As httpd_answer_route(). */
static int httpd_answer_stats(struct httpd_server_client *client,
                              struct httpd_request *request)
{
    const char *query = request->query != NULL ? request->query : "";
    mp_format_t format = strcmp(query, "json") == 0      ? MP_JSON
                         : strcmp(query, "metrics") == 0 ? MP_OPENMETRICS
                                                         : MP_TEXT;
    static const char *const types[] = {
        [MP_TEXT] = "text/plain",
        [MP_JSON] = "application/json",
        [MP_OPENMETRICS] =
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
    };
    char *text = NULL;
    long length = 0;

    pthread_rwlock_wrlock(&httpd_server.tree);
    rewind(httpd_server.page);
    if (mp_stats_print(httpd_server.root, httpd_server.page, format) == 0 &&
        fflush(httpd_server.page) == 0 &&
        (length = ftell(httpd_server.page)) > 0) {
        text = mp_memdup(request->pool, httpd_server.page_text,
                         (size_t)length);
    }
    pthread_rwlock_unlock(&httpd_server.tree);
    if (text == NULL) {
        return 503;
    }
    return httpd_answer(client, request, 200, types[format], text,
                        (size_t)length)
               ? 0
               : -1;
}

/* As httpd_answer_route(). */
static int httpd_answer_echo(struct httpd_server_client *client,
                             struct httpd_request *request)
{
    const struct httpd_request_header *header;
    size_t count;
    const char *type = httpd_request_find(request, "Content-Type", &count);

    if (strcmp(request->method, "POST") == 0) {
        return httpd_answer(client, request, 200,
                            type != NULL ? type : "application/octet-stream",
                            request->body, request->length)
                   ? 0
                   : -1;
    }
    char *text = mp_asprintf(request->pool, "%s %s HTTP/1.%d\n",
                             request->method, request->target,
                             request->minor);
    size_t length = text != NULL ? strlen(text) : 0;
    for (header = request->headers; header != NULL && text != NULL;
         header = header->next) {
        size_t more = strlen(header->name) + strlen(header->value) + 3;
        text = mp_realloc(request->pool, text, length + more + 1);
        if (text != NULL) {
            snprintf(text + length, more + 1, "%s: %s\n", header->name,
                     header->value);
            length += more;
        }
    }
    if (text == NULL) {
        return httpd_request_refused(431);
    }
    return httpd_answer(client, request, 200, "text/plain", text, length)
               ? 0
               : -1;
}

/* Answers a request.  0; or the status to refuse it with; -1: the answer was
 * begun and the connection is of no more use. */
static int httpd_answer_route(struct httpd_server_client *client,
                              struct httpd_request *request)
{
    static const char bye[] = "The server ends.\n";
    bool post = strcmp(request->method, "POST") == 0;

    if (strcmp(request->path, "/echo") == 0) {
        return httpd_answer_echo(client, request);
    }
    if (strcmp(request->path, "/stats") == 0) {
        return post ? 405 : httpd_answer_stats(client, request);
    }
    if (strcmp(request->path, "/quit") == 0) {
        if (!post) {
            return 405;
        }
        request->keep = false;
        httpd_answer(client, request, 200, "text/plain", bye,
                     sizeof bye - 1);
        httpd_server_stop(0);
        return 0;
    }
    return httpd_answer_file(client, request);
}

#endif /* HTTPD_ANSWER_H */
