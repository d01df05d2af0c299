/* SPDX-License-Identifier: MIT
 *
 * check_memory.c - a pool on a system that has no memory.
 *
 * By inject.h the n-th request fails, for every n, and what is still held is
 * counted.  That also catches a statically linked Check and this test's own
 * requests, so requests fail and are counted only between inject_start() and
 * inject_stop(), where nothing but the library runs.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "inject.h"
#include "sanitizer.h"
#include "support.h"

#include "pool/track_parts.h"

#define CAPACITY ((size_t)MAX_BLOCK_SIZE)

/* Releases a capture of one line in the form that perror(3) has. */
static void memory_release_perror(int error)
{
    char *text = support_release();
    const char *colon = strstr(text, ": ");
    const char *reason = strerror(error);
    size_t length = strlen(reason);
    const char *end = text + strlen(text);

    ck_assert_msg(colon != NULL && colon > text &&
                      strchr(text, '\n') == end - 1 &&
                      end - text > (ptrdiff_t)length + 3 &&
                      strncmp(end - 1 - length, reason, length) == 0 &&
                      strncmp(end - 3 - length, ": ", 2) == 0,
                  "\"%s\" does not name a step and \"%s\"", text, reason);
    free(text);
}

START_TEST(init_without_memory_says_so_and_keeps_nothing)
{
    unsigned long n = 1;

    for (;; n++) {
        long before = inject.held;
        support_capture();
        inject_start(n, false);
        errno = SUPPORT_ERRNO;
        memory_pool_t *mp = init_memory_pool();
        int error = errno;
        inject_stop();
        if (mp != NULL) {
            support_release_lines("", 0);
            ck_assert_int_eq(error, SUPPORT_ERRNO);
            destroy_memory_pool(mp);
            break;
        }
        memory_release_perror(ENOMEM);
        ck_assert_int_eq(error, ENOMEM);
        ck_assert_int_eq(inject.held, before);
    }
    ck_assert_uint_gt(n, 1); /* the first request is needed */
}
END_TEST

static int memory_mutex_error;

static bool memory_refuse_mutex(struct inject_call *call)
{
    call->error = memory_mutex_error;
    return call->function == INJECT_MUTEX_INIT;
}

/* A pool that asks for no mutex must not mind that there is none. */
START_TEST(init_without_a_mutex_says_so_and_keeps_nothing)
{
    static const int errors[] = {EAGAIN, ENOMEM, EPERM};
    long before = inject.held;

    for (size_t i = 0; i < 3; i++) {
        support_capture();
        memory_mutex_error = errors[i];
        atomic_store(&inject_hook, memory_refuse_mutex);
        inject_start(0, false);
        errno = SUPPORT_ERRNO;
        memory_pool_t *mp = init_memory_pool();
        int error = errno;
        inject_stop();
        atomic_store(&inject_hook, NULL);
        if (inject.calls[INJECT_MUTEX_INIT] == 0) {
            support_release_lines("", 0);
            ck_assert_ptr_nonnull(mp);
            ck_assert_int_eq(error, SUPPORT_ERRNO);
            destroy_memory_pool(mp);
            continue;
        }
        memory_release_perror(errors[i]);
        ck_assert_ptr_null(mp);
        ck_assert_int_eq(error, errors[i]);
        ck_assert_int_eq(inject.held, before);
    }
}
END_TEST

/* Makes, fills, and destroys a pool; false where something failed. */
static bool memory_live_once(uint64_t *random, bool reset)
{
    memory_pool_t *mp = init_memory_pool();
    bool good = mp != NULL;
    size_t left = CAPACITY;

    while (good && left > 0) {
        size_t size = 1 + support_below(random, 40);
        size = size < left ? size : left;
        void *at = mp_allocate(mp, size);
        good = at != NULL;
        if (size % 5 == 0) {
            free_memory(mp, at);
        }
        left -= size;
    }
    if (good && reset) {
        free_all_memory(mp);
    }
    if (mp != NULL) {
        destroy_memory_pool(mp);
    }
    return good;
}

START_TEST(destroy_gives_all_memory_back)
{
    uint64_t random = support_seed();
    long before = inject.held;

    for (int round = 0; round < 100; round++) {
        inject_start(0, false);
        bool good = memory_live_once(&random, round % 2 == 0);
        inject_stop();
        ck_assert(good);
        ck_assert_int_eq(inject.held, before);
    }
}
END_TEST

