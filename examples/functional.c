/* SPDX-License-Identifier: MIT
 *
 * functional.c - the functional suite: every function and every refusal.
 *
 * Each test prints what it saw and whether that was expected; the exit
 * status is 0 only if all of it was.  The pool's own messages come on
 * standard error while a test runs, so they stand before its results.  Sizes
 * are shares of MAX_BLOCK_SIZE: with 1024 bytes they are 200, 300, 1500 and
 * 600 in the second test.
 *
 * It looks at results and errno.  That each message is the right one, and
 * what happens in every order of sizes and frees, is left to finer tests.
 */
#include <memory_pool.h>

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FUNCTIONAL_PARTS = 64, FUNCTIONAL_THREADS = 4 };
enum { FUNCTIONAL_OBJECTS = 10, FUNCTIONAL_ROUNDS = 1000 };

/* Sanitizers cannot go on when the system has no memory. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FUNCTIONAL_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FUNCTIONAL_SANITIZED 1
#endif
#endif
#ifndef FUNCTIONAL_SANITIZED
#define FUNCTIONAL_SANITIZED 0
#endif

static int functional_number; /* of the test that runs */
static bool functional_sound; /* it saw only what it expected */
static int functional_failed; /* tests that did not */

static void functional_begin(const char *title)
{
    functional_number++;
    functional_sound = true;
    printf("\n[Test %d] %s\n", functional_number, title);
}

static void functional_end(const char *outcome)
{
    if (functional_sound) {
        printf("Test %d %s\n", functional_number, outcome);
    } else {
        printf("Test %d Failed\n", functional_number);
        functional_failed++;
    }
}

/* Prints what was seen, and whether it was as expected. */
static void functional_see(bool expected, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    printf("  ");
    vprintf(format, arguments);
    printf(" (%s)\n", expected ? "expected" : "NOT EXPECTED");
    va_end(arguments);
    functional_sound = functional_sound && expected;
}

/* What an allocation gave: an object, or NULL and errno. */
struct functional_object {
    unsigned char *start;
    size_t size;
    int error;
};

static struct functional_object functional_allocate(memory_pool_t *mp,
                                                    size_t size)
{
    /* Else compilers warn of sizes that are wrong on purpose. */
    volatile size_t asked = size;
    struct functional_object object = {NULL, size, 0};

    errno = 0;
    object.start = mp_allocate(mp, asked);
    object.error = object.start == NULL ? errno : 0;
    return object;
}

static const char *functional_reason(int error)
{
    switch (error) {
    case EINVAL:
        return "invalid size";
    case ENOBUFS:
        return "pool full";
    default:
        return strerror(error);
    }
}

/* Prints one allocation; error is what it should have given, 0: an object. */
static void functional_tell(const char *name, struct functional_object object,
                            int error)
{
    bool expected = object.error == error;

    printf("  %s (%zuB) ", name, object.size);
    if (object.start != NULL) {
        printf("allocated at %p%s\n", (void *)object.start,
               expected ? "" : " (NOT EXPECTED)");
    } else {
        printf("allocation failed (%s, %s)\n", functional_reason(object.error),
               expected ? "expected" : "NOT EXPECTED");
    }
    functional_sound = functional_sound && expected;
}

/* After a call that returns nothing, with errno 0 before it. */
static void functional_tell_refused(const char *what)
{
    int error = errno;

    functional_see(error == EINVAL, "%s %s", what,
                   error == EINVAL ? "refused" : "not refused");
}

/* MAX_BLOCK_SIZE * numerator / 1024, for any MAX_BLOCK_SIZE. */
static size_t functional_share(size_t numerator)
{
    size_t whole = MAX_BLOCK_SIZE / 1024;
    size_t rest = MAX_BLOCK_SIZE % 1024;

    return whole * numerator + rest * numerator / 1024;
}

/* Fills the pool with 64 objects, each with bytes of its own, and with what
 * is left where 64 does not divide it.  Returns how many were refused. */
static int functional_fill(memory_pool_t *mp,
                           struct functional_object parts[])
{
    int refused = 0;

    for (int i = 0; i <= FUNCTIONAL_PARTS; i++) {
        size_t size = i < FUNCTIONAL_PARTS ? MAX_BLOCK_SIZE / FUNCTIONAL_PARTS
                                           : MAX_BLOCK_SIZE % FUNCTIONAL_PARTS;
        parts[i] = (struct functional_object){NULL, 0, 0};
        if (size == 0) {
            continue;
        }
        parts[i] = functional_allocate(mp, size);
        if (parts[i].start == NULL) {
            refused++;
        } else {
            memset(parts[i].start, i + 1, size);
        }
    }
    return refused;
}

