/* SPDX-License-Identifier: MIT
 *
 * check_gone.c - what pools did that are gone: in mp_stats(), and by name in
 * the text of MP_OPENMETRICS.
 *
 * That text is read here by the rules of OpenMetrics.  openmetrics.sh hands it
 * to the tool of Prometheus.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pools.h"
#include "threads.h"

/* A child of a kind does some work, is refused, has a child itself, and
 * ends. */
static void gone_child(memory_pool_t *parent, int kind, const char *name)
{
    mp_options_t options = pools_kinds[kind].options;

    options.parent = parent;
    options.name = name;
    options.report = NULL;
    options.capacity = 1000;
    options.max_object = 0;
    memory_pool_t *child = mp_create(&options);
    options.parent = child;
    options.name = "below";
    memory_pool_t *below = mp_create(&options);
    POOLS_EXPECT(child != NULL && below != NULL);
    for (unsigned i = 0; i < 3; i++) {
        POOLS_EXPECT(mp_allocate(child, 100) != NULL);
    }
    mp_free(child, mp_allocate(child, 200));
    POOLS_EXPECT(mp_allocate(child, 900) == NULL); /* full */
    POOLS_EXPECT(mp_allocate(child, 1001) == NULL); /* never */
    POOLS_EXPECT(mp_allocate(below, 100) != NULL);
    POOLS_EXPECT(mp_allocate(below, 900) == NULL);
    mp_destroy(child);
}

START_TEST(what_children_did_stays_when_they_are_gone)
{
    memory_pool_t *mp = mp_create(NULL);
    mp_stats_t stats;

    for (unsigned i = 1; i <= 2; i++) {
        gone_child(mp, _i, i == 1 ? "some" : NULL);
        POOLS_EXPECT(mp_stats(mp, &stats) == 0);
        ck_assert_uint_eq(stats.gone_children, 2 * i);
        ck_assert_uint_eq(stats.gone_allocations, 5 * i);
        ck_assert_uint_eq(stats.gone_refused_full, 2 * i);
        ck_assert_uint_eq(stats.gone_refused_size, i);
        ck_assert_uint_eq(stats.gone_refused_memory, 0);
        POOLS_EXPECT(stats.gone_peak_bytes >= 500 &&
                     stats.gone_peak_bytes <= 1000);
        POOLS_EXPECT(stats.children == 0 && stats.allocations == 0 &&
                     stats.refused_full == 0);
    }
    /* A reset ends children, too, and forgets nothing. */
    POOLS_EXPECT(mp_create(&(mp_options_t){.parent = mp}) != NULL);
    mp_reset(mp);
    POOLS_EXPECT(mp_stats(mp, &stats) == 0 && stats.gone_children == 5);
    mp_destroy(mp);
    /* A pool that is made again knows nothing of that. */
    mp = mp_create(NULL);
    POOLS_EXPECT(mp_stats(mp, &stats) == 0 && stats.gone_children == 0);
    mp_destroy(mp);
}
END_TEST

/* Several threads end children of one pool, by more names than are told
 * apart. */
static void *end_children(void *argument)
{
    char name[32];

    for (unsigned i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "child %u", i % 40);
        memory_pool_t *child = mp_create(
            &(mp_options_t){.parent = argument, .name = name, .capacity = 99});
        if (child == NULL || mp_allocate(child, 10) == NULL ||
            mp_allocate(child, 90) != NULL) {
            return (void *)1;
        }
        mp_destroy(child);
    }
    return NULL;
}

START_TEST(no_child_is_lost_of_several_threads_and_many_names)
{
    memory_pool_t *mp = mp_create(NULL);
    mp_stats_t stats;

    ck_assert_uint_eq(threads_run(4, end_children, mp, 0), 0);
    POOLS_EXPECT(mp_stats(mp, &stats) == 0);
    ck_assert_uint_eq(stats.gone_children, 800);
    ck_assert_uint_eq(stats.gone_allocations, 800);
    ck_assert_uint_eq(stats.gone_refused_full, 800);
    mp_destroy(mp);
}
END_TEST

static char *metrics_text(memory_pool_t *mp)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);

    POOLS_EXPECT(stream != NULL);
    errno = SUPPORT_ERRNO;
    POOLS_EXPECT(mp_stats_print(mp, stream, MP_OPENMETRICS) == 0);
    POOLS_EXPECT(errno == SUPPORT_ERRNO);
    fclose(stream);
    return text;
}

/* Reads a label's value, or any text up to a character; what is behind it. */
static const char *metrics_value(const char *at)
{
    while (*at != '"') {
        POOLS_EXPECT((unsigned char)*at >= 0x20);
        if (*at == '\\') {
            at++;
            POOLS_EXPECT(*at == 'n' || *at == '"' || *at == '\\');
        }
        at++;
    }
    return at + 1;
}

/* A sample of that family: NAME{LABEL="VALUE",...} NUMBER.  Returns where its
 * line ends; *labels becomes what is up to the number. */