/* Fills a pool with objects of one size, while the requests from the n-th on
 * fail.  True when a call failed for that; then it said ENOMEM, once. */
static bool memory_fill(struct support_shadow *shadow, size_t size,
                        unsigned long n)
{
    while (CAPACITY - shadow->bytes >= size) {
        support_capture();
        inject_start(n, true);
        errno = SUPPORT_ERRNO;
        unsigned char *at = mp_allocate(shadow->mp, size);
        int error = errno;
        unsigned long left = inject.until;
        bool failed = inject.failed;
        inject_stop();
        if (at == NULL) {
            memory_release_perror(ENOMEM);
            ck_assert_int_eq(error, ENOMEM);
            ck_assert(failed);
            return true;
        }
        support_release_lines("", 0);
        ck_assert_int_eq(error, SUPPORT_ERRNO);
        free_memory(shadow->mp, at);
        shadow_allocate(shadow, size);
        n = left > 0 ? left : n;
    }
    return false;
}

/* Small objects cost more memory than capacity, so more is requested. */
START_TEST(a_pool_that_cannot_grow_says_so_and_is_as_it_was)
{
    unsigned long seen = 0;
    unsigned long before;

    for (size_t size = 1; size < 20; size += 16) {
        unsigned long n = 1;
        do {
            struct support_shadow *shadow = shadow_new();
            before = seen;
            if (memory_fill(shadow, size, n++)) {
                seen++;
                shadow_verify(shadow);
                while (CAPACITY - shadow->bytes >= size) {
                    shadow_allocate(shadow, size);
                }
                shadow_verify_apart(shadow);
                shadow_verify(shadow);
            }
            shadow_end(shadow);
        } while (seen > before && n < 40);
    }
    ck_assert_uint_gt(seen, 0); /* else this test shows nothing */
}
END_TEST

START_TEST(without_memory_objects_are_freed_and_misuse_is_refused)
{
    struct support_shadow *shadow = shadow_new();
    int local = 0;

    while (shadow->bytes < CAPACITY) {
        shadow_allocate(shadow, 1);
    }
    support_capture();
    inject_start(1, true);
    errno = SUPPORT_ERRNO;
    free_memory(shadow->mp, &local);
    int error = errno;
    inject_stop();
    ck_assert_int_eq(error, EINVAL);
    support_release_lines(SUPPORT_NOT_IN_POOL, 1);
    shadow_verify(shadow);
    for (size_t i = 0; i < CAPACITY / 2; i++) {
        size_t chosen = i * 7919 % shadow->count;
        inject_start(1, true);
        free_memory(shadow->mp, shadow->objects[chosen].at);
        inject_stop();
        shadow->objects[chosen] = shadow->objects[--shadow->count];
        shadow->bytes--;
    }
    shadow_verify(shadow);
    inject_start(1, true);
    free_all_memory(shadow->mp);
    inject_stop();
    shadow->count = 0;
    shadow->bytes = 0;
    shadow_verify(shadow);
    shadow_end(shadow);
}
END_TEST

static void memory_note(void *arg)
{
    ++*(int *)arg;
}

/* Two pools, one below the other, with a cleanup and a string each; what was
 * refused has left nothing, and the rest works.  Returns how many were. */
static int memory_use_tree(void)
{
    mp_options_t options = {.threads = MP_THREADS_LOCKED, .capacity = 10000};
    memory_pool_t *pools[2];
    int refused = 0, added = 0, called = 0, wrong = 0;

    for (int i = 0; i < 2; i++) {
        errno = SUPPORT_ERRNO;
        pools[i] = mp_create(&options);
        wrong += errno != (pools[i] != NULL ? SUPPORT_ERRNO : ENOMEM);
        if (pools[i] == NULL) {
            refused++;
            continue;
        }
        options.parent = pools[i];
        errno = SUPPORT_ERRNO;
        int answer = mp_add_cleanup(pools[i], memory_note, &called);
        wrong += errno != (answer == 0 ? SUPPORT_ERRNO : ENOMEM);
        refused += answer != 0;
        added += answer == 0;
        errno = SUPPORT_ERRNO;
        char *string = mp_asprintf(pools[i], "%3000d", i);
        wrong += errno != (string != NULL ? SUPPORT_ERRNO : ENOMEM);
        refused += string == NULL;
        wrong += mp_check(pools[i]) != 0;
    }
    /* The child goes with its parent, or is alone if there is none. */
    if (pools[0] != NULL) {
        destroy_memory_pool(pools[0]);
    } else if (pools[1] != NULL) {
        destroy_memory_pool(pools[1]);
    }
    return wrong != 0 || called != added ? -1 : refused;
}