/* Objects from first on, step by step, whose bytes are not their own. */
static int functional_damaged(const struct functional_object parts[],
                              int first, int step)
{
    int damaged = 0;

    for (int i = first; i <= FUNCTIONAL_PARTS; i += step) {
        size_t same = 0;
        while (parts[i].start != NULL && same < parts[i].size &&
               parts[i].start[same] == i + 1) {
            same++;
        }
        damaged += parts[i].start != NULL && same < parts[i].size;
    }
    return damaged;
}

/* One object that takes the whole pool, given back at once: it fits only
 * where nothing else is held. */
static void functional_tell_empty(memory_pool_t *mp)
{
    struct functional_object whole = functional_allocate(mp, MAX_BLOCK_SIZE);

    functional_see(whole.start != NULL, "All %d bytes are %s", MAX_BLOCK_SIZE,
                   whole.start != NULL ? "there again" : "not there");
    if (whole.start != NULL) {
        free_memory(mp, whole.start);
    }
}

static memory_pool_t *functional_initialize(void)
{
    functional_begin("Initialize Memory Pool");
    memory_pool_t *mp = init_memory_pool();
    functional_sound = mp != NULL;
    functional_end("Passed: Memory pool initialized successfully");
    return mp;
}

static void functional_valid(memory_pool_t *mp)
{
    char title[64];

    snprintf(title, sizeof title, "Valid Memory Allocation (≤%dB)",
             MAX_BLOCK_SIZE);
    functional_begin(title);
    struct functional_object small1 =
        functional_allocate(mp, functional_share(200));
    struct functional_object small2 =
        functional_allocate(mp, functional_share(300));
    struct functional_object large =
        functional_allocate(mp, functional_share(1500));
    struct functional_object small3 =
        functional_allocate(mp, functional_share(600));
    functional_tell("Small object 1", small1, 0);
    functional_tell("Small object 2", small2, 0);
    functional_tell("Oversize object", large, EINVAL);
    functional_tell("Small object 3", small3, ENOBUFS);
    functional_end("Completed");
    free_all_memory(mp);
}

static void functional_invalid(memory_pool_t *mp)
{
    static const size_t sizes[] = {0, (size_t)MAX_BLOCK_SIZE + 1, SIZE_MAX};
    const int count = sizeof sizes / sizeof sizes[0];
    char title[64];
    int failed = 0;

    snprintf(title, sizeof title, "Invalid Allocation Sizes (≤0 or >%dB)",
             MAX_BLOCK_SIZE);
    functional_begin(title);
    for (int i = 0; i < count; i++) {
        failed += functional_allocate(mp, sizes[i]).error == EINVAL;
    }
    if (failed == count) {
        functional_see(true, "All invalid size allocations failed");
    } else {
        functional_see(false, "%d of %d invalid size allocations failed",
                       failed, count);
    }
    functional_end("Passed");
}

static void functional_full(memory_pool_t *mp)
{
    struct functional_object parts[FUNCTIONAL_PARTS + 1];

    functional_begin("Pool Full");
    int refused = functional_fill(mp, parts);
    struct functional_object more = functional_allocate(mp, 1);
    functional_see(refused == 0, "Objects of %d bytes in all: %d refused",
                   MAX_BLOCK_SIZE, refused);
    functional_tell("One more object", more, ENOBUFS);
    int damaged = functional_damaged(parts, 0, 1);
    functional_see(damaged == 0, "Objects damaged: %d", damaged);
    functional_end("Passed");
    free_all_memory(mp);
}

static void functional_reverse(memory_pool_t *mp)
{
    struct functional_object parts[FUNCTIONAL_PARTS + 1];
    int kept = 0;

    functional_begin("Free in Reverse Order");
    int refused = functional_fill(mp, parts);
    for (int i = FUNCTIONAL_PARTS; i >= 0; i--) {
        if (parts[i].start != NULL) {
            free_memory(mp, parts[i].start);
            kept += is_mp_ptr(mp, parts[i].start);
        }
    }
    functional_see(refused == 0 && kept == 0,
                   "Objects not allocated: %d, still there after their free: "
                   "%d", refused, kept);
    functional_tell_empty(mp);
    functional_end("Passed");
    free_all_memory(mp);
}

static void functional_any_order(memory_pool_t *mp)
{
    struct functional_object parts[FUNCTIONAL_PARTS + 1];

    functional_begin("Free in Any Order");
    int refused = functional_fill(mp, parts);
    for (int i = 0; i <= FUNCTIONAL_PARTS; i += 2) {
        if (parts[i].start != NULL) {
            free_memory(mp, parts[i].start);
        }
    }
    int lost = 0;
    for (int i = 1; i <= FUNCTIONAL_PARTS; i += 2) {
        lost += parts[i].start == NULL || !is_mp_ptr(mp, parts[i].start);
    }
    int damaged = functional_damaged(parts, 1, 2);
    functional_see(refused == 0 && lost == 0 && damaged == 0,
                   "Every other object freed: of the rest %d lost, "
                   "%d damaged", lost, damaged);
    for (int i = 1; i <= FUNCTIONAL_PARTS; i += 2) {
        if (parts[i].start != NULL) {
            free_memory(mp, parts[i].start);
        }
    }
    functional_tell_empty(mp);
    functional_end("Passed");
    free_all_memory(mp);
}

