/* SPDX-License-Identifier: MIT
 *
 * http.c - examples/httpd as a process, what it serves, and clients of it.
 *
 * Both sides are on this machine and end soon, so a read that waits for 20
 * seconds is taken for a failure.
 */

#include "http.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static char http_top[] = "/tmp/httpd.XXXXXX";
static char http_www[sizeof http_top + 4];
static char http_large[HTTP_LARGE];

#define FILE_OF(name, text) {name, text, sizeof text - 1}
static const struct http_file http_all[] = {
    FILE_OF("one", "x"),
    FILE_OF("small.txt", "small\n"),
    FILE_OF("index.html", "<p>index\n"),
    FILE_OF("sub/a b/c%d.txt", "in a b\n"),
    FILE_OF("empty.css", ""),
    FILE_OF("../secret", "secret\n"),
    {"large.json", http_large, sizeof http_large},
};

struct http_file http_file(const char *name)
{
    for (size_t i = 0; i < sizeof http_all / sizeof http_all[0]; i++) {
        if (strcmp(http_all[i].name, name) == 0) {
            return http_all[i];
        }
    }
    return (struct http_file){name, NULL, 0};
}

const char *http_directory(void)
{
    return http_www;
}

static const char *http_path(const char *name)
{
    static char path[sizeof http_www + 64];

    snprintf(path, sizeof path, "%s/%s", http_www, name);
    return path;
}

static bool http_write(const struct http_file *file)
{
    FILE *to = fopen(http_path(file->name), "w");

    if (to == NULL) {
        return false;
    }
    bool written = fwrite(file->bytes, 1, file->length, to) == file->length;
    return fclose(to) == 0 && written;
}

bool http_files_make(void)
{
    for (size_t i = 0; i < sizeof http_large; i++) {
        http_large[i] = (char)(' ' + i * 7919 % 10007 % 95);
    }
    if (mkdtemp(http_top) == NULL) {
        return false;
    }
    snprintf(http_www, sizeof http_www, "%s/www", http_top);
    if (mkdir(http_www, 0700) != 0 || mkdir(http_path("sub"), 0700) != 0 ||
        mkdir(http_path("sub/a b"), 0700) != 0 ||
        symlink("../secret", http_path("link")) != 0 ||
        symlink("..", http_path("sub/up")) != 0) {
        return false;
    }
    for (size_t i = 0; i < sizeof http_all / sizeof http_all[0]; i++) {
        if (!http_write(&http_all[i])) {
            return false;
        }
    }
    return true;
}

static int http_remove(const char *path, const struct stat *stat, int type,
                       struct FTW *place)
{
    (void)stat;
    (void)type;
    (void)place;
    return remove(path);
}