START_TEST(a_tree_without_memory_is_whole_and_leaves_nothing)
{
    unsigned long at = 0;

    do {
        inject.held = 0;
        inject_start(++at, false);
        int refused = memory_use_tree();
        inject_stop();
        ck_assert_int_eq(refused, inject.failed);
        ck_assert_int_eq(inject.held, 0);
    } while (inject.failed);
    ck_assert_uint_gt(at, 6); /* a pool, a tree, a cleanup, of each */
}
END_TEST

/* Every way to ask a pool for memory, one after the other. */
struct memory_user {
    memory_pool_t *mp;
    size_t size; /* of the larger objects */
    unsigned refused;
    unsigned wrong;
    int wrong_line; /* the first */
    int added;
    int called;
};

static void memory_expect(struct memory_user *user, bool good, int line)
{
    if (!good && user->wrong++ == 0) {
        user->wrong_line = line;
    }
}

/* A call succeeded and left errno alone, or was refused for want of memory;
 * and the pool is whole. */
static bool memory_answer(struct memory_user *user, bool good, int line)
{
    memory_expect(user, errno == (good ? SUPPORT_ERRNO : ENOMEM), line);
    memory_expect(user, mp_check(user->mp) == 0, line);
    user->refused += !good;
    errno = SUPPORT_ERRNO;
    return good;
}
#define MEMORY_ANSWER(good) memory_answer(user, good, __LINE__)
#define MEMORY_EXPECT(good) memory_expect(user, good, __LINE__)

static void memory_use_objects(struct memory_user *user)
{
    unsigned char *objects[24];

    for (size_t i = 0; i < 24; i++) {
        size_t size = 1 + (i * i * 37 + (i % 4 == 3 ? 1000 : 0)) % user->size;
        objects[i] = mp_allocate(user->mp, size);
        if (MEMORY_ANSWER(objects[i] != NULL)) {
            memset(objects[i], (int)i, size);
        }
    }
    for (size_t i = 0; i < 24; i++) {
        if (objects[i] != NULL && i % 2 == 0) {
            free_memory(user->mp, objects[i]);
            MEMORY_ANSWER(true); /* a free is never refused */
        } else if (objects[i] != NULL) {
            unsigned char *at =
                mp_realloc(user->mp, objects[i], user->size + i);
            at = MEMORY_ANSWER(at != NULL) ? at : objects[i];
            MEMORY_EXPECT(is_mp_ptr(user->mp, at) && *at == i);
        }
    }
    /* More frees of one length than a cache keeps for itself.  The pool is
     * looked at after some of them: most ask for no memory. */
    for (size_t n = user->size > 1000 ? 600 : 0; n > 0; n--) {
        void *pair[2] = {mp_allocate(user->mp, 24), NULL};
        if (pair[0] != NULL) {
            pair[1] = mp_allocate(user->mp, 24);
        }
        bool good = pair[0] != NULL && pair[1] != NULL;
        if ((!good || n % 50 == 0) && !MEMORY_ANSWER(good)) {
            break;
        }
        free_memory(user->mp, pair[0]);
        MEMORY_EXPECT(errno == SUPPORT_ERRNO);
    }
    MEMORY_ANSWER(mp_calloc(user->mp, 3, 30) != NULL);
    MEMORY_ANSWER(mp_aligned_alloc(user->mp, 64, 40) != NULL);
    MEMORY_ANSWER(mp_asprintf(user->mp, "%d %s", 1, "two") != NULL);
}

