/* SPDX-License-Identifier: MIT
 *
 * check_httpd.c - httpd answers right, whatever is sent.
 *
 * Each test has a server of its own, which ends by a signal, says that nothing
 * is left in its pools, and exits with 0.  Bodies are compared to the byte.
 * What many clients at once do to it is in check_httpd_load.c.
 *
 * What it cannot do: test how requests are parsed.  libmicrohttpd does that.
 */
#include <regex.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "http.h"
#include "support.h"

static struct http_server server;

static void start(void)
{
    ck_assert(http_start(&server, "--timeout", "600"));
}

/* All its pools together may hold less than two bodies of 60,000 bytes. */
static void start_small(void)
{
    ck_assert(http_start(&server, "--limit", "100000"));
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
        "something is left: %s", text);
}

static void stop(void)
{
    ck_assert_int_eq(kill(server.pid, SIGTERM), 0);
    expect_end();
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
    ck_assert_msg(http_receive(client, false), "no answer to: %.99s", bytes);
    ck_assert_msg(http_is(client, status, body, length),
                  "%d and %zu bytes, not %d and %zu, for: %.99s",
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

/* The last answer is the server's own refusal: its status line's end. */
static void is_refusal(const struct http_client *client, int status)
{
    char begin[8];

    snprintf(begin, sizeof begin, "%d ", status);
    ck_assert_msg(strncmp(client->body, begin, strlen(begin)) == 0 &&
                      client->length > strlen(begin) + 1 &&
                      client->body[client->length - 1] == '\n',
                  "no refusal: %s", client->body);
}

static struct http_client *expect_refusal(const char *request, int status)
{
    struct http_client *client = expect(request, status, NULL, 0);

    is_refusal(client, status);
    return client;
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
        ck_assert(client->keep);
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

/* Nothing leads out of the directory. */
START_TEST(what_is_not_there_is_not_found)
{
    static const char *const requests[] = {
        GET("/missing"), GET("/sub"), GET("/sub/"), GET("/small.txt/"),
        GET("/link"), GET("/sub/up/www/small.txt"), GET("/small.txt/x"),
        GET("/../secret"), GET("/sub/../small.txt"), GET("/%2e%2e/secret"),
        GET("/sub/.."), GET("/x%2f..%2f../secret")};
    char name[301], request[400];

    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        struct http_client *client = expect_refusal(requests[i], 404);
        ck_assert(client->keep);
        http_close(client);
    }
    memset(name, '0', 300);
    name[300] = '\0';
    snprintf(request, sizeof request, LINE("GET /%s") "\r\n", name);
    http_close(expect_refusal(request, 404));
}
END_TEST

START_TEST(a_method_that_it_lacks_is_refused)
{
    static const char *const requests[] = {
        LINE("DELETE /one") "\r\n", LINE("BREW /echo") "\r\n",
        LINE("POST /one") "Content-Length: 1\r\n\r\nx",
        LINE("POST /metrics") "Content-Length: 0\r\n\r\n",
        GET("/quit"), GET("/echo")};

    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        struct http_client *client = expect_refusal(requests[i], 405);
        has(client, "Allow: GET, HEAD, POST");
        ck_assert(client->keep);
        http_close(client);
    }
    http_close(expect_refusal(LINE("POST /echo") "Transfer-Encoding: chunked"
                                                 "\r\n\r\n1\r\nx\r\n0\r\n\r\n",
                              411));
}
END_TEST

/* Sum of a number in what /stats.json says of all pools. */
static unsigned long stats_sum(const char *key)
{
    struct http_client *client = expect(GET("/stats.json"), 200, NULL, 0);
    unsigned long sum = 0;

    for (const char *at = client->body; (at = strstr(at, key)) != NULL;) {
        at += strlen(key);
        sum += strtoul(at, NULL, 10);
    }
    http_close(client);
    return sum;
}

/* Waits until that sum has become as small, or as large. */
static void wait_for_sum(const char *key, unsigned long least,
                         unsigned long most)
{
    const struct timespec moment = {.tv_nsec = 10000000};
    unsigned tries = 0;

    for (;;) {
        unsigned long sum = stats_sum(key);
        if (sum >= least && sum <= most) {
            return;
        }
        ck_assert_msg(++tries < 1000, "%s%lu", key, sum);
        nanosleep(&moment, NULL);
    }
}

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
        /* The answer comes behind such a body. */
        if (strstr(headers, "Expect: ") == NULL && length <= HTTP_LARGE) {
            http_send(client, body, length);
        }
        expect_on(client, "", 0, status, NULL, 0);
        is_refusal(client, status);
    }
    return client;
}

