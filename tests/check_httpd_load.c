/* SPDX-License-Identifier: MIT
 *
 * check_httpd_load.c - httpd keeps nothing of 10,000 requests, good and bad.
 *
 * Eight clients send them.  Afterwards no request but the one that asks may
 * have a pool.  Then they send as many again, which must not make the process
 * larger.  How many requests meet at once is chance, and so is what malloc()
 * keeps for that: a process that grew has some more chances not to grow, while
 * one that loses memory grows each time.
 *
 * With a sanitizer, or MP_TEST_SCALE, there are fewer; a sanitizer's memory is
 * not compared, since it keeps what was freed, nor is memory where there is no
 * /proc.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "http.h"
#include "sanitizer.h"
#include "support.h"

enum { CLIENTS = 8, KINDS = 13, MOST = 200000 };

static struct http_server server;

/* One of the requests of a round, and its answer. */
static struct exchange {
    char *request;
    size_t length;
    int status;
    const char *body;
    size_t body_length;
    unsigned times; /* in a round */
} exchanges[KINDS];
static size_t exchanges_count;
static unsigned exchanges_in_round;

/* Adds a request: its first line and its headers, each with its end; so many
 * bytes of a body; and the answer. */
static void add(unsigned times, const char *head, size_t length, int status,
                const char *body, size_t body_length)
{
    struct exchange *exchange = &exchanges[exchanges_count++];
    size_t room = strlen(head) + 64;

    exchange->request = malloc(room + MOST);
    ck_assert_ptr_nonnull(exchange->request);
    exchange->length = (size_t)snprintf(
        exchange->request, room, length > 0
            ? "%sHost: h\r\nContent-Length: %zu\r\n\r\n" : "%sHost: h\r\n\r\n",
        head, length);
    for (size_t i = 0; i < length; i++) {
        exchange->request[exchange->length++] =
            http_file("large.json").bytes[i % HTTP_LARGE];
    }
    exchange->status = status;
    exchange->body = body;
    exchange->body_length = body_length;
    exchange->times = times;
    exchanges_in_round += times;
}

static void add_file(unsigned times, const char *head, const char *name)
{
    struct http_file file = http_file(name);

    add(times, head, 0, 200, file.bytes, file.length);
}

static void add_refusal(const char *head, size_t length, int status)
{
    add(1, head, length, status, NULL, 0);
}

/* 25 requests of all kinds, five of them refused. */
static void make_round(void)
{
    add_file(4, "GET /one HTTP/1.1\r\n", "one");
    add_file(4, "GET /small.txt HTTP/1.1\r\n", "small.txt");
    add_file(4, "GET /large.json HTTP/1.1\r\n", "large.json");
    add(4, "POST /echo HTTP/1.1\r\n", 40000, 200,
        http_file("large.json").bytes, 40000);
    add_file(1, "GET /sub/a%20b/c%25d.txt HTTP/1.1\r\n", "sub/a b/c%d.txt");
    add_refusal("POST /echo HTTP/1.1\r\n", 180000, 413);
    add_refusal("POST /echo HTTP/1.1\r\n", 65500, 413);
    add_refusal("GET /none HTTP/1.1\r\n", 0, 404);
    add_refusal("GET /../secret HTTP/1.1\r\n", 0, 404);
    add_refusal("DELETE /one HTTP/1.1\r\n", 0, 405);
    add(1, "GET /stats.json HTTP/1.1\r\n", 0, 200, NULL, 0);
    add(1, "GET /metrics HTTP/1.1\r\n", 0, 200, NULL, 0);
    add(1, "GET /map HTTP/1.1\r\n", 0, 200, NULL, 0);
}

/* One request on a connection that is open, or on a new one.  False: another
 * answer, or none. */
static bool ask(struct http_client **client, const struct exchange *exchange)
{
    if (*client == NULL) {
        *client = http_connect(&server);
    }
    if (*client == NULL) {
        return false;
    }
    /* What cannot be sent has no answer. */
    http_send(*client, exchange->request, exchange->length);
    bool right = http_receive(*client, false) &&
                 http_is(*client, exchange->status, exchange->body,
                         exchange->body_length);
    if (!right || !(*client)->keep) {
        http_close(*client);
        *client = NULL;
    }
    return right;
}

/* A client's requests.  Returns its argument where all answers were right. */
static void *run_client(void *argument)
{
    struct http_client *client = NULL;
    bool right = true;

    for (unsigned rounds = *(unsigned *)argument; rounds > 0; rounds--) {
        for (size_t i = 0; i < exchanges_count; i++) {
            for (unsigned n = exchanges[i].times; n > 0 && right; n--) {
                right = ask(&client, &exchanges[i]);
            }
        }
    }
    if (client != NULL) {
        http_close(client);
    }
    return right ? argument : NULL;
}

