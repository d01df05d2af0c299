/* SPDX-License-Identifier: MIT
 *
 * check_print.c - what mp_stats_print() and mp_map() write.
 *
 * Text, JSON and pictures are read by small readers of this file, which know
 * just enough to refuse what is not whole, and compared with what is live.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "view.h"

/* What a function wrote into a stream, to be freed. */
static char *output(memory_pool_t *mp, int format)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);

    POOLS_EXPECT(stream != NULL);
    errno = SUPPORT_ERRNO;
    POOLS_EXPECT((format < 0 ? mp_map(mp, stream)
                             : mp_stats_print(mp, stream,
                                              (mp_format_t)format)) == 0);
    POOLS_EXPECT(errno == SUPPORT_ERRNO);
    fclose(stream);
    return text;
}

/* Reads one JSON value; NULL: it is none. */
static const char *json_value(const char *at);

static const char *json_blank(const char *at)
{
    return at + strspn(at, " \n");
}

static const char *json_string(const char *at)
{
    if (*at++ != '"') {
        return NULL;
    }
    while (*at != '"') {
        if ((unsigned char)*at < 0x20) {
            return NULL;
        }
        if (*at == '\\') {
            at++;
            if (*at == 'u' && strspn(at + 1, "0123456789abcdef") >= 4) {
                at += 4;
            } else if (*at != '"' && *at != '\\') {
                return NULL;
            }
        }
        at++;
    }
    return at + 1;
}

static const char *json_list(const char *at, bool object)
{
    char end = object ? '}' : ']';

    at = json_blank(at + 1);
    if (*at == end) {
        return at + 1;
    }
    for (;;) {
        if (object) {
            at = json_string(json_blank(at));
            if (at == NULL || *at++ != ':') {
                return NULL;
            }
        }
        at = json_value(at);
        if (at == NULL) {
            return NULL;
        }
        at = json_blank(at);
        if (*at == end) {
            return at + 1;
        }
        if (*at++ != ',') {
            return NULL;
        }
    }
}

static const char *json_value(const char *at)
{
    at = json_blank(at);
    if (*at == '{' || *at == '[') {
        return json_list(at, *at == '{');
    }
    if (*at == '"') {
        return json_string(at);
    }
    if (strncmp(at, "null", 4) == 0) {
        return at + 4;
    }
    size_t digits = strspn(at, "0123456789");
    return digits == 0 ? NULL : at + digits;
}

static void expect_json(const char *text)
{
    const char *end = json_value(text);

    POOLS_EXPECT(end != NULL);
    POOLS_EXPECT(*json_blank(end) == '\0');
}

/* Every element ends where it should, and no character stands where it may
 * not. */
static void expect_xml(const char *text)
{
    char open[16][16];
    size_t depth = 0;
    const char *at = strstr(text, "?>");

    POOLS_EXPECT(strncmp(text, "<?xml ", 6) == 0 && at != NULL);
    for (at += 2; *at != '\0'; at++) {
        char name[16];
        int length = 0;
        if (*at == '&') {
            POOLS_EXPECT(sscanf(at, "&#%15[0-9];%n", name, &length) == 1 &&
                         length > 0);
        }
        if (*at != '<') {
            POOLS_EXPECT(*at == '\n' || (unsigned char)*at >= 0x20);
            continue;
        }
        bool closes = at[1] == '/';
        POOLS_EXPECT(sscanf(at + 1 + closes, "%15[a-z]", name) == 1);
        at = strchr(at + 1, '>');
        POOLS_EXPECT(at != NULL);
        if (closes) {
            POOLS_EXPECT(depth > 0 && strcmp(open[--depth], name) == 0);
        } else if (at[-1] != '/') {
            POOLS_EXPECT(depth < 16);
            strcpy(open[depth++], name);
        }
    }
    POOLS_EXPECT(depth == 0);
}

static size_t count_of(const char *text, const char *what)
{
    size_t count = 0;

    while ((text = strstr(text, what)) != NULL) {
        text += strlen(what);
        count++;
    }
    return count;
}