static void memory_use_scopes(struct memory_user *user)
{
    mp_mark_t mark = mp_mark(user->mp);
    bool marked = MEMORY_ANSWER(mark.number != 0);

    MEMORY_ANSWER(mp_allocate(user->mp, user->size / 2) != NULL);
    mp_handle_t *handle = mp_attach(user->mp);
    if (MEMORY_ANSWER(handle != NULL)) {
        mp_mark_t own = mp_handle_mark(handle);
        bool opened = MEMORY_ANSWER(own.number != 0);
        void *object = mp_handle_allocate(handle, user->size / 3);
        if (MEMORY_ANSWER(object != NULL)) {
            mp_handle_free(handle, object);
        }
        MEMORY_ANSWER(mp_handle_allocate(handle, 20) != NULL);
        MEMORY_EXPECT(!opened || mp_handle_rewind(handle, own) == 0);
        mp_detach(handle);
    }
    user->added +=
        MEMORY_ANSWER(mp_add_cleanup(user->mp, memory_note, &user->called) ==
                      0);
    mp_options_t options = {.parent = user->mp};
    memory_pool_t *child = mp_create(&options);
    if (MEMORY_ANSWER(child != NULL)) {
        MEMORY_ANSWER(mp_allocate(child, user->size / 4) != NULL);
        MEMORY_EXPECT(mp_check(child) == 0);
    }
    MEMORY_EXPECT(!marked || mp_rewind(user->mp, mark) == 0);
    MEMORY_EXPECT(mp_check(user->mp) == 0);
}

static void *memory_use(void *argument)
{
    struct memory_user *user = argument;

    errno = SUPPORT_ERRNO;
    memory_use_objects(user);
    memory_use_scopes(user);
    return NULL;
}

/* The at-th request in all of that fails, with all also every later one. */
static void memory_use_all(struct memory_user *user, int kind, bool other)
{
    mp_options_t options = {.threads = (mp_threads_t)(kind % 3),
                            .capacity = kind == 3 ? 1000000 : 0};
    pthread_t thread;

    errno = SUPPORT_ERRNO;
    /* Base pools may have been made too small for all of this. */
    bool base = kind == 4 && MAX_BLOCK_SIZE >= 1024;
    user->mp = base ? init_memory_pool() : mp_create(&options);
    user->size = base ? MAX_BLOCK_SIZE / 50 + 1 : 3000;
    if (user->mp == NULL) {
        MEMORY_EXPECT(errno == ENOMEM);
        user->refused++;
        return;
    }
    MEMORY_EXPECT(errno == SUPPORT_ERRNO);
    if (other && pthread_create(&thread, NULL, memory_use, user) == 0) {
        pthread_join(thread, NULL);
        free_all_memory(user->mp);
    }
    memory_use(user);
    free_all_memory(user->mp);
    MEMORY_EXPECT(mp_check(user->mp) == 0);
    MEMORY_EXPECT(user->called == user->added);
    MEMORY_EXPECT(mp_allocate(user->mp, 20) != NULL);
    destroy_memory_pool(user->mp);
}

START_TEST(whatever_request_fails_every_call_says_so_and_nothing_breaks)
{
    int kind = _i / 4 % 5;

    /* In the first half the range is there; in the second what fails is also
     * what it is made of. */
    if (_i < 20) {
        destroy_memory_pool(mp_create(NULL));
    }
    for (unsigned long at = 1;; at++) {
        struct memory_user user = {0};
        support_capture(); /* what a base pool prints */
        inject_start(at, _i % 2 != 0);
        memory_use_all(&user, kind, _i % 4 >= 2 && kind != 2);
        inject_stop();
        free(support_release());
        ck_assert_msg(user.wrong == 0, "request %lu: %u wrong, at line %d",
                      at, user.wrong, user.wrong_line);
        ck_assert(inject.failed || user.refused == 0);
        if (!inject.failed) {
            /* The range serves without a request. */
            ck_assert_uint_gt(at, kind == 1 ? 8 : 4);
            break;
        }
    }
}
END_TEST