START_TEST(a_body_is_echoed)
{
    struct http_client *client =
        post(40000, "Content-Type: text/x-some\r\n", false, 200);

    has(client, "Content-Type: text/x-some");
    http_close(client);
    http_close(post(40000, "Expect: 100-continue\r\n", true, 200));
    http_close(post(0, "", false, 200));
}
END_TEST

/* The answer comes where the body is sent, and where it is not. */
START_TEST(a_body_too_large_for_the_pool_is_refused)
{
    struct http_client *client = http_connect(&server);
    static char request[200000] =
        LINE("POST /echo") "Content-Length: 180000\r\n\r\n";
    static const char one[] = GET("/one");
    size_t length = strlen(request);

    ck_assert_ptr_nonnull(client);
    memset(request + length, 'x', 180000);
    expect_on(client, request, length + 180000, 413, NULL, 0);
    is_refusal(client, 413);
    ck_assert(client->keep);
    expect_on(client, one, sizeof one - 1, 200, "x", 1);
    http_close(client);
    http_close(post(180000, "Expect: 100-continue\r\n", false, 413));
    http_close(post(65500, "Expect: 100-continue\r\n", false, 413));
    http_close(post(2000000, "", false, 413));
    http_close(expect(
        LINE("POST /echo") "Content-Length: 99999999999999999999999\r\n\r\n",
        413, NULL, 0));
}
END_TEST

/* Of the bodies that fit the longest fills the pool to its last byte. */
START_TEST(a_full_pool_has_room_to_refuse)
{
    const char *body = http_file("large.json").bytes;
    struct http_client *client = http_connect(&server);
    size_t length = 65500;
    char head[100];

    ck_assert_ptr_nonnull(client);
    do {
        snprintf(head, sizeof head,
                 LINE("POST /one") "Content-Length: %zu\r\n\r\n", --length);
        ck_assert(http_send(client, head, strlen(head)));
        ck_assert(http_send(client, body, length));
        ck_assert(http_receive(client, false));
    } while (client->status == 413);
    ck_assert_int_eq(client->status, 405);
    is_refusal(client, 405);
    http_close(client);
}
END_TEST

/* One request holds what the server has, while another needs as much. */
START_TEST(a_body_for_which_the_server_has_no_room_is_refused)
{
    static const char head[] =
        LINE("POST /echo") "Content-Length: 60000\r\n\r\n";
    const char *body = http_file("large.json").bytes;
    struct http_client *first = http_connect(&server);

    ck_assert_ptr_nonnull(first);
    ck_assert(http_send(first, head, sizeof head - 1));
    ck_assert(http_send(first, body, 30000));
    wait_for_sum("\"live_bytes\": ", 60000, 70000);
    http_close(post(60000, "", false, 503));
    http_close(post(60000, "Expect: 100-continue\r\n", false, 503));
    expect_on(first, body + 30000, 30000, 200, body, 60000);
    http_close(first);
    wait_for_sum("\"live_bytes\": ", 0, 10000);
    http_close(post(60000, "", false, 200));
}
END_TEST

START_TEST(a_connection_serves_many_requests)
{
    struct http_client *client = expect_file(GET("/one"), "one");
    struct http_file large = http_file("large.json");
    static const char missing[] = GET("/missing"), last[] = GET("/large.json");

    expect_on(client, missing, sizeof missing - 1, 404, NULL, 0);
    is_refusal(client, 404);
    expect_on(client, last, sizeof last - 1, 200, large.bytes, large.length);
    http_close(client);
}
END_TEST