START_TEST(statistics_are_printed_as_text_and_json)
{
    struct view *view = view_start(_i, 3);
    memory_pool_t *mp = view->mp;
    char line[80];

    for (unsigned n = 0; n < 500; n++) {
        view_step(view);
    }
    char *text = output(mp, MP_JSON);
    expect_json(text);
    snprintf(line, sizeof line, "\"live_bytes\": %zu,", view->bytes);
    POOLS_EXPECT(strstr(text, line) != NULL);
    snprintf(line, sizeof line, "\"live_objects\": %zu,", view->count);
    POOLS_EXPECT(strstr(text, line) != NULL);
    free(text);
    text = output(mp, MP_TEXT);
    snprintf(line, sizeof line, "  %-16s %20zu\n", "live_bytes", view->bytes);
    POOLS_EXPECT(strstr(text, line) != NULL);
    free(text);
    view_end(view, _i);
}
END_TEST

/* The lengths of the picture's rectangles of a class, in cells. */
static size_t cells_of(const char *text, const char *class)
{
    char open[32];
    size_t cells = 0;

    snprintf(open, sizeof open, "<path class='%s' d='", class);
    while ((text = strstr(text, open)) != NULL) {
        const char *end = strchr(text + strlen(open), '\'');
        while ((text = strchr(text + 1, 'h')) != NULL && text < end) {
            if (text[1] != '-') {
                cells += (strtoul(text + 1, NULL, 10) + 1) / 8;
            }
        }
        text = end;
    }
    return cells;
}

/* Those of live cells, which have a class for each class of sizes. */
static size_t live_cells_of(const char *text)
{
    size_t cells = 0;

    for (int i = 0; i < 6; i++) {
        char class[3] = {'l', (char)('0' + i), '\0'};
        cells += cells_of(text, class);
    }
    return cells;
}

START_TEST(a_map_shows_every_block_and_live_cell)
{
    memory_pool_t *mp = pools_make(_i);
    char line[80];
    mp_stats_t stats;

    char *text = output(mp, -1);
    expect_xml(text);
    POOLS_EXPECT(strstr(text, ">live: 0 bytes in 0 objects;") != NULL);
    POOLS_EXPECT(live_cells_of(text) == 0);
    free(text);
    struct view *view = view_new(mp, 4);
    for (unsigned n = 0; n < 300; n++) {
        size_t size = 1 + support_below(&view->random, 300);
        view_add(view, mp_allocate(mp, size), size);
        if (n % 100 == 99) {
            POOLS_EXPECT(mp_mark(mp).number != 0);
        }
    }
    for (unsigned n = 0; n < 150; n++) {
        free_memory(mp, view->at[n]);
        view_remove(view, n);
    }
    text = output(mp, -1);
    expect_xml(text);
    snprintf(line, sizeof line, ">live: %zu bytes in %zu objects;",
             view->bytes, view->count);
    POOLS_EXPECT(strstr(text, line) != NULL);
    POOLS_EXPECT(mp_stats(mp, &stats) == 0);
    POOLS_EXPECT(count_of(text, ">block at 0x") == stats.blocks);
    POOLS_EXPECT(count_of(text, ", of mark ") >= 3 || pools_tracked(_i));
    if (pools_tracked(_i)) {
        POOLS_EXPECT(live_cells_of(text) == 0); /* they lie in no block */
    } else if (strstr(text, "a cell is 16 bytes;") != NULL) {
        size_t live = 0;
        for (size_t i = 0; i < view->count; i++) {
            live += (view->size[i] + 15) / 16;
        }
        POOLS_EXPECT(live_cells_of(text) == live);
        POOLS_EXPECT(pools_kinds[_i].source == POOLS_BUFFER ||
                     cells_of(text, "h") == 0);
    } else {
        POOLS_EXPECT(pools_kinds[_i].source == POOLS_BUFFER);
    }
    free(text);
    view_end(view, _i);
}
END_TEST

/* In no font of usual width does a line of words end beyond the picture. */
static void expect_short_lines(const char *text)
{
    const char *end;

    while ((text = strstr(text, "<text ")) != NULL) {
        text = strchr(text, '>');
        end = text == NULL ? NULL : strchr(text, '<');
        POOLS_EXPECT(end != NULL && end - text < 150);
        text = end;
    }
}

