/* SPDX-License-Identifier: MIT
 *
 * check_httpd.c - httpd answers right, whatever is sent.
 *
 * Each test has a server of its own, which ends by a signal, says that its
 * root is empty and exits with 0.  Bodies are compared to the byte.  What
 * many clients at once do to it is in check_httpd_load.c.
 */
#include <regex.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "http.h"
#include "support.h"

static struct http_server server;

static void start(void)
{
    ck_assert(http_start(&server, NULL, NULL));
}

/* A server that waits for a request for a second, and not for ten. */
static void start_impatient(void)
{
    ck_assert(http_start(&server, "--timeout", "1"));
}

static void expect_end(void)
{
    char text[HTTP_TEXT];

    ck_assert_int_eq(http_wait(&server, text), 0);
    ck_assert_msg(
        strstr(text, " requests, 0 objects and 0 pools left\n") != NULL,
        "the root is not empty: %s", text);
}

static void stop(void)
{
    ck_assert_int_eq(kill(server.pid, SIGTERM), 0);
    expect_end();
}

/* A refusal's body is its status line without the version. */
static const char *refusal(int status)
{
    switch (status) {
    case 400: return "400 Bad Request\n";
    case 404: return "404 Not Found\n";
    case 405: return "405 Method Not Allowed\n";
    case 408: return "408 Request Timeout\n";
    case 413: return "413 Content Too Large\n";
    case 417: return "417 Expectation Failed\n";
    case 431: return "431 Request Header Fields Too Large\n";
    case 501: return "501 Not Implemented\n";
    case 505: return "505 HTTP Version Not Supported\n";
    default: return "?";
    }
}

/* Whether the last answer's head has such a line. */
static void has(const struct http_client *client, const char *line)
{
    char pattern[256];
    regex_t compiled;

    snprintf(pattern, sizeof pattern, "^%s$", line);
    ck_assert_int_eq(
        regcomp(&compiled, pattern, REG_NEWLINE | REG_ICASE | REG_NOSUB), 0);
    ck_assert_msg(regexec(&compiled, client->head, 0, NULL, 0) == 0,
                  "no line '%s' in: %s", line, client->head);
    regfree(&compiled);
}

/* Sends more on the connection, and expects one answer. */
static void expect_on(struct http_client *client, const char *bytes,
                      size_t count, int status, const char *body,
                      size_t length)
{
    /* The server may end the connection before it has read all. */
    http_send(client, bytes, count);
    ck_assert_msg(http_receive(client, false), "no answer to: %s", bytes);
    ck_assert_msg(http_is(client, status, body, length),
                  "%d and %zu bytes, not %d and %zu, for: %s",
                  client->status, client->length, status, length, bytes);
}

/* A new connection on which one request was answered. */
static struct http_client *expect(const char *request, int status,
                                  const char *body, size_t length)
{
    struct http_client *client = http_connect(&server);

    ck_assert_ptr_nonnull(client);
    expect_on(client, request, strlen(request), status, body, length);
    return client;
}

static struct http_client *expect_file(const char *request, const char *name)
{
    struct http_file file = http_file(name);

    return expect(request, 200, file.bytes, file.length);
}

static struct http_client *expect_refusal(const char *request, int status)
{
    return expect(request, status, refusal(status), strlen(refusal(status)));
}

#define LINE(first) first " HTTP/1.1\r\nHost: h\r\n"
#define GET(target) LINE("GET " target) "\r\n"

START_TEST(a_file_is_served_with_its_type)
{
    static const struct {
        const char *request, *name, *type;
    } files[] = {
        {GET("/small.txt"), "small.txt", "text/plain; charset=utf-8"},
        {GET("/one?query"), "one", "application/octet-stream"},
        {GET("/"), "index.html", "text/html; charset=utf-8"},
        {GET("//empty.css"), "empty.css", "text/css"},
        {GET("/./large.json"), "large.json", "application/json"},
        {GET("/%73ub/a%20b/c%25d.txt"), "sub/a b/c%d.txt",
         "text/plain; charset=utf-8"},
    };

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct http_client *client =
            expect_file(files[i].request, files[i].name);
        char type[64];
        snprintf(type, sizeof type, "Content-Type: %s", files[i].type);
        has(client, type);
        has(client, "Connection: keep-alive");
        has(client, "Date: [MTWFS][a-z][a-z], [0-3][0-9] "
                    "[A-Z][a-z][a-z] 20.* GMT");
        http_close(client);
    }
}
END_TEST

