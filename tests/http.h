/* SPDX-License-Identifier: MIT
 *
 * http.h - examples/httpd as a process, what it serves, and clients of it.
 *
 * A client reads one answer at a time, and knows where it ends.  Nothing here
 * asserts: clients are used by threads, too.  What it cannot do: understand
 * an answer that does not say its length, which httpd never sends.
 */
#ifndef HTTP_H
#define HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

enum {
    HTTP_HEAD = 2048,
    HTTP_BODY = 512 * 1024,
    HTTP_TEXT = 8192,
    HTTP_LARGE = 90000
};

/* What is served has these contents.  A file beside the directory, and links
 * to what must not be served, are there besides. */
struct http_file {
    const char *name;
    const char *bytes;
    size_t length;
};

/* Says that there is no server to test, if so. */
bool http_missing(void);

/* Makes the files; false: it could not.  Removes them. */
bool http_files_make(void);
void http_files_remove(void);
const char *http_directory(void);

/* The file of that name; one that is not there has no bytes. */
struct http_file http_file(const char *name);

struct http_server {
    pid_t pid;
    uint16_t port;
    FILE *out; /* what it prints after its address */
    FILE *err;
};

/* Starts the server for the directory with one option and its value, or NULL
 * twice.  It may have few files open, so it soon has none if it forgets to
 * close them.  False: it did not start. */
bool http_start(struct http_server *server, const char *option,
                const char *value);

/* Waits for the server's end; its exit status, or -1.  What it printed is in
 * text, of HTTP_TEXT bytes; nothing may be on its standard error. */
int http_wait(struct http_server *server, char *text);

/* Runs the program until it ends, with arguments, up to a NULL: its exit
 * status, and its standard error. */
int http_run(const char *const arguments[], char *text);

struct http_client {
    int socket;
    size_t at, end;
    char input[16384];
    /* The last answer. */
    int status;
    bool keep;
    char head[HTTP_HEAD]; /* lines without carriage returns */
    size_t length;
    char body[HTTP_BODY];
};

/* A connection to the server; NULL: there is none. */
struct http_client *http_connect(const struct http_server *server);
void http_close(struct http_client *client);

/* Sends bytes as they are. */
bool http_send(struct http_client *client, const char *bytes, size_t count);

/* Reads the next answer, which has a body or not.  False: there is none
 * within 20 seconds, or it is not as HTTP wants it. */
bool http_receive(struct http_client *client, bool head_only);

/* The last answer is this one; no bytes: any body will do. */
bool http_is(const struct http_client *client, int status, const char *bytes,
             size_t length);

#endif /* HTTP_H */