/* A pool with many blocks and bytes has a picture that is no longer than
 * others; 0: large objects, 1: small ones, 2: thousands of blocks. */
START_TEST(the_map_of_a_large_pool_is_no_longer_than_others)
{
    static const size_t sizes[] = {100000, 512, 300000};
    const mp_options_t options = {.threads = MP_THREADS_LOCKED};
    memory_pool_t *mp = mp_create(_i == 1 ? NULL : &options);
    size_t total = _i == 2 ? 600000000 : 100000000;

    for (size_t bytes = 0; bytes < total; bytes += sizes[_i]) {
        void *object = mp_allocate(mp, sizes[_i]);
        POOLS_EXPECT(object != NULL);
        if (bytes / sizes[_i] % 3 == 0) {
            free_memory(mp, object);
        }
    }
    char *text = output(mp, -1);
    expect_xml(text);
    expect_short_lines(text);
    POOLS_EXPECT(strlen(text) < 2000000 && strlen(text) > 10000);
    POOLS_EXPECT(strstr(text, ", filled from its bottom") != NULL);
    POOLS_EXPECT(live_cells_of(text) > 1000);
    /* Holes are seen, also those that are less than half of each cell. */
    POOLS_EXPECT(_i != 1 || strstr(text, "<path class='f' d='M") != NULL);
    POOLS_EXPECT(_i != 1 || strstr(text, " free pieces of ") != NULL);
    POOLS_EXPECT(strstr(text, " objects; live: ") != NULL);
    POOLS_EXPECT(_i != 2 || strstr(text, " more blocks<") != NULL);
    free(text);
    destroy_memory_pool(mp);
}
END_TEST

/* 63 bytes, which is all that is kept of a name. */
#define LONG_NAME \
    "0123456789012345678901234567890123456789012345678901234567890\xc3\xa4"

/* Whatever bytes a name has, what is written is whole. */
START_TEST(any_bytes_in_a_name_leave_the_output_well_formed)
{
    static const char *const names[] = {
        "plain", "a\"b\\c<d>&e'f", "\n\t\x01", "\xc3\xa4\xe2\x82\xac",
        "\xff\xc0\x80\xed\xa0\x80\xf8", "\xf0\x9f\x98\x80 \xe2\x82",
        LONG_NAME "\xc3\xa4", "", "\x7f\xc2\x9b\xe2\x80\xa8"};
    static const char *const json[] = {
        "plain", "a\\\"b\\\\c<d>&e'f", "\\u000a\\u0009\\u0001",
        "\xc3\xa4\xe2\x82\xac",
        "\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd",
        "\xf0\x9f\x98\x80 \\ufffd\\ufffd",
        LONG_NAME, "", "\\u007f\\u009b\\u2028"};
    mp_options_t options = {.name = names[_i]};
    char line[200];

    memory_pool_t *mp = mp_create(&options);
    snprintf(line, sizeof line, "{\"name\": \"%s\",\n", json[_i]);
    char *text = output(mp, MP_JSON);
    expect_json(text);
    ck_assert_msg(strncmp(text, line, strlen(line)) == 0, "%s", text);
    free(text);
    text = output(mp, -1);
    expect_xml(text);
    POOLS_EXPECT(_i != 1 ||
                 strstr(text, ">a&#34;b\\c&#60;d&#62;&#38;e&#39;f<") != NULL);
    free(text);
    text = output(mp, MP_TEXT);
    POOLS_EXPECT(strncmp(text, json[_i], strlen(json[_i])) == 0 &&
                 text[strlen(json[_i])] == '\n');
    free(text);
    destroy_memory_pool(mp);
}
END_TEST

/* By name, each on one line, whatever is in the name; those of more names than
 * are told apart stand together. */