static void run_clients(unsigned rounds)
{
    pthread_t clients[CLIENTS];
    void *right;

    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i] = support_start(run_client, &rounds);
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        ck_assert_int_eq(pthread_join(clients[i], &right), 0);
        ck_assert_msg(right != NULL, "client %zu: other answers", i);
    }
}

/* A number of the pools with the name, from /stats.json: their sum, or how
 * many they are.  Each member is on a line of its own. */
static unsigned long sum(const char *text, const char *pool,
                         const char *member)
{
    unsigned long total = 0, value;
    bool counts = strcmp(member, "pools") == 0, here = false;
    char name[64], key[64], found[64];

    snprintf(name, sizeof name, "\"name\": \"%s\"", pool);
    snprintf(key, sizeof key, "\"%s\":", member);
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += strspn(line, "\n ");
        /* A pool begins with its name; one that is gone does not. */
        if (strncmp(line, "{\"name\": ", 9) == 0) {
            here = strncmp(line + 1, name, strlen(name)) == 0;
            total += counts && here;
        } else if (here && sscanf(line, "%63s %lu", found, &value) == 2 &&
                   strcmp(found, key) == 0) {
            total += value;
        }
    }
    return total;
}

/* Waits until there is no request but the one that asks, and nothing else but
 * the lines of the log is live. */
static void expect_nothing_kept(void)
{
    static char request[] = "GET /stats.json HTTP/1.1\r\nHost: h\r\n\r\n";
    static const struct exchange question = {
        .request = request, .length = sizeof request - 1, .status = 200};
    const struct timespec pause = {.tv_nsec = 100000000};
    struct http_client *client = NULL;
    unsigned tries = 0;

    do {
        ck_assert(tries == 0 || nanosleep(&pause, NULL) == 0);
        ck_assert(ask(&client, &question));
        ck_assert_msg(++tries < 300, "not at rest: %s", client->body);
    } while (sum(client->body, "request", "pools") != 1);
    const char *text = client->body;
    ck_assert_uint_eq(sum(text, "httpd", "children_count"), 2);
    ck_assert_uint_eq(sum(text, "httpd", "live_objects"), 0);
    ck_assert_uint_eq(sum(text, "log", "live_objects"), 64);
    http_close(client);
}

/* KiB; 0: not known. */
static unsigned long resident(void)
{
    unsigned long found = 0;
    char line[256];

    snprintf(line, sizeof line, "/proc/%ld/status", (long)server.pid);
    FILE *status = SANITIZER_ON ? NULL : fopen(line, "r");
    while (status != NULL && found == 0 &&
           fgets(line, sizeof line, status) != NULL) {
        sscanf(line, "VmRSS: %lu", &found);
    }
    if (status != NULL) {
        fclose(status);
    }
    return found;
}

START_TEST(many_requests_leave_nothing)
{
    unsigned rounds = support_times(25, 5), chances = 8;
    unsigned long answered = 0, sent = 0, before, after = 0;
    char text[HTTP_TEXT];

    make_round();
    ck_assert_uint_eq(exchanges_in_round, 25);
    ck_assert(http_start(&server, "--timeout", "600"));
    do {
        before = after;
        run_clients(rounds);
        sent += (unsigned long)rounds * CLIENTS * exchanges_in_round;
        expect_nothing_kept();
        after = resident();
        printf("resident: %lu KiB%s\n", after, after == 0 ? ", not known" : "");
    } while (after > before / 20 * 21 + 256 && chances-- > 0);
    ck_assert_msg(after <= before / 20 * 21 + 256,
                  "it grew from %lu to %lu KiB", before, after);

    ck_assert_int_eq(kill(server.pid, SIGTERM), 0);
    ck_assert_int_eq(http_wait(&server, text), 0);
    const char *summary = strstr(text, "\nhttpd: ");
    ck_assert_ptr_nonnull(summary);
    ck_assert_int_eq(sscanf(summary, " httpd: %lu requests, 0 objects and 0"
                                     " pools left\nhttpd: ", &answered), 1);
    ck_assert_uint_ge(answered, sent);
    ck_assert_ptr_nonnull(strstr(
        summary, "\nhttpd: 8388608 bytes free of 8388608\n"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("httpd_load");
    TCase *load = support_case(suite, "load");

    tcase_add_test(load, many_requests_leave_nothing);
    if (http_missing()) {
        return 77;
    }
    int status = http_files_make() ? support_run(suite) : EXIT_FAILURE;
    http_files_remove();
    return status;
}