void http_files_remove(void)
{
    nftw(http_top, http_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* Starts the program, with its output in the files. */
static pid_t http_fork(const char *const arguments[], int out, int err)
{
    const struct rlimit few = {100, 100};
    pid_t pid = fork();

    if (pid == 0) {
        setrlimit(RLIMIT_NOFILE, &few);
        dup2(out, STDOUT_FILENO);
        dup2(err, STDERR_FILENO);
        execv(HTTP_PROGRAM, (char *const *)arguments);
        _exit(127);
    }
    return pid;
}

bool http_missing(void)
{
    if (access(HTTP_PROGRAM, X_OK) == 0) {
        return false;
    }
    puts("examples/httpd is not built: configure did not find libmicrohttpd");
    return true;
}

bool http_start(struct http_server *server, const char *option,
                const char *value)
{
    const char *arguments[] = {"httpd", option, value, http_www, NULL};
    int pipes[2];

    if (option == NULL) {
        arguments[1] = http_www;
        arguments[2] = NULL;
    }
    server->err = tmpfile();
    if (server->err == NULL || pipe(pipes) != 0) {
        return false;
    }
    server->pid = http_fork(arguments, pipes[1], fileno(server->err));
    close(pipes[1]);
    server->out = fdopen(pipes[0], "r");
    return server->pid > 0 && server->out != NULL &&
           fscanf(server->out, "httpd: http://127.0.0.1:%hu/",
                  &server->port) == 1;
}

/* All that is left of a file, which is closed, as a string. */
static size_t http_slurp(FILE *from, char *text)
{
    size_t length = fread(text, 1, HTTP_TEXT - 1, from);

    text[length] = '\0';
    fclose(from);
    return length;
}

static int http_status_of(pid_t pid)
{
    int status;

    return waitpid(pid, &status, 0) == pid && WIFEXITED(status)
               ? WEXITSTATUS(status)
               : -1;
}

int http_wait(struct http_server *server, char *text)
{
    char said[HTTP_TEXT];

    http_slurp(server->out, text);
    int status = http_status_of(server->pid);
    rewind(server->err);
    if (http_slurp(server->err, said) > 0) {
        fprintf(stderr, "httpd says: %s\n", said);
        return -1;
    }
    return status;
}

int http_run(const char *const arguments[], char *text)
{
    FILE *out = tmpfile(), *err = tmpfile();

    if (out == NULL || err == NULL) {
        return -1;
    }
    int status = http_status_of(http_fork(arguments, fileno(out),
                                          fileno(err)));
    rewind(err);
    http_slurp(err, text);
    fclose(out);
    return status;
}

struct http_client *http_connect(const struct http_server *server)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(server->port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval limit = {.tv_sec = 20};
    struct http_client *client = malloc(sizeof *client);

    if (client == NULL) {
        return NULL;
    }
    client->at = 0;
    client->end = 0;
    client->socket = socket(AF_INET, SOCK_STREAM, 0);
    if (client->socket < 0 ||
        setsockopt(client->socket, SOL_SOCKET, SO_RCVTIMEO, &limit,
                   sizeof limit) != 0 ||
        connect(client->socket, (const struct sockaddr *)&address,
                sizeof address) != 0) {
        http_close(client);
        return NULL;
    }
    return client;
}

void http_close(struct http_client *client)
{
    if (client->socket >= 0) {
        close(client->socket);
    }
    free(client);
}

bool http_send(struct http_client *client, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t sent = send(client->socket, bytes, count, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        bytes += sent;
        count -= (size_t)sent;
    }
    return true;
}

/* The next byte; -1: there is none. */
static int http_byte(struct http_client *client)
{
    if (client->at == client->end) {
        ssize_t count = recv(client->socket, client->input,
                             sizeof client->input, 0);
        client->at = 0;
        client->end = count > 0 ? (size_t)count : 0;
    }
    return client->at < client->end
               ? (unsigned char)client->input[client->at++]
               : -1;
}

/* Reads a head up to its empty line; lines end with both bytes. */
static bool http_read_head(struct http_client *client)
{
    size_t length = 0;
    int byte;

    while ((byte = http_byte(client)) >= 0 && length < HTTP_HEAD - 1) {
        if (byte == '\r') {
            if (http_byte(client) != '\n') {
                return false;
            }
            byte = '\n';
        }
        client->head[length++] = (char)byte;
        client->head[length] = '\0';
        if (length > 1 && client->head[length - 2] == '\n' && byte == '\n') {
            return true;
        }
    }
    return false;
}

bool http_receive(struct http_client *client, bool head_only)
{
    int byte;

    client->length = 0;
    if (!http_read_head(client) ||
        sscanf(client->head, "HTTP/1.1 %d ", &client->status) != 1) {
        return false;
    }
    client->keep = strstr(client->head, "\nConnection: close\n") == NULL;
    if (client->status == 100) {
        return true;
    }
    const char *length = strstr(client->head, "\nContent-Length: ");
    size_t left = length != NULL ? strtoul(length + 17, NULL, 10) : HTTP_BODY;
    if (left >= HTTP_BODY) {
        return false;
    }
    while (!head_only && client->length < left) {
        if ((byte = http_byte(client)) < 0) {
            return false;
        }
        client->body[client->length++] = (char)byte;
    }
    client->body[client->length] = '\0';
    return true;
}

bool http_is(const struct http_client *client, int status, const char *bytes,
             size_t length)
{
    return client->status == status &&
           (bytes == NULL ||
            (client->length == length &&
             memcmp(client->body, bytes, length) == 0));
}