static void functional_null(memory_pool_t *mp)
{
    functional_begin("NULL Pool and NULL Pointer");
    struct functional_object object = functional_allocate(mp, 1);
    struct functional_object none = functional_allocate(NULL, 1);
    functional_see(none.error == EINVAL, "Allocation from a NULL pool %s",
                   none.error == EINVAL ? "refused" : "not refused");
    errno = 0;
    free_memory(NULL, object.start);
    functional_tell_refused("Free into a NULL pool");
    errno = 0;
    free_memory(mp, NULL);
    functional_tell_refused("Free of a NULL pointer");
    errno = 0;
    free_all_memory(NULL);
    functional_tell_refused("Reset of a NULL pool");
    errno = 0;
    destroy_memory_pool(NULL);
    functional_tell_refused("Destroy of a NULL pool");
    errno = 0;
    bool of_null_pool = is_mp_ptr(NULL, object.start);
    functional_tell_refused("Question to a NULL pool");
    errno = 0;
    bool null_pointer = is_mp_ptr(mp, NULL);
    functional_tell_refused("Question about a NULL pointer");
    functional_see(!of_null_pool && !null_pointer, "Answers: %d and %d",
                   of_null_pool, null_pointer);
    functional_end("Passed");
    free_all_memory(mp);
}

static void functional_foreign(memory_pool_t *mp)
{
    size_t size = MAX_BLOCK_SIZE / 4;
    int local = 0;

    functional_begin("Pointers That Cannot Be Freed");
    unsigned char *old = functional_allocate(mp, size).start;
    free_all_memory(mp);
    errno = 0;
    free_memory(mp, old);
    functional_tell_refused("Object from before a reset:");
    errno = 0;
    free_memory(mp, &local);
    functional_tell_refused("Variable of the program:");

    unsigned char *below = functional_allocate(mp, size).start;
    unsigned char *freed = functional_allocate(mp, size).start;
    unsigned char *above = functional_allocate(mp, size).start;
    if (below != NULL && freed != NULL && above != NULL) {
        errno = 0;
        free_memory(mp, below + 1);
        functional_tell_refused("Inside of an object:");
        free_memory(mp, freed);
        errno = 0;
        free_memory(mp, freed);
        functional_tell_refused("Object freed already:");
    }
    bool kept = is_mp_ptr(mp, below) && is_mp_ptr(mp, above);
    functional_see(kept, "Live objects are %s", kept ? "still there" : "gone");
    functional_end("Passed");
    free_all_memory(mp);
}

static void functional_reset(memory_pool_t *mp)
{
    struct functional_object parts[FUNCTIONAL_PARTS + 1];
    int kept = 0;

    functional_begin("Reset of the Whole Pool");
    int refused = functional_fill(mp, parts);
    errno = 0;
    free_all_memory(mp);
    functional_see(refused == 0 && errno == 0,
                   "Full pool reset, errno %d", errno);
    for (int i = 0; i < FUNCTIONAL_PARTS; i++) {
        kept += is_mp_ptr(mp, parts[i].start);
    }
    functional_see(kept == 0, "Old objects that it still knows: %d", kept);
    functional_tell_empty(mp);
    functional_end("Passed");
}

static void functional_question(memory_pool_t *mp)
{
    size_t size = MAX_BLOCK_SIZE / 4;
    int local = 0;

    functional_begin("Whose Pointer It Is");
    unsigned char *object = functional_allocate(mp, size).start;
    bool live = is_mp_ptr(mp, object);
    bool inside = object != NULL && is_mp_ptr(mp, object + 1);
    bool foreign = is_mp_ptr(mp, &local);
    free_memory(mp, object);
    bool freed = is_mp_ptr(mp, object);
    functional_see(live, "Live object: %s", live ? "true" : "false");
    functional_see(!inside, "Inside of an object: %s",
                   inside ? "true" : "false");
    functional_see(!foreign, "Variable of the program: %s",
                   foreign ? "true" : "false");
    functional_see(!freed, "Freed object: %s", freed ? "true" : "false");
    functional_end("Passed");
}

struct functional_thread {
    memory_pool_t *mp;
    pthread_t thread;
    bool started;
    int mark;
    int refused;
    int damaged;
};