START_TEST(a_head_has_the_length_and_no_body)
{
    static const char two[] = LINE("HEAD /large.json") "\r\n" GET("/one");
    struct http_client *client = http_connect(&server);
    char length[64];

    ck_assert_ptr_nonnull(client);
    ck_assert(http_send(client, two, sizeof two - 1));
    ck_assert(http_receive(client, true));
    ck_assert_int_eq(client->status, 200);
    snprintf(length, sizeof length, "Content-Length: %zu",
             http_file("large.json").length);
    has(client, length);
    ck_assert(http_receive(client, false));
    ck_assert(http_is(client, 200, "x", 1));
    http_close(client);
}
END_TEST

START_TEST(what_is_not_there_is_not_found)
{
    static const char *const requests[] = {
        GET("/missing"), GET("/sub"), GET("/sub/"), GET("/small.txt/"),
        GET("/link"), GET("/sub/up/www/small.txt"), GET("/small.txt/x")};
    char name[301], request[400];

    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        struct http_client *client = expect_refusal(requests[i], 404);
        has(client, "Connection: keep-alive");
        http_close(client);
    }
    memset(name, '0', 300);
    name[300] = '\0';
    snprintf(request, sizeof request, LINE("GET /%s") "\r\n", name);
    http_close(expect_refusal(request, 404));
}
END_TEST

START_TEST(a_path_that_leads_up_or_is_not_well_formed_is_refused)
{
    static const char *const requests[] = {
        GET("/../secret"), GET("/sub/../small.txt"), GET("/%2e%2e/secret"),
        GET("/sub/.."), GET("/x%2f..%2fy"), GET("/a%00b"), GET("/a%0"),
        GET("/a%zz"), GET("/a%")};

    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        http_close(expect_refusal(requests[i], 400));
    }
}
END_TEST

START_TEST(a_method_that_it_lacks_is_refused)
{
    struct http_client *client =
        expect_refusal(LINE("DELETE /one") "\r\n", 405);

    has(client, "Allow: GET, HEAD, POST");
    http_close(client);
    client = expect_refusal(LINE("POST /one") "Content-Length: 1\r\n\r\nx",
                            405);
    has(client, "Connection: keep-alive");
    http_close(client);
    http_close(expect_refusal(GET("/quit"), 405));
    http_close(expect_refusal(LINE("BREW /one") "\r\n", 501));
    http_close(expect_refusal(LINE("POST /echo") "Transfer-Encoding: chunked"
                                                 "\r\n\r\n1\r\nx\r\n0\r\n\r\n",
                              501));
    http_close(expect_refusal(LINE("GET /one") "Expect: a miracle\r\n\r\n",
                              417));
}
END_TEST

/* Sends the head of a POST to /echo with a body of the large file's first
 * bytes, and expects the body back, or the refusal. */
static struct http_client *post(size_t length, const char *headers,
                                bool continues, int status)
{
    struct http_client *client = http_connect(&server);
    const char *body = http_file("large.json").bytes;
    char head[256];

    ck_assert_ptr_nonnull(client);
    snprintf(head, sizeof head,
             LINE("POST /echo") "Content-Length: %zu\r\n%s\r\n", length,
             headers);
    http_send(client, head, strlen(head));
    if (continues) {
        ck_assert(http_receive(client, false));
        ck_assert_str_eq(client->head, "HTTP/1.1 100 Continue\n\n");
    }
    if (status == 200) {
        expect_on(client, body, length, 200, body, length);
    } else {
        expect_on(client, "", 0, status, refusal(status),
                  strlen(refusal(status)));
    }
    return client;
}