/* The answers that the bytes get until the server ends the connection: their
 * statuses, up to a 0. */
static void expect_statuses(const char *bytes, const int *statuses)
{
    struct http_client *client = http_connect(&server);

    ck_assert_ptr_nonnull(client);
    ck_assert(http_send(client, bytes, strlen(bytes)));
    for (; *statuses != 0; statuses++) {
        ck_assert_msg(http_receive(client, false), "no %d for: %s",
                      *statuses, bytes);
        ck_assert_int_eq(client->status, *statuses);
    }
    ck_assert_msg(!http_receive(client, false), "%d more for: %s",
                  client->status, bytes);
    http_close(client);
}

#define ONE LINE("GET /small.txt")

START_TEST(requests_are_sent_without_waiting_for_answers)
{
    static const int three[] = {200, 404, 200, 0}, two[] = {200, 200, 0};

    expect_statuses(ONE "\r\nGET /no HTTP/1.1\r\nHOST:h\r\n\r\n" ONE
                        "Connection: x, Close\r\n\r\n", three);
    expect_statuses(LINE("POST /echo") "Content-Length: 8\r\n\r\nGET / x\n"
                    ONE "Connection: close\r\n\r\n", two);
}
END_TEST

START_TEST(what_is_no_request_does_no_harm)
{
    static const char *const sent[] = {
        "GET\r\n\r\n", "\001\002\003\n\n", ONE "No colon\r\n\r\n",
        ONE "Content-Length: x\r\n\r\n", "GET /one HTTP/9.9\r\n\r\n"};

    for (size_t i = 0; i < sizeof sent / sizeof sent[0]; i++) {
        struct http_client *client = http_connect(&server);
        ck_assert_ptr_nonnull(client);
        ck_assert(http_send(client, sent[i], strlen(sent[i])));
        shutdown(client->socket, SHUT_WR);
        while (http_receive(client, false)) {
            ck_assert_int_ne(client->status, 200);
        }
        http_close(client);
        http_close(expect_file(GET("/one"), "one"));
    }
}
END_TEST

/* A request that its pool has refused leaves that in the numbers of the pool
 * above, once its own pool is gone. */
START_TEST(a_refusal_is_seen_when_its_pool_is_gone)
{
    ck_assert_uint_eq(stats_sum("\"gone_refused_size\": "), 0);
    http_close(post(180000, "Expect: 100-continue\r\n", false, 413));
    wait_for_sum("\"gone_refused_size\": ", 1, 1);
}
END_TEST

START_TEST(a_request_that_does_not_end_is_given_up)
{
    static const char *const begun[] = {
        ONE, LINE("POST /echo") "Content-Length: 9\r\n\r\nshort"};
    struct http_client *clients[2];
    char byte;

    for (int i = 0; i < 2; i++) {
        clients[i] = http_connect(&server);
        ck_assert_ptr_nonnull(clients[i]);
        ck_assert(http_send(clients[i], begun[i], strlen(begun[i])));
    }
    for (int i = 0; i < 2; i++) {
        /* The end, and no failure to wait for it. */
        ck_assert_int_eq(recv(clients[i]->socket, &byte, 1, 0), 0);
        http_close(clients[i]);
    }
    /* The log's pool, and that of the request that asks. */
    wait_for_sum("\"children_count\": ", 2, 2);
}
END_TEST

START_TEST(the_statistics_are_served)
{
    struct http_client *client = expect(GET("/stats"), 200, NULL, 0);

    has(client, "Content-Type: text/plain; charset=utf-8");
    ck_assert_ptr_nonnull(strstr(client->body, "httpd\n"));
    ck_assert_ptr_nonnull(strstr(client->body, "  request\n"));
    ck_assert_ptr_nonnull(strstr(client->body, "  log\n"));
    http_close(client);
    client = expect(GET("/stats.json"), 200, NULL, 0);
    has(client, "Content-Type: application/json");
    ck_assert_int_eq(client->body[0], '{');
    http_close(client);
}
END_TEST