static void *functional_thread_run(void *arg)
{
    struct functional_thread *self = arg;
    const size_t size =
        MAX_BLOCK_SIZE / (FUNCTIONAL_THREADS * FUNCTIONAL_OBJECTS);
    unsigned char *objects[FUNCTIONAL_OBJECTS];

    for (int round = 0; round < FUNCTIONAL_ROUNDS; round++) {
        for (int i = 0; i < FUNCTIONAL_OBJECTS; i++) {
            objects[i] = mp_allocate(self->mp, size);
            if (objects[i] != NULL) {
                memset(objects[i], self->mark, size);
            }
            self->refused += objects[i] == NULL;
        }
        for (int i = FUNCTIONAL_OBJECTS - 1; i >= 0; i--) {
            if (objects[i] == NULL) {
                continue;
            }
            size_t same = 0;
            while (same < size && objects[i][same] == self->mark) {
                same++;
            }
            self->damaged += same < size;
            free_memory(self->mp, objects[i]);
        }
    }
    return NULL;
}

static void functional_threads(memory_pool_t *mp)
{
    struct functional_thread threads[FUNCTIONAL_THREADS];
    int started = 0;
    int refused = 0;
    int damaged = 0;

    functional_begin("Four Threads on One Pool");
    for (int i = 0; i < FUNCTIONAL_THREADS; i++) {
        threads[i] = (struct functional_thread){.mp = mp, .mark = i + 1};
        threads[i].started =
            pthread_create(&threads[i].thread, NULL, functional_thread_run,
                           &threads[i]) == 0;
    }
    for (int i = 0; i < FUNCTIONAL_THREADS; i++) {
        if (threads[i].started) {
            pthread_join(threads[i].thread, NULL);
            started++;
        }
        refused += threads[i].refused;
        damaged += threads[i].damaged;
    }
    functional_see(started == FUNCTIONAL_THREADS, "Threads started: %d",
                   started);
    functional_see(refused == 0 && damaged == 0,
                   "Of %d objects %d were refused and %d damaged",
                   started * FUNCTIONAL_ROUNDS * FUNCTIONAL_OBJECTS, refused,
                   damaged);
    functional_tell_empty(mp);
    functional_end("Passed");
}

/* In a child, whose memory may be used up: makes pools until there is no
 * room for one.  0: that was answered with ENOMEM; 1: it was not; 2: there
 * is always room. */
static int functional_use_up(void)
{
    const struct rlimit none = {0, 0};
    const int enough = 16 * 1024 * 1024 / MAX_BLOCK_SIZE + 16;

    if (setrlimit(RLIMIT_DATA, &none) != 0) {
        return 2;
    }
    for (int made = 0; made < enough; made++) {
        errno = 0;
        if (init_memory_pool() == NULL) {
            return errno == ENOMEM ? 0 : 1;
        }
    }
    return 2;
}

static void functional_no_memory(void)
{
    int status = 2;

    functional_begin("No Memory for a Pool");
    if (!FUNCTIONAL_SANITIZED) {
        fflush(NULL);
        pid_t child = fork();
        if (child == 0) {
            _exit(functional_use_up());
        }
        if (child > 0 && waitpid(child, &status, 0) == child) {
            status = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
        }
    }
    if (status == 2) {
        printf("  Memory cannot be withheld from this program: not tried\n");
        functional_end("Completed");
    } else {
        functional_see(status == 0, "Pool %s", status == 0 ? "refused"
                       : "not refused with ENOMEM");
        functional_end("Passed");
    }
}

static void functional_destroy(memory_pool_t *mp)
{
    functional_begin("Destroy Memory Pool");
    struct functional_object held = functional_allocate(mp, 1);
    errno = 0;
    destroy_memory_pool(mp);
    functional_see(held.start != NULL && errno == 0,
                   "Pool with a live object destroyed, errno %d", errno);
    functional_end("Passed");
}

int main(void)
{
    /* A line is out before the next call speaks on standard error. */
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    printf("=============================================\n"
           "Memory Pool Functional Test Suite\n"
           "=============================================\n");
    memory_pool_t *mp = functional_initialize();
    if (mp != NULL) {
        functional_valid(mp);
        functional_invalid(mp);
        functional_full(mp);
        functional_reverse(mp);
        functional_any_order(mp);
        functional_null(mp);
        functional_foreign(mp);
        functional_reset(mp);
        functional_question(mp);
        functional_threads(mp);
        functional_no_memory();
        functional_destroy(mp);
    }
    if (functional_failed != 0) {
        printf("\n%d of %d Tests Failed\n", functional_failed,
               functional_number);
        return 1;
    }
    printf("\nAll Tests Executed Successfully\n");
    return 0;
}