/* In the order: a pool that is tracked, one that is locked, one with caches. */
START_TEST(what_fits_once_credit_is_back_is_not_refused_as_full)
{
    static const mp_options_t kinds[] = {
        {.capacity = 100000, .flags = MP_PASSTHROUGH},
        {.capacity = 100000, .threads = MP_THREADS_LOCKED},
        {.capacity = 100000}};
    memory_pool_t *mp = mp_create(&kinds[_i]);
    const mp_options_t below = {.parent = mp};
    memory_pool_t *child = mp_create(&below);

    ck_assert(mp != NULL && child != NULL);
    for (unsigned resizes = 0; resizes < 2; resizes++) {
        /* The child's cache has credit from now on. */
        void *first = mp_allocate(child, 16);
        void *object = resizes ? mp_allocate(mp, 10) : NULL;
        ck_assert(first != NULL && (object != NULL) == (resizes > 0));
        inject_start(1, true);
        errno = SUPPORT_ERRNO;
        void *at = mp_realloc(mp, object, 100000 - 16);
        int error = errno;
        inject_stop();
        ck_assert_int_eq(error, at != NULL ? SUPPORT_ERRNO : ENOMEM);
        ck_assert(at == NULL || _i == 2);
        ck_assert_int_eq(mp_check(mp), 0);
        free_memory(child, first);
        mp_free(mp, at != NULL ? at : object);
    }
    destroy_memory_pool(mp);
}
END_TEST

static memory_pool_t *memory_tracked;
static size_t memory_taken;

static void memory_take(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ck_assert_ptr_nonnull(mp_allocate(memory_tracked, 1));
        memory_taken++;
    }
}

/* Does between two requests what another thread may do: makes records, and
 * takes all that there are as the first thread gives back what it did not
 * need. */
static bool memory_be_faster(struct inject_call *call)
{
    if (call->function == INJECT_CALLOC && memory_taken == 0) {
        memory_take(1);
    } else if (call->function == INJECT_FREE && memory_taken == 1) {
        memory_take(2 * TRACK_SLAB - 1);
    }
    return false;
}

START_TEST(an_object_whose_record_others_took_gets_another)
{
    const mp_options_t options = {.debug = "passthrough"};

    memory_tracked = mp_create(&options);
    ck_assert_ptr_nonnull(memory_tracked);
    memory_taken = 0;
    atomic_store(&inject_hook, memory_be_faster);
    errno = SUPPORT_ERRNO;
    void *object = mp_allocate(memory_tracked, 1);
    atomic_store(&inject_hook, NULL);
    ck_assert_int_eq(errno, SUPPORT_ERRNO);
    ck_assert_uint_eq(memory_taken, 2 * TRACK_SLAB);
    ck_assert_ptr_nonnull(object);
    mp_destroy(memory_tracked);
}
END_TEST

static unsigned memory_told;   /* reports */
static unsigned memory_called; /* cleanups */
static bool memory_well;       /* all calls in reports */

static void memory_hear(void *arg)
{
    (void)arg;
    memory_called++;
}

/* Does with the pool what a program may do there: the first three reports. */
static void memory_add(memory_pool_t *mp, mp_event_t event,
                       const char *message, const void *ptr, void *context)
{
    const mp_options_t below = {.parent = mp, .name = "added"};

    (void)event, (void)message, (void)ptr, (void)context;
    if (memory_told++ >= 2) {
        return;
    }
    bool well = mp_allocate(mp, 100) != NULL;
    const mp_mark_t mark = mp_mark(mp);
    well = mark.number != 0 && mp_allocate(mp, 5000) != NULL && well;
    well = mp_add_cleanup(mp, memory_hear, NULL) == 0 && well;
    memory_pool_t *child = mp_create(&below);
    well = mp_allocate(child, 7) != NULL && well;
    well = mp_add_cleanup(child, memory_hear, NULL) == 0 && well;
    memory_well = memory_well && well && mp_check(mp) == 0;
}

/* Makes a pool with a name, which no thread keeps, that reports twice as it
 * ends, with the one above if it is below that; how much is held since. */
