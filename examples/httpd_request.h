/* SPDX-License-Identifier: MIT
 *
 * httpd_request.h - what httpd knows of one request, and how it reads it.
 *
 * Everything of a request is an object of its pool, which has a capacity: a
 * header too many is refused by the pool, and the reader needs no counts of
 * its own.  The text that is parsed belongs to somebody else, who drops it
 * afterwards; what is kept of it is copied.
 *
 * No string is touched again once the request is dropped to its mark, which
 * gives a request that went wrong its whole capacity back for the answer.
 */
#ifndef HTTPD_REQUEST_H
#define HTTPD_REQUEST_H

#include <memory_pool.h>

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HTTPD_REQUEST_TOKEN                           \
    "!#$%&'*+-.^_`|~0123456789"                       \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

struct httpd_request_header {
    struct httpd_request_header *next;
    char *name;
    char *value;
};

struct httpd_request {
    memory_pool_t *pool; /* which this structure is in, too */
    mp_mark_t mark;      /* made before all that is below */
    int file;            /* opened for the answer; -1: none */
    bool keep;           /* the connection serves the next request */
    bool head_only;
    bool expects; /* waits for 100 Continue */
    int minor;    /* of HTTP/1 */
    char *method;
    char *target; /* as it was sent */
    char *path;   /* decoded; begins with a slash and has no ".." */
    char *query;  /* as it was sent; NULL: none */
    struct httpd_request_header *headers;
    struct httpd_request_header **last;
    size_t length; /* of the body */
    char *body;
};

/* Back to the mark. */
static void httpd_request_drop(struct httpd_request *self)
{
    if (self->mark.number != 0) {
        mp_rewind(self->pool, self->mark);
        self->mark.number = 0;
    }
    self->method = NULL;
    self->target = NULL;
    self->path = NULL;
    self->query = NULL;
    self->headers = NULL;
    self->last = &self->headers;
    self->body = NULL;
}

/* The answer when the pool refused: the given one where it is the request
 * that wants too much. */
static int httpd_request_refused(int status)
{
    return errno == ENOMEM ? 503 : status;
}

/* Cuts the next line off; NULL: there is none. */
static char *httpd_request_line(char **rest)
{
    char *line = *rest;
    char *end = strchr(line, '\n');

    if (end == NULL) {
        return NULL;
    }
    *rest = end + 1;
    if (end > line && end[-1] == '\r') {
        end--;
    }
    *end = '\0';
    return line;
}

static int httpd_request_digit(char digit)
{
    const char *digits = "0123456789abcdef0123456789ABCDEF";
    const char *at = digit != '\0' ? strchr(digits, digit) : NULL;

    return at != NULL ? (int)((at - digits) % 16) : -1;
}

/* Decodes in place.  False: not well-formed, or it has a NUL or leads up. */
static bool httpd_request_decode(char *path)
{
    char *to = path;

    for (const char *from = path; *from != '\0'; from++) {
        if (*from != '%') {
            *to++ = *from;
            continue;
        }
        int high = httpd_request_digit(from[1]);
        int low = high >= 0 ? httpd_request_digit(from[2]) : -1;
        if (low < 0 || high + low == 0) {
            return false;
        }
        *to++ = (char)(high * 16 + low);
        from += 2;
    }
    *to = '\0';
    for (const char *at = path; at != NULL; at = strchr(at, '/')) {
        at += *at == '/';
        size_t length = strcspn(at, "/");
        if (length == 2 && at[0] == '.' && at[1] == '.') {
            return false;
        }
    }
    return true;
}

/* The method decides before the rest is looked at. */
static int httpd_request_method(struct httpd_request *self,
                                const char *method)
{
    static const char *const refused[] = {"CONNECT", "DELETE", "OPTIONS",
                                          "PATCH", "PUT", "TRACE"};

    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        if (strcmp(method, refused[i]) == 0) {
            return 405;
        }
    }
    self->head_only = strcmp(method, "HEAD") == 0;
    if (!self->head_only && strcmp(method, "GET") != 0 &&
        strcmp(method, "POST") != 0) {
        return 501;
    }
    self->method = mp_strdup(self->pool, method);
    return self->method != NULL ? 0 : httpd_request_refused(431);
}

/* "/path?query", or the same behind "http://host". */
static int httpd_request_target(struct httpd_request *self, char *target)
{
    self->target = mp_strdup(self->pool, target);
    if (self->target == NULL) {
        return httpd_request_refused(431);
    }
    if (strncasecmp(target, "http://", 7) == 0) {
        target += 7 + strcspn(target + 7, "/");
    }
    if (*target != '/' || strchr(target, '#') != NULL) {
        return 400;
    }
    char *query = strchr(target, '?');
    if (query != NULL) {
        *query++ = '\0';
        self->query = mp_strdup(self->pool, query);
        if (self->query == NULL) {
            return httpd_request_refused(431);
        }
    }
    if (!httpd_request_decode(target)) {
        return 400;
    }
    self->path = mp_strdup(self->pool, target);
    return self->path != NULL ? 0 : httpd_request_refused(431);
}