START_TEST(a_monitor_sees_what_is_refused)
{
    static const char size[] =
        "\nmempool_refusals_total{pool=\"request\",reason=\"size\"} ";
    static const char end[] = "\n# EOF\n";
    struct http_client *client =
        post(180000, "Expect: 100-continue\r\n", false, 413);

    http_close(client);
    client = expect(GET("/metrics"), 200, NULL, 0);
    has(client, "Content-Type: application/openmetrics-text; "
                "version=1.0.0; charset=utf-8");
    const char *refused = strstr(client->body, size);
    ck_assert_msg(refused != NULL && refused[sizeof size - 1] == '1',
                  "not refused once: %s", client->body);
    ck_assert_str_eq(client->body + client->length - (sizeof end - 1), end);
    http_close(client);
}
END_TEST

/* A picture of the lines of the requests that are over. */
START_TEST(a_picture_of_the_log_is_served)
{
    static const char begin[] = "<?xml ", end[] = "</svg>\n";
    const struct timespec moment = {.tv_nsec = 10000000};
    unsigned lines = 0, tries = 0;

    for (int i = 0; i < 5; i++) {
        http_close(expect_file(GET("/one"), "one"));
    }
    do {
        struct http_client *client = expect(GET("/map"), 200, NULL, 0);
        has(client, "Content-Type: image/svg.xml");
        ck_assert(strncmp(client->body, begin, sizeof begin - 1) == 0);
        ck_assert_str_eq(client->body + client->length - (sizeof end - 1),
                         end);
        ck_assert_ptr_nonnull(strstr(client->body, "<title>log</title>"));
        const char *live = strstr(client->body, "live: ");
        ck_assert_ptr_nonnull(live);
        ck_assert_int_eq(sscanf(live, "live: %*u bytes in %u objects", &lines),
                         1);
        http_close(client);
        ck_assert_uint_lt(++tries, 1000);
        nanosleep(&moment, NULL);
    } while (lines < 5);
    ck_assert_uint_le(lines, 5 + tries);
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
        {"httpd", "--threads", "1", "/"},
        {"httpd", "--threads", "65", "/"},
        {"httpd", "--capacity", "10", "/"},
        {"httpd", "--port", "65536", "/"},
        {"httpd", "--timeout", "x", "/"},
        {"httpd", "--timeout", "-1", "/"},
        {"httpd", "--limit", "1k", "/"},
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
    TCase *small = support_case(suite, "small");
    TCase *impatient = support_case(suite, "impatient");
    TCase *process = support_case(suite, "process");

    if (http_missing()) {
        return 77;
    }
    tcase_add_checked_fixture(answers, start, stop);
    tcase_add_test(answers, a_file_is_served_with_its_type);
    tcase_add_test(answers, a_head_has_the_length_and_no_body);
    tcase_add_test(answers, what_is_not_there_is_not_found);
    tcase_add_test(answers, a_method_that_it_lacks_is_refused);
    tcase_add_test(answers, a_body_is_echoed);
    tcase_add_test(answers, a_body_too_large_for_the_pool_is_refused);
    tcase_add_test(answers, a_full_pool_has_room_to_refuse);
    tcase_add_test(answers, a_connection_serves_many_requests);
    tcase_add_test(answers, requests_are_sent_without_waiting_for_answers);
    tcase_add_test(answers, what_is_no_request_does_no_harm);
    tcase_add_test(answers, the_statistics_are_served);
    tcase_add_test(answers, a_refusal_is_seen_when_its_pool_is_gone);
    tcase_add_test(answers, a_monitor_sees_what_is_refused);
    tcase_add_test(answers, a_picture_of_the_log_is_served);
    tcase_add_checked_fixture(small, start_small, stop);
    tcase_add_test(small, a_body_for_which_the_server_has_no_room_is_refused);
    tcase_add_checked_fixture(impatient, start_impatient, stop);
    tcase_add_test(impatient, a_request_that_does_not_end_is_given_up);
    tcase_add_test(process, a_request_ends_the_server);
    tcase_add_test(process, wrong_arguments_are_refused);

    int status = http_files_make() ? support_run(suite) : EXIT_FAILURE;
    http_files_remove();
    return status;
}
