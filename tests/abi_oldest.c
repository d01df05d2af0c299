/* SPDX-License-Identifier: MIT
 *
 * abi_oldest.c - a program of the first release, run on today's library.
 *
 * tests/abi-setup.sh compiles it with the first release's header and links it
 * with a library that has nothing but that release's symbols, so it uses what a
 * binary of that time uses: every symbol of the first version node is called
 * here, and no later one may ever be called here.  It checks only that each
 * call serves its purpose; the unit tests check the rest.
 *
 * With ABI_SHORTER the header's mp_options_t and mp_stats_t have lost their
 * last members, as if this were a still older program; with ABI_LONGER they
 * have one more, as if it were a newer one.  The library may neither read nor
 * write the memory behind the structure of the program.
 */
#include <errno.h>
#include <memory_pool_inline.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OLDEST_EXPECT(condition)                                            \
    do {                                                                    \
        if (!(condition)) {                                                 \
            printf("abi_oldest: line %d: %s\n", __LINE__, #condition);      \
            exit(1);                                                        \
        }                                                                   \
    } while (0)

static unsigned oldest_reports;
static unsigned oldest_blocks;
static unsigned oldest_cleanups;

static void oldest_report(memory_pool_t *mp, mp_event_t event,
                          const char *message, const void *ptr, void *context)
{
    (void)mp;
    (void)message;
    (void)ptr;
    OLDEST_EXPECT(context == &oldest_reports);
    oldest_reports += event == MP_EVENT_NOT_IN_POOL;
}

static void *oldest_acquire(void *context, size_t size, size_t alignment)
{
    oldest_blocks++;
    return mp_backing_malloc.acquire(context, size, alignment);
}

static void oldest_release(void *context, void *block, size_t size)
{
    oldest_blocks--;
    mp_backing_malloc.release(context, block, size);
}

static void oldest_cleanup(void *arg)
{
    OLDEST_EXPECT(arg == &oldest_cleanups);
    oldest_cleanups++;
}

static int oldest_visit(void *object, size_t size, void *arg)
{
    OLDEST_EXPECT(object != NULL && size >= 1);
    ++*(unsigned *)arg;
    return 0;
}

/* Options with bytes behind them, which a library that reads too far would
 * use. */
typedef struct oldest_options {
    mp_options_t options;
    unsigned char behind[64];
} oldest_options_t;

static memory_pool_t *oldest_make(size_t capacity, memory_pool_t *parent)
{
    static const mp_backing_t backing = {oldest_acquire, oldest_release, NULL};
    oldest_options_t made;

    memset(&made, 0xee, sizeof made);
    memset(&made.options, 0, sizeof made.options);
    made.options.capacity = capacity;
    made.options.max_object = 512;
    made.options.threads = MP_THREADS_LOCKED;
    made.options.flags = MP_ZERO_ON_FREE | MP_LEAK_CHECK;
    made.options.backing = &backing;
    made.options.name = "oldest";
    made.options.report = oldest_report;
    made.options.report_context = &oldest_reports;
#ifdef ABI_SHORTER
    OLDEST_EXPECT(parent == NULL);
#else
    made.options.parent = parent;
#endif
    memory_pool_t *mp = mp_create(&made.options);

    OLDEST_EXPECT(mp != NULL);
#ifdef ABI_LONGER
    /* What the library does not know, it refuses. */
    made.options.abi_later = 1;
    errno = 0;
    OLDEST_EXPECT(mp_create(&made.options) == NULL && errno == EINVAL);
#endif
    return mp;
}

static void oldest_base(void)
{
    memory_pool_t *mp = init_memory_pool();
    char *a = mp_allocate(mp, MAX_BLOCK_SIZE / 2);

    OLDEST_EXPECT(mp != NULL && a != NULL && is_mp_ptr(mp, a));
    free_memory(mp, a);
    OLDEST_EXPECT(!is_mp_ptr(mp, a));
    a = mp_allocate(mp, MAX_BLOCK_SIZE);
    OLDEST_EXPECT(a != NULL && mp_owner(a) == mp);
    free_all_memory(mp);
    OLDEST_EXPECT(mp_locate(mp, a) == MP_FREED);
    destroy_memory_pool(mp);
}

static char *oldest_format(memory_pool_t *mp, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    char *text = mp_vasprintf(mp, format, arguments);
    va_end(arguments);
    return text;
}

static void oldest_objects(memory_pool_t *mp)
{
    char *a = mp_calloc(mp, 5, 20);

    OLDEST_EXPECT(a != NULL && a[99] == 0 && mp_usable_size(mp, a) >= 100);
    memcpy(a, "kept", 5);
    a = mp_realloc(mp, a, 200);
    OLDEST_EXPECT(a != NULL && strcmp(a, "kept") == 0);
    OLDEST_EXPECT(mp_locate(mp, a + 1) == MP_INTERIOR);
    free_memory(mp, a + 1);
    OLDEST_EXPECT(oldest_reports == 1);
    void *b = mp_aligned_alloc(mp, 256, 64);
    OLDEST_EXPECT(b != NULL && (uintptr_t)b % 256 == 0);

    OLDEST_EXPECT(strcmp(mp_strdup(mp, "one"), "one") == 0);
    OLDEST_EXPECT(strcmp(mp_strndup(mp, "two three", 3), "two") == 0);
    OLDEST_EXPECT(memcmp(mp_memdup(mp, "four", 5), "four", 5) == 0);
    OLDEST_EXPECT(strcmp(mp_asprintf(mp, "%d!", 5), "5!") == 0);
    OLDEST_EXPECT(strcmp(oldest_format(mp, "%s", "six"), "six") == 0);

    unsigned seen = 0;
    OLDEST_EXPECT(mp_walk(mp, oldest_visit, &seen) == 0 && seen == 7);
    OLDEST_EXPECT(mp_check(mp) == 0);
}

static void oldest_scopes(memory_pool_t *mp)
{
    mp_mark_t mark = mp_mark(mp);
    void *a = mp_allocate(mp, 10);

    OLDEST_EXPECT(mark.number != 0 && is_mp_ptr(mp, a));
    OLDEST_EXPECT(mp_rewind(mp, mark) == 0 && !is_mp_ptr(mp, a));

    mp_handle_t *handle = mp_attach(mp);
    OLDEST_EXPECT(handle != NULL);
    mark = mp_handle_mark(handle);
    a = mp_handle_allocate(handle, 10);
    void *b = mp_handle_allocate(handle, 10);
    OLDEST_EXPECT(mark.number != 0 && is_mp_ptr(mp, a) && is_mp_ptr(mp, b));
    mp_handle_free(handle, a);
    OLDEST_EXPECT(!is_mp_ptr(mp, a));
    OLDEST_EXPECT(mp_handle_rewind(handle, mark) == 0 && !is_mp_ptr(mp, b));
    mp_detach(handle);

    OLDEST_EXPECT(mp_add_cleanup(mp, oldest_cleanup, &oldest_cleanups) == 0);
    OLDEST_EXPECT(mp_add_cleanup(mp, oldest_cleanup, &oldest_cleanups) == 0);
    OLDEST_EXPECT(mp_remove_cleanup(mp, oldest_cleanup, &oldest_cleanups) ==
                  0);
}

/* Statistics with bytes behind them that may not change; where the call is a
 * function, it is the one for programs that took the address of mp_stats(). */
static size_t oldest_stats(memory_pool_t *mp, bool function)
{
    struct {
        mp_stats_t stats;
        unsigned char behind[sizeof(mp_stats_t)];
    } filled;

    memset(&filled, 0xee, sizeof filled);
    OLDEST_EXPECT((function ? (mp_stats)(mp, &filled.stats)
                            : mp_stats(mp, &filled.stats)) == 0);
    for (size_t i = 0; i < sizeof filled.behind; i++) {
        OLDEST_EXPECT(filled.behind[i] == 0xee);
    }
    OLDEST_EXPECT(filled.stats.blocks > 0);
    return filled.stats.live_objects;
}

static void oldest_view(memory_pool_t *mp)
{
    FILE *out = tmpfile();

    OLDEST_EXPECT(oldest_stats(mp, false) == 7);
    OLDEST_EXPECT(out != NULL);
    OLDEST_EXPECT(mp_stats_print(mp, out, MP_TEXT) == 0);
    OLDEST_EXPECT(mp_stats_print(mp, out, MP_JSON) == 0);
    OLDEST_EXPECT(mp_map(mp, out) == 0);
    OLDEST_EXPECT(fflush(out) == 0 && ftell(out) > 0);
    fclose(out);
}

/* The other kinds of memory; and the calls that are macros, as functions,
 * which are for structures as long as the first release's. */
static void oldest_backings(void)
{
    static unsigned char buffer[65536];
    oldest_options_t made;

    memset(&made, 0xee, sizeof made);
    memset(&made.options, 0, sizeof made.options);
    made.options.backing = &mp_backing_mmap;
#ifdef ABI_SHORTER
    bool function = false;
#else
    bool function = true;
#endif
    memory_pool_t *mp = function ? (mp_create)(&made.options)
                                 : mp_create(&made.options);
    OLDEST_EXPECT(mp != NULL && mp_allocate(mp, 10) != NULL);
    OLDEST_EXPECT(oldest_stats(mp, function) == 1);
    free_all_memory(mp);
    mp_trim(mp, 0);
    mp_report_stderr(mp, MP_EVENT_SIZE, "a message", NULL, NULL);
    destroy_memory_pool(mp);

    mp_backing_t in_buffer = mp_backing_buffer(buffer, sizeof buffer);
    made.options.backing = &in_buffer;
    mp = mp_create(&made.options);
    unsigned char *a = mp_allocate(mp, 10);
    OLDEST_EXPECT(a >= buffer && a < buffer + sizeof buffer);
    destroy_memory_pool(mp);
}

#if !MP_INLINE_ABLE
extern __thread void *mp_inline_thread_1[];
#endif

/* What was compiled in at that time, beside the functions: the library of today
 * may have left nothing for it to do, but both must work. */
static void oldest_compiled_in(void)
{
    memory_pool_t *mp = mp_create(NULL);
    void *volatile word = &mp_inline_thread_1;
    void *objects[100];

    OLDEST_EXPECT(mp != NULL && word != NULL);
    mp_handle_t *handle = mp_attach(mp);
    for (unsigned round = 0; round < 10; round++) {
        for (unsigned i = 0; i < 100; i++) {
            size_t size = 1 + i * 11;
            objects[i] = i % 4 == 0   ? mp_allocate(mp, size)
                         : i % 4 == 1 ? (mp_allocate)(mp, size)
                         : i % 4 == 2 ? mp_handle_allocate(handle, size)
                                      : (mp_handle_allocate)(handle, size);
            OLDEST_EXPECT(objects[i] != NULL);
            memset(objects[i], (int)i, size);
        }
        for (unsigned i = 0; i < 100; i++) {
            OLDEST_EXPECT(*(unsigned char *)objects[i] == i);
            OLDEST_EXPECT(is_mp_ptr(mp, objects[i]));
            if ((i + round) % 3 == 0) {
                free_memory(mp, objects[i]);
            } else if ((i + round) % 3 == 1) {
                (free_memory)(mp, objects[i]);
            } else {
                mp_handle_free(handle, objects[i]);
            }
            OLDEST_EXPECT(!is_mp_ptr(mp, objects[i]));
        }
    }
    OLDEST_EXPECT(mp_check(mp) == 0);
    destroy_memory_pool(mp);
}

/* The library is of the header's version or of a later one. */
static void oldest_version(void)
{
    int major = 0, minor = 0, patch = 0;

    OLDEST_EXPECT(sscanf(mp_version(), "%d.%d.%d", &major, &minor, &patch) ==
                  3);
    OLDEST_EXPECT((major * 1000L + minor) * 1000 + patch >=
                  (MP_VERSION_MAJOR * 1000L + MP_VERSION_MINOR) * 1000 +
                      MP_VERSION_PATCH);
}

int main(void)
{
    oldest_compiled_in();
    oldest_version();
    oldest_base();
    memory_pool_t *mp = oldest_make(4096, NULL);
    oldest_objects(mp);
    oldest_scopes(mp);
    oldest_view(mp);
    OLDEST_EXPECT(oldest_blocks > 0);
#ifndef ABI_SHORTER
    memory_pool_t *child = oldest_make(0, mp);
    OLDEST_EXPECT(mp_allocate(child, 100) != NULL);
#endif
    free_all_memory(mp);
    OLDEST_EXPECT(oldest_cleanups == 1);
    destroy_memory_pool(mp);
    OLDEST_EXPECT(oldest_blocks == 0 && oldest_cleanups == 1);
    oldest_backings();
    puts("abi_oldest: as it was");
    return 0;
}