static long memory_end_told(const mp_options_t *kind, unsigned variant)
{
    const mp_options_t above = {.capacity = 1 << 22, .name = "above"};
    mp_options_t options = *kind;
    bool writes = (kind->flags & MP_LEAK_CHECK) == 0;
    long before = inject.held;

    inject_start(0, false);
    memory_told = memory_called = 0;
    memory_well = true;
    memory_pool_t *parent = mp_create(&above);
    options.report = memory_add;
    options.name = "ends";
    options.parent = variant == 2 ? parent : NULL;
    memory_pool_t *mp = mp_create(&options);
    if (variant == 1) {
        (void)mp_add_cleanup(mp, memory_hear, NULL);
    }
    for (unsigned i = 0; i < 2; i++) {
        volatile char *volatile object = mp_allocate(mp, 24);
        object[writes ? 24 : 0] ^= 1;
    }
    mp_destroy(variant == 2 ? parent : mp);
    if (variant != 2) {
        mp_destroy(parent);
    }
    inject_stop();
    ck_assert(memory_well);
    ck_assert_uint_eq(memory_told, 2);
    ck_assert_uint_eq(memory_called, 4 + (variant == 1));
    return inject.held - before;
}

/* Damage and leaks; at the top of a tree or below; with a tree that was there
 * before or without. */
START_TEST(what_a_report_adds_to_a_pool_that_ends_goes_with_it)
{
    static const mp_options_t kinds[] = {
        {.debug = "redzone"},
        {.debug = "redzone,poison", .capacity = 1 << 20},
        {.flags = MP_LEAK_CHECK},
        {.flags = MP_LEAK_CHECK, .capacity = 1 << 20},
        {.flags = MP_LEAK_CHECK, .threads = MP_THREADS_LOCKED},
        {.flags = MP_LEAK_CHECK, .debug = "passthrough"},
    };

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        for (unsigned variant = 0; variant < 3; variant++) {
            /* The thread keeps something the first time. */
            (void)memory_end_told(&kinds[i], variant);
            ck_assert_int_eq(memory_end_told(&kinds[i], variant), 0);
        }
    }
}
END_TEST

/* More than a limit holds is "full" whatever memory there is. */
START_TEST(a_tracked_object_beyond_the_limit_is_full_and_not_without_memory)
{
    const mp_options_t options = {.debug = "passthrough", .capacity = 1000};
    memory_pool_t *mp = mp_create(&options);

    ck_assert_ptr_nonnull(mp);
    ck_assert_ptr_nonnull(mp_allocate(mp, 600));
    for (size_t size = 300; size <= 600; size += 300) {
        inject_refuse(INJECT_MALLOC, 1);
        errno = 0;
        ck_assert_ptr_null(mp_allocate(mp, size));
        ck_assert_int_eq(errno, size <= 400 ? ENOMEM : ENOBUFS);
        ck_assert_uint_eq(inject_refusals_left(INJECT_MALLOC), 0);
    }
    destroy_memory_pool(mp);
}
END_TEST

int main(void)
{
    /* The first pool of a process reads MEMPOOL_OPTIONS, which takes a request
     * of its own.  Without caches, so that the range is made later. */
    static const mp_options_t locked = {.threads = MP_THREADS_LOCKED};
    Suite *suite = suite_create("memory");
    TCase *life = support_case(suite, "a pool's life");
    TCase *growth = support_case(suite, "growth");

    destroy_memory_pool(mp_create(&locked));
    tcase_add_test(life, init_without_memory_says_so_and_keeps_nothing);
    tcase_add_test(life, init_without_a_mutex_says_so_and_keeps_nothing);
    tcase_add_test(life, destroy_gives_all_memory_back);
    tcase_add_test(life, a_tree_without_memory_is_whole_and_leaves_nothing);
    /* Cached, locked, for one thread, with a capacity, base, and the first
     * once more, where there may be no range: by the maker or another thread,
     * one request or all from there on. */
    tcase_add_loop_test(
        life, whatever_request_fails_every_call_says_so_and_nothing_breaks, 0,
        24);
    tcase_add_loop_test(
        growth, what_fits_once_credit_is_back_is_not_refused_as_full, 0, 3);
    tcase_add_test(growth,
                   a_pool_that_cannot_grow_says_so_and_is_as_it_was);
    tcase_add_test(growth,
                   without_memory_objects_are_freed_and_misuse_is_refused);
    tcase_add_test(growth, an_object_whose_record_others_took_gets_another);
    tcase_add_test(
        growth,
        a_tracked_object_beyond_the_limit_is_full_and_not_without_memory);
    if (!SANITIZER_ON) { /* which would end the program first */
        tcase_add_test(growth,
                       what_a_report_adds_to_a_pool_that_ends_goes_with_it);
    }
    return support_run(suite);
}