START_TEST(children_that_are_gone_are_printed_by_name)
{
    memory_pool_t *top = mp_create(NULL);
    char name[40] = "a\"b\n";

    for (int i = 0; i < 24; i++) {
        mp_options_t options = {
            .parent = top, .capacity = 500, .name = i == 3 ? NULL : name};
        memory_pool_t *child = mp_create(&options);
        POOLS_EXPECT(mp_allocate(child, 300) != NULL);
        POOLS_EXPECT(mp_allocate(child, 300) == NULL);
        mp_destroy(child);
        if (i >= 3) {
            snprintf(name, sizeof name, "name%d", i);
        }
    }
    char *text = output(top, MP_JSON);
    expect_json(text);
    POOLS_EXPECT(strstr(text, "\"gone_children\": 24,") != NULL);
    POOLS_EXPECT(strstr(text, "\"gone_refused_full\": 24,") != NULL);
    POOLS_EXPECT(strstr(text, "{\"pools\": 3, \"name\": \"a\\\"b\\u000a\", "
                              "\"others\": 0, \"allocations\": 3, "
                              "\"refused_size\": 0, \"refused_full\": 3, "
                              "\"refused_memory\": 0, "
                              "\"peak_bytes\": 300}") != NULL);
    POOLS_EXPECT(strstr(text, "{\"pools\": 1, \"name\": null, "
                              "\"others\": 0, ") != NULL);
    POOLS_EXPECT(strstr(text, "\"name\": \"name17\"") != NULL);
    POOLS_EXPECT(strstr(text, "{\"pools\": 5, \"name\": null, "
                              "\"others\": 1, ") != NULL);
    POOLS_EXPECT(count_of(text, "{\"pools\": ") == 18);
    free(text);
    text = output(top, MP_TEXT);
    char line[200];
    snprintf(line, sizeof line, "\n  %16d %20d %16d %16d  %s\n", 3, 3, 3, 300,
             "a\\\"b\\u000a");
    POOLS_EXPECT(strstr(text, line) != NULL);
    POOLS_EXPECT(strstr(text, "  (no name)\n") != NULL);
    POOLS_EXPECT(strstr(text, "  (others)\n") != NULL);
    free(text);
    /* What a pool keeps of others goes on by their names. */
    memory_pool_t *above = mp_create(NULL);
    mp_options_t options = {.parent = above, .name = "middle"};
    memory_pool_t *middle = mp_create(&options);
    options.parent = middle;
    options.name = "low";
    mp_destroy(mp_create(&options));
    mp_destroy(middle);
    text = output(above, MP_JSON);
    POOLS_EXPECT(strstr(text, "{\"pools\": 1, \"name\": \"low\"") != NULL);
    POOLS_EXPECT(strstr(text, "{\"pools\": 1, \"name\": \"middle\"") != NULL);
    free(text);
    mp_destroy(above);
    mp_destroy(top);
}
END_TEST

/* Each kind says in both formats what it is. */
START_TEST(the_kind_of_a_pool_and_why_are_printed)
{
    static const char *const words[] = {
        [MP_KIND_CACHED] = "cached",   [MP_KIND_COUNTED] = "counted",
        [MP_KIND_LOCKED] = "locked",   [MP_KIND_TRACKED] = "tracked",
    };
    memory_pool_t *mp = pools_make(_i);
    const char *why;
    const char *word = words[mp_kind(mp, &why)];
    char line[200];

    ck_assert_msg(strncmp(why, word, strlen(word)) == 0 &&
                      why[strlen(word)] == ':',
                  "%s", why);
    char *text = output(mp, MP_JSON);
    snprintf(line, sizeof line, "\"kind\": \"%s\",\n \"why\": \"%s\",", word,
             why);
    ck_assert_msg(strstr(text, line) != NULL, "%s", text);
    free(text);
    text = output(mp, MP_TEXT);
    snprintf(line, sizeof line, "\n  %s\n", why);
    ck_assert_msg(strstr(text, line) != NULL, "%s", text);
    free(text);
    pools_end(mp, _i);
}
END_TEST