START_TEST(a_request_is_echoed)
{
    static const char seen[] =
        "GET /echo?a=%41 HTTP/1.1\nHost: h\nX-Two: a  b\nX-None: \n";

    http_close(expect(LINE("GET /echo?a=%41")
                      "X-Two:  a  b \r\nX-None:\r\n\r\n",
                      200, seen, sizeof seen - 1));
    struct http_client *client =
        post(40000, "Content-Type: text/x-some\r\n", false, 200);
    has(client, "Content-Type: text/x-some");
    http_close(client);
    http_close(post(40000, "Expect: 100-continue\r\n", true, 200));
    http_close(post(0, "", false, 200));
}
END_TEST

START_TEST(a_body_too_large_for_the_pool_is_refused)
{
    struct http_client *client = http_connect(&server);
    static char request[200000] =
        LINE("POST /echo") "Content-Length: 180000\r\n\r\n";

    /* The answer comes though the body is sent, and though it is not. */
    ck_assert_ptr_nonnull(client);
    memset(request + strlen(request), 'x', 180000);
    expect_on(client, request, strlen(request), 413, refusal(413),
              strlen(refusal(413)));
    has(client, "Connection: close");
    http_close(client);
    http_close(post(180000, "Expect: 100-continue\r\n", false, 413));
    http_close(expect_refusal(
        LINE("POST /echo") "Content-Length: 99999999999999999999999\r\n\r\n",
        413));
}
END_TEST

START_TEST(headers_too_large_for_the_pool_are_refused)
{
    static char request[100000];
    size_t length = 0;

    /* 40 of 2,000 bytes. */
    length = (size_t)sprintf(request, LINE("GET /one"));
    for (int i = 0; i < 40; i++) {
        length += (size_t)sprintf(request + length, "X-Long-%d: %02000d\r\n",
                                  i, 0);
    }
    strcpy(request + length, "\r\n");
    http_close(expect_refusal(request, 431));
    /* 4,000 short ones. */
    length = (size_t)sprintf(request, LINE("GET /one"));
    for (int i = 0; i < 4000; i++) {
        length += (size_t)sprintf(request + length, "X: %d\r\n", i);
    }
    strcpy(request + length, "\r\n");
    http_close(expect_refusal(request, 431));
}
END_TEST

START_TEST(a_connection_serves_many_requests)
{
    struct http_client *client = expect_file(GET("/one"), "one");
    struct http_file large = http_file("large.json");
    static const char missing[] = GET("/missing"), last[] = GET("/large.json");

    expect_on(client, missing, sizeof missing - 1, 404, refusal(404),
              strlen(refusal(404)));
    expect_on(client, last, sizeof last - 1, 200, large.bytes, large.length);
    http_close(client);
}
END_TEST

struct exchange {
    const char *bytes;
    size_t length;
    int statuses[4]; /* of all answers, up to a 0 */
};
#define BYTES(text) text, sizeof text - 1

/* The answers that the bytes get until the server ends the connection. */
static void expect_exchanges(const struct exchange *exchanges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct exchange *wanted = &exchanges[i];
        struct http_client *client = http_connect(&server);
        ck_assert_ptr_nonnull(client);
        ck_assert(http_send(client, wanted->bytes, wanted->length));
        for (const int *status = wanted->statuses; *status != 0; status++) {
            ck_assert_msg(http_receive(client, false), "no %d for: %s",
                          *status, wanted->bytes);
            ck_assert_msg(http_is(client, *status,
                                  *status == 200 ? NULL : refusal(*status),
                                  strlen(refusal(*status))),
                          "%d, not %d, for: %s", client->status, *status,
                          wanted->bytes);
        }
        ck_assert_msg(!http_receive(client, false), "%d more for: %s",
                      client->status, wanted->bytes);
        http_close(client);
    }
}

#define ONE LINE("GET /small.txt")
#define OLD "GET /small.txt HTTP/1.0\r\n"