static const char *metrics_sample(const char *at, const char *family,
                                  size_t *labels)
{
    const char *start = at;
    size_t length = strlen(family);

    POOLS_EXPECT(strncmp(at, family, length) == 0 && at[length] == '{');
    at += length;
    do {
        at++;
        size_t word = strspn(at, "abcdefghijklmnopqrstuvwxyz_");
        POOLS_EXPECT(word > 0 && at[word] == '=' && at[word + 1] == '"');
        at = metrics_value(at + word + 2);
    } while (*at == ',');
    POOLS_EXPECT(at[0] == '}' && at[1] == ' ');
    *labels = (size_t)(at - start);
    size_t digits = strspn(at + 2, "0123456789");
    POOLS_EXPECT(digits > 0 && at[2 + digits] == '\n');
    return at + 3 + digits;
}

/* Every family begins with what is said of it and stands in one place, no set
 * of labels is there twice, and the end is marked.  A counter has no type, see
 * view/metrics.c. */
static void expect_metrics(const char *text)
{
    char families[32][64];
    size_t count = 0;
    char unit[100];

    while (strcmp(text, "# EOF\n") != 0) {
        char *family = families[count];
        const char *seen[200];
        size_t lengths[200], samples = 0;
        int length = 0;
        bool typed = sscanf(text, "# TYPE %63s gauge\n%n", family,
                            &length) == 1;
        text += length;
        if (typed) {
            int bytes = snprintf(unit, sizeof unit, "# UNIT %s bytes\n",
                                 family);
            bool has = strstr(family, "_bytes") != NULL;
            POOLS_EXPECT(has == (strncmp(text, unit, (size_t)bytes) == 0));
            text += has ? bytes : 0;
        }
        char helped[64];
        POOLS_EXPECT(sscanf(text, "# HELP %63s %*1[A-Z]%n", helped,
                            &length) == 1);
        POOLS_EXPECT(typed == (strstr(helped, "_total") == NULL));
        POOLS_EXPECT(!typed || strcmp(helped, family) == 0);
        strcpy(family, helped);
        text = strchr(text, '\n') + 1;
        for (size_t i = 0; i < count; i++) {
            POOLS_EXPECT(strcmp(families[i], family) != 0);
        }
        while (*text != '#') {
            seen[samples] = text;
            text = metrics_sample(text, family, &lengths[samples]);
            for (size_t i = 0; i < samples; i++) {
                POOLS_EXPECT(lengths[i] != lengths[samples] ||
                             memcmp(seen[i], seen[samples], lengths[i]) != 0);
            }
            POOLS_EXPECT(++samples < 200);
        }
        POOLS_EXPECT(samples > 0 && ++count < 32);
    }
    POOLS_EXPECT(count == 15);
}

static void expect_sample(const char *text, const char *sample)
{
    char line[200];

    snprintf(line, sizeof line, "\nmempool_%s\n", sample);
    ck_assert_msg(strstr(text, line) != NULL, "no %s in %s", sample, text);
}

/* Pools of one name are one sample, those that are gone among them. */
START_TEST(metrics_are_well_formed_and_sums_by_name)
{
    memory_pool_t *top = mp_create(&(mp_options_t){.name = "a\"\\\n\xff\x01"});
    memory_pool_t *child[5];

    for (int i = 0; i < 5; i++) {
        child[i] = mp_create(&(mp_options_t){
            .parent = top, .name = "request", .capacity = 100,
            .threads = i == 0 ? MP_THREADS_LOCKED : MP_THREADS_CACHED});
        POOLS_EXPECT(mp_allocate(child[i], 60) != NULL);
        POOLS_EXPECT(mp_allocate(child[i], 60) == NULL);
        mp_destroy(mp_create(&(mp_options_t){.parent = child[i]}));
    }
    char *before = metrics_text(top);
    mp_destroy(child[2]);
    mp_destroy(child[4]);
    char *text = metrics_text(top);
    expect_metrics(before);
    expect_metrics(text);
    expect_sample(before, "live_bytes{pool=\"request\"} 300");
    expect_sample(text, "live_bytes{pool=\"request\"} 180");
    expect_sample(text, "peak_bytes{pool=\"request\"} 60");
    expect_sample(text, "capacity_bytes{pool=\"request\"} 300");
    expect_sample(text, "capacity_free_bytes{pool=\"request\"} 120");
    expect_sample(text, "pools{pool=\"request\",kind=\"locked\"} 1");
    expect_sample(text, "gone_pools_total{pool=\"request\"} 2");
    expect_sample(text, "gone_pools_total{pool=\"\"} 5");
    expect_sample(text, "frees_total{pool=\"request\"} 2");
    /* What counts up does not fall as a pool goes. */
    expect_sample(before, "allocations_total{pool=\"request\"} 5");
    expect_sample(text, "allocations_total{pool=\"request\"} 5");
    expect_sample(before, "refusals_total{pool=\"request\",reason=\"full\"} 5");
    expect_sample(text, "refusals_total{pool=\"request\",reason=\"full\"} 5");
    expect_sample(text, "live_objects{pool=\"a\\\"\\\\\\n"
                        "\xef\xbf\xbd\xef\xbf\xbd\"} 0");
    free(before);
    free(text);
    mp_destroy(top);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gone");
    TCase *kinds = support_case(suite, "kinds");
    TCase *single = support_case(suite, "single");

    tcase_add_loop_test(kinds, what_children_did_stays_when_they_are_gone, 0,
                        pools_count);
    tcase_add_test(single, no_child_is_lost_of_several_threads_and_many_names);
    tcase_add_test(single, metrics_are_well_formed_and_sums_by_name);
    return support_run(suite);
}