static int httpd_request_first(struct httpd_request *self, char *line)
{
    char *target = line + strspn(line, HTTPD_REQUEST_TOKEN);

    if (target == line || *target != ' ') {
        return 400;
    }
    *target++ = '\0';
    char *version = target;
    while (*version > ' ' && *version < 127) {
        version++;
    }
    if (version == target || *version != ' ') {
        return 400;
    }
    *version++ = '\0';
    if (strlen(version) != 8 || strncmp(version, "HTTP/", 5) != 0 ||
        strspn(version + 5, "0123456789") != 1 || version[6] != '.' ||
        strspn(version + 7, "0123456789") != 1) {
        return 400;
    }
    if (version[5] != '1') {
        return 505;
    }
    self->minor = version[7] - '0';
    int status = httpd_request_method(self, line);
    return status != 0 ? status : httpd_request_target(self, target);
}

/* Keeps one header.  A line that goes on with the one before it has no name
 * and is refused, as any recipient may. */
static int httpd_request_header(struct httpd_request *self, const char *line)
{
    size_t name = strspn(line, HTTPD_REQUEST_TOKEN);

    if (name == 0 || line[name] != ':') {
        return 400;
    }
    const char *value = line + name + 1;
    value += strspn(value, " \t");
    size_t length = strlen(value);
    while (length > 0 && strchr(" \t", value[length - 1]) != NULL) {
        length--;
    }
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)value[i];
        if ((byte < ' ' && byte != '\t') || byte == 127) {
            return 400;
        }
    }
    struct httpd_request_header *header =
        mp_allocate(self->pool, sizeof *header);
    if (header == NULL) {
        return httpd_request_refused(431);
    }
    header->next = NULL;
    header->name = mp_strndup(self->pool, line, name);
    header->value =
        header->name != NULL ? mp_strndup(self->pool, value, length) : NULL;
    if (header->value == NULL) {
        return httpd_request_refused(431);
    }
    *self->last = header;
    self->last = &header->next;
    return 0;
}

/* The value of a header, and how often it is there. */
static const char *httpd_request_find(const struct httpd_request *self,
                                      const char *name, size_t *count)
{
    const char *value = NULL;

    *count = 0;
    for (const struct httpd_request_header *header = self->headers;
         header != NULL; header = header->next) {
        if (strcasecmp(header->name, name) == 0) {
            value = header->value;
            ++*count;
        }
    }
    return value;
}

/* Whether some Connection header has the word in its list. */
static bool httpd_request_connection(const struct httpd_request *self,
                                     const char *word)
{
    for (const struct httpd_request_header *header = self->headers;
         header != NULL; header = header->next) {
        const char *at = header->value;
        if (strcasecmp(header->name, "Connection") != 0) {
            continue;
        }
        while (*(at += strspn(at, ", \t")) != '\0') {
            size_t length = strcspn(at, ", \t");
            if (length == strlen(word) &&
                strncasecmp(at, word, length) == 0) {
                return true;
            }
            at += length;
        }
    }
    return false;
}

/* What the headers mean together.  Two lengths, or a length and a coding,
 * are how one request is made to look like two: never guess. */
static int httpd_request_meaning(struct httpd_request *self)
{
    size_t count;

    httpd_request_find(self, "Host", &count);
    if (count > 1 || (count == 0 && self->minor > 0)) {
        return 400;
    }
    const char *length = httpd_request_find(self, "Content-Length", &count);
    if (count > 1 ||
        (count == 1 && (*length == '\0' ||
                        length[strspn(length, "0123456789")] != '\0'))) {
        return 400;
    }
    if (count == 1) {
        errno = 0;
        unsigned long long value = strtoull(length, NULL, 10);
        if (errno != 0 || value > SIZE_MAX) {
            return 413;
        }
        self->length = (size_t)value;
    }
    httpd_request_find(self, "Transfer-Encoding", &count);
    if (count > 0) {
        return 501;
    }
    const char *expects = httpd_request_find(self, "Expect", &count);
    if (count > 0 && strcasecmp(expects, "100-continue") != 0) {
        return 417;
    }
    self->expects = count > 0 && self->minor > 0;
    self->keep = self->minor > 0
                     ? !httpd_request_connection(self, "close")
                     : httpd_request_connection(self, "keep-alive");
    return 0;
}

/* Reads a head that ends with its empty line, and writes into it.  0, or the
 * status to refuse the request with. */
static int httpd_request_parse(struct httpd_request *self, char *head)
{
    char *rest = head;
    char *line = httpd_request_line(&rest);
    int status = line != NULL ? httpd_request_first(self, line) : 400;

    while (status == 0 && (line = httpd_request_line(&rest)) != NULL &&
           *line != '\0') {
        status = httpd_request_header(self, line);
    }
    return status != 0 ? status : httpd_request_meaning(self);
}

#endif /* HTTPD_REQUEST_H */