START_TEST(requests_are_sent_without_waiting_for_answers)
{
    static const struct exchange sent[] = {
        {BYTES("\r\n" ONE "\r\nGET /no HTTP/1.1\r\nHOST:h\r\n\r\n" ONE
               "Connection: x, Close\r\n\r\n"), {200, 404, 200}},
        {BYTES(LINE("POST /echo") "Content-Length: 8\r\n\r\nGET / x\n" ONE
               "Connection: close\r\n\r\n"), {200, 200}},
        {BYTES("GET /one HTTP/1.0\n\n"), {200}},
        {BYTES("GET http://any.example/one HTTP/1.0\r\n\r\n"), {200}},
        {BYTES(OLD "Connection: keep-alive\r\n\r\n" OLD "\r\n" OLD "\r\n"),
         {200, 200}},
    };

    expect_exchanges(sent, sizeof sent / sizeof sent[0]);
}
END_TEST

/* The rest of the bytes must not become a request. */
START_TEST(a_broken_request_is_refused_and_ends_the_connection)
{
    static const struct exchange sent[] = {
        {BYTES("GET\r\n\r\n"), {400}},
        {BYTES("GET /one\r\n\r\n"), {400}},
        {BYTES("GET /one \r\n\r\n"), {400}},
        {BYTES("GET  /one HTTP/1.1\r\n\r\n"), {400}},
        {BYTES("GET one HTTP/1.0\r\n\r\n"), {400}},
        {BYTES("GET /one#a HTTP/1.0\r\n\r\n"), {400}},
        {BYTES("GET /\351 HTTP/1.0\r\n\r\n"), {400}},
        {BYTES("GET /one HTTP/1.0 \r\n\r\n"), {400}},
        {BYTES("GET /one HTTP/1\r\n\r\n"), {400}},
        {BYTES("GET /one HTTP/10.1\r\n\r\n"), {400}},
        {BYTES("GET /one http/1.1\r\n\r\n"), {400}},
        {BYTES(" GET /one HTTP/1.0\r\n\r\n"), {400}},
        {BYTES("G(T /one HTTP/1.0\r\n\r\n"), {400}},
        {BYTES("\001\002\003\n\n"), {400}},
        {BYTES("GET /one HTTP/1.0\000\r\n\r\n"), {400}},
        {BYTES("GET /one HTTP/1.1\r\n\r\n"), {400}},
        {BYTES(ONE "Host: h\r\n\r\n"), {400}},
        {BYTES(ONE "No colon\r\n\r\n"), {400}},
        {BYTES(ONE ": x\r\n\r\n"), {400}},
        {BYTES(ONE "A : x\r\n\r\n"), {400}},
        {BYTES(ONE "A: x\r\n folded\r\n\r\n"), {400}},
        {BYTES(ONE "A: x\ry\r\n\r\n"), {400}},
        {BYTES(ONE "A: x\000y\r\n\r\n"), {400}},
        {BYTES(ONE "Content-Length: x\r\n\r\n"), {400}},
        {BYTES(ONE "Content-Length: -1\r\n\r\n"), {400}},
        {BYTES(ONE "Content-Length:\r\n\r\n"), {400}},
        {BYTES(ONE "Content-Length: 1, 1\r\n\r\n" ONE "\r\n"), {400}},
        {BYTES(ONE "Content-Length: 0\r\nContent-Length: 3\r\n\r\n" ONE
               "\r\n"), {400}},
        {BYTES(ONE "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"
               ONE), {501}},
        {BYTES("GET /one HTTP/2.0\r\n\r\n"), {505}},
    };

    expect_exchanges(sent, sizeof sent / sizeof sent[0]);
}
END_TEST

START_TEST(a_request_that_does_not_end_is_given_up)
{
    static const struct exchange sent[] = {
        {BYTES(ONE), {408}},
        {BYTES("POST /echo HTTP/1.0\r\nContent-Length: 9\r\n\r\nshort"),
         {408}},
    };

    expect_exchanges(sent, sizeof sent / sizeof sent[0]);
}
END_TEST

/* Sum of a number in what /stats?json says of all pools. */
static unsigned long stats_sum(const char *key)
{
    struct http_client *client = expect(GET("/stats?json"), 200, NULL, 0);
    unsigned long sum = 0;

    for (const char *at = client->body; (at = strstr(at, key)) != NULL;) {
        at += strlen(key);
        sum += strtoul(at, NULL, 10);
    }
    http_close(client);
    return sum;
}