START_TEST(children_are_printed_below_their_parents)
{
    mp_options_t options = {.name = "top"};
    memory_pool_t *top = mp_create(&options);
    mp_stats_t stats;
    char line[40];

    options.parent = top;
    for (int i = 0; i < 3; i++) {
        snprintf(line, sizeof line, "child%d", i);
        options.name = line;
        memory_pool_t *child = mp_create(&options);
        POOLS_EXPECT(mp_allocate(child, 100) != NULL);
        for (int j = 0; j < i; j++) {
            mp_options_t below = {.name = "below", .parent = child};
            POOLS_EXPECT(mp_create(&below) != NULL);
        }
        POOLS_EXPECT(mp_stats(child, &stats) == 0 &&
                     stats.children == (size_t)i);
    }
    POOLS_EXPECT(mp_stats(top, &stats) == 0 && stats.children == 3 &&
                 stats.live_objects == 0);
    char *text = output(top, MP_JSON);
    expect_json(text);
    POOLS_EXPECT(count_of(text, "\"name\": \"child") == 3);
    POOLS_EXPECT(count_of(text, "\"name\": \"below\"") == 3);
    POOLS_EXPECT(count_of(text, "\"children_count\": 1,") == 1);
    free(text);
    text = output(top, MP_TEXT);
    POOLS_EXPECT(strncmp(text, "top\n", 4) == 0);
    POOLS_EXPECT(count_of(text, "\n    child") == 3);
    POOLS_EXPECT(count_of(text, "\n        below\n") == 3);
    free(text);
    destroy_memory_pool(top);
}
END_TEST

START_TEST(a_stream_that_fails_is_answered_by_its_errno)
{
    memory_pool_t *mp = mp_create(NULL);
    FILE *stream = fopen("/dev/full", "w");

    if (stream == NULL) {
        destroy_memory_pool(mp);
        return; /* no such system */
    }
    for (int i = 0; i < 3; i++) {
        errno = 0;
        POOLS_EXPECT((i == 2 ? mp_map(mp, stream)
                             : mp_stats_print(mp, stream,
                                              (mp_format_t)i)) == -1);
        POOLS_EXPECT(errno == ENOSPC);
    }
    fclose(stream);
    POOLS_EXPECT(mp_check(mp) == 0);
    destroy_memory_pool(mp);
}
END_TEST

/* Each wrong argument is refused in silence. */
START_TEST(a_wrong_argument_of_a_printer_is_refused_in_silence)
{
    memory_pool_t *mp = init_memory_pool();
    FILE *stream = tmpfile();

    POOLS_EXPECT(mp != NULL && stream != NULL);
    support_capture();
    for (int i = 0; i < 5; i++) {
        errno = 0;
        int answer = i == 0   ? mp_stats_print(NULL, stream, MP_TEXT)
                     : i == 1 ? mp_stats_print(mp, NULL, MP_JSON)
                     : i == 2 ? mp_stats_print(mp, stream, (mp_format_t)3)
                     : i == 3 ? mp_map(NULL, stream)
                              : mp_map(mp, NULL);
        POOLS_EXPECT(answer == -1 && errno == EINVAL);
    }
    support_release_lines("", 0);
    POOLS_EXPECT(ftell(stream) == 0);
    fclose(stream);
    destroy_memory_pool(mp);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("print");
    TCase *kinds = support_case(suite, "kinds");
    TCase *single = support_case(suite, "single");

    tcase_add_loop_test(kinds, statistics_are_printed_as_text_and_json, 0,
                        pools_count);
    tcase_add_loop_test(kinds, a_map_shows_every_block_and_live_cell, 0,
                        pools_count);
    tcase_add_loop_test(single,
                        the_map_of_a_large_pool_is_no_longer_than_others, 0,
                        3);
    tcase_add_loop_test(single,
                        any_bytes_in_a_name_leave_the_output_well_formed, 0,
                        9);
    tcase_add_loop_test(kinds, the_kind_of_a_pool_and_why_are_printed, 0,
                        pools_count);
    tcase_add_test(single, children_that_are_gone_are_printed_by_name);
    tcase_add_test(single, children_are_printed_below_their_parents);
    tcase_add_test(single, a_stream_that_fails_is_answered_by_its_errno);
    tcase_add_test(single,
                   a_wrong_argument_of_a_printer_is_refused_in_silence);
    return support_run(suite);
}