/* A request that its pool has refused leaves that in the numbers of the pool
 * above, once its own pool is gone. */
START_TEST(a_refusal_is_seen_when_its_pool_is_gone)
{
    const struct timespec moment = {.tv_nsec = 10000000};
    unsigned tries = 0;

    unsigned long before = stats_sum("\"gone_refused_size\": ");
    http_close(post(180000, "Expect: 100-continue\r\n", false, 413));
    while (stats_sum("\"gone_refused_size\": ") == before) {
        ck_assert_uint_lt(++tries, 1000);
        nanosleep(&moment, NULL);
    }
}
END_TEST

START_TEST(the_pools_can_be_seen)
{
    struct http_client *client = expect(GET("/stats"), 200, NULL, 0);

    ck_assert_ptr_nonnull(strstr(client->body, "httpd\n"));
    http_close(client);
    client = expect(GET("/stats?metrics"), 200, NULL, 0);
    has(client, "Content-Type: application/openmetrics-text; .*");
    ck_assert_ptr_nonnull(
        strstr(client->body, "\nmempool_allocations_total{pool=\"request\"} "));
    ck_assert_ptr_nonnull(strstr(client->body, "\n# EOF\n"));
    http_close(client);
}
END_TEST

START_TEST(a_request_ends_the_server)
{
    static const char bye[] = "The server ends.\n";

    start();
    http_close(expect(LINE("POST /quit") "Content-Length: 0\r\n\r\n", 200,
                      bye, sizeof bye - 1));
    expect_end();
}
END_TEST

START_TEST(wrong_arguments_are_refused)
{
    static const char *const wrong[][5] = {
        {"httpd"},
        {"httpd", "--threads", "0", "/"},
        {"httpd", "--threads", "65", "/"},
        {"httpd", "--capacity", "10", "/"},
        {"httpd", "--port", "65536", "/"},
        {"httpd", "--timeout", "x", "/"},
        {"httpd", "--threads"},
        {"httpd", "/", "more"},
        {"httpd", "--what", "1", "/"},
    };
    static const char *const missing[] = {"httpd", "/nonexistent/www", NULL};
    char text[HTTP_TEXT];

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ck_assert_int_eq(http_run(wrong[i], text), 2);
        ck_assert_ptr_eq(strstr(text, "usage: "), text);
    }
    ck_assert_int_eq(http_run(missing, text), 1);
    ck_assert_ptr_nonnull(strstr(text, "/nonexistent/www: "));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("httpd");
    TCase *answers = support_case(suite, "answers");
    TCase *impatient = support_case(suite, "impatient");
    TCase *process = support_case(suite, "process");

    tcase_add_checked_fixture(answers, start, stop);
    tcase_add_test(answers, a_file_is_served_with_its_type);
    tcase_add_test(answers, a_head_has_the_length_and_no_body);
    tcase_add_test(answers, what_is_not_there_is_not_found);
    tcase_add_test(answers,
                   a_path_that_leads_up_or_is_not_well_formed_is_refused);
    tcase_add_test(answers, a_method_that_it_lacks_is_refused);
    tcase_add_test(answers, a_request_is_echoed);
    tcase_add_test(answers, a_body_too_large_for_the_pool_is_refused);
    tcase_add_test(answers, headers_too_large_for_the_pool_are_refused);
    tcase_add_test(answers, a_connection_serves_many_requests);
    tcase_add_test(answers, requests_are_sent_without_waiting_for_answers);
    tcase_add_test(answers,
                   a_broken_request_is_refused_and_ends_the_connection);
    tcase_add_test(answers, the_pools_can_be_seen);
    tcase_add_test(answers, a_refusal_is_seen_when_its_pool_is_gone);
    tcase_add_checked_fixture(impatient, start_impatient, stop);
    tcase_add_test(impatient, a_request_that_does_not_end_is_given_up);
    tcase_add_test(process, a_request_ends_the_server);
    tcase_add_test(process, wrong_arguments_are_refused);

    int status = http_files_make() ? support_run(suite) : EXIT_FAILURE;
    http_files_remove();
    return status;
}
