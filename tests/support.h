/* SPDX-License-Identifier: MIT
 *
 * support.h - what the test programs share.
 *
 * Random numbers with a printed seed, standard error caught in a file, and
 * a shadow: a list of what a pool ought to hold, each object filled with a
 * pattern of its own.  The shadow looks at a pool through the public
 * functions only, so it tells nothing about blocks or lists.
 *
 * Capturing moves descriptor 2 of the whole process: one capture at a time.
 * Functions that use ck_assert are for the test's main thread only; threads
 * count what went wrong, and the main thread asserts on the count.
 */
#ifndef SUPPORT_H
#define SUPPORT_H

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <memory_pool.h>

#include "redirect.h"

#define SUPPORT_NO_POOL "the memory pool is NULL\n"
#define SUPPORT_ALLOCATE_NO_POOL "memory_pool is NULL\n"
#define SUPPORT_SIZE "invaild memory allocate size\n"
#define SUPPORT_FULL "the memory pool is full\n"
#define SUPPORT_NO_POINTER "your ptr is NULL\n"
#define SUPPORT_NOT_IN_POOL \
    "your ptr is not in the memory pool, cannot be freed\n"

/* An errno that no function of the library sets. */
#define SUPPORT_ERRNO 4321

/* Runs the suite; the exit status.  Check reads CK_FORK and CK_VERBOSITY. */
int support_run(Suite *suite);

/* A test case whose tests are ended when they hang, with CK_FORK=no too. */
TCase *support_case(Suite *suite, const char *name);

bool support_under_valgrind(void);

/* Whether the child of a process that had threads may start some.  It may not
 * with ThreadSanitizer, nor in qemu's user mode, which ends such a child now
 * and then.  Where it may not, that is printed. */
bool support_child_has_threads(void);

/* Whether a thread that is cancelled leaves the C library's locks.  In qemu's
 * user mode it ends without that, if it was printing.  Where it does so, that
 * is printed. */
bool support_can_cancel(void);

/* n repetitions divided by MP_TEST_SCALE; without that variable by slow
 * where a sanitizer or valgrind makes the program slow, else n.  MP_TEST_TIMES
 * multiplies them, for make check-long. */
unsigned support_times(unsigned n, unsigned slow);

/* A seed: MP_SEED if set, else a new one; printed either way. */
uint64_t support_seed(void);
uint64_t support_random(uint64_t *state);
size_t support_below(uint64_t *state, size_t bound);

/* Fills and compares n bytes with the pattern that belongs to a tag. */
void support_fill(void *at, size_t n, uint32_t tag);
bool support_holds(const void *at, size_t n, uint32_t tag);

/* Standard error goes to a file until it is released, which returns all of
 * it, to be freed. */
void support_capture(void);
char *support_release(void);
bool support_capturing(void);

/* Releases, and asserts that count times line, and nothing else, was there. */
void support_release_lines(const char *line, size_t count);

/* Releases, and asserts that there was one line, which begins with these words
 * and goes on. */
void support_release_words(const char *words);

/* Number of lines equal to line; *all becomes the number of all lines. */
size_t support_count(const char *text, const char *line, size_t *all);

/* Asserts that every line of text is one of the library's own; and releases
 * what has only such. */
void support_only_messages(const char *text);
void support_release_messages(void);

/* Which pages have memory, or are there at all: mincore(2), which POSIX and
 * some systems lack.  False: it failed. */
#ifdef HAVE_MINCORE
#define SUPPORT_PAGES 1
#else
#define SUPPORT_PAGES 0
#endif
bool support_pages(void *at, size_t bytes, unsigned char *pages);

/* One thread; threads.h has several that do the same. */
pthread_t support_start(void *(*run)(void *), void *argument);
void support_join(pthread_t thread);

/* Forks.  The child calls the function, with a watchdog of its own, and exits
 * with what it returns; asserts that this is 0. */
void support_fork(int (*run)(void *), void *argument);

/* Waits for a child; asserts that it exited with 0. */
void support_expect_child(pid_t child);

/* A call that answers so, and sets errno to EINVAL. */
#define SUPPORT_REFUSED(call, answer)     \
    do {                                  \
        errno = 0;                        \
        ck_assert((call) == (answer));    \
        ck_assert_int_eq(errno, EINVAL);  \
    } while (0)

/* Fills n bytes with a word that is nowhere else, and finds none of it. */
void support_put_word(void *at, size_t n);
bool support_word_is_gone(const void *at, size_t n);

struct support_object {
    unsigned char *at;
    size_t size;
    uint32_t tag;
};

struct support_shadow {
    memory_pool_t *mp;
    size_t count;
    size_t bytes;
    uint32_t next_tag;
    struct support_object objects[MAX_BLOCK_SIZE];
};

/* A shadow of a new pool, and the end of both. */
struct support_shadow *shadow_new(void);
void shadow_end(struct support_shadow *shadow);

/* Asks for size bytes; asserts that they come exactly when they fit, are
 * aligned as promised, and that errno is as promised.  Returns the object, or
 * NULL when the pool was full. */
unsigned char *shadow_allocate(struct support_shadow *shadow, size_t size);

/* Frees object i after comparing its bytes.  The last takes its place, or,
 * in order, all behind it move down. */
void shadow_free(struct support_shadow *shadow, size_t i);
void shadow_free_in_order(struct support_shadow *shadow, size_t i);

/* One capture over many calls, which is much faster than one for each: the
 * release asserts that just the refusals that shadows saw were reported. */
void shadow_capture(void);
void shadow_release(void);

void shadow_reset(struct support_shadow *shadow);

/* Asserts that the pool holds what the shadow holds: it knows each object, the
 * bytes are as they were, and exactly the rest of the capacity is free. */
void shadow_verify(struct support_shadow *shadow);

/* Asserts that no object reaches into another, by address. */
void shadow_verify_apart(const struct support_shadow *shadow);

/* True where exactly free_bytes can be had as one object and one byte more
 * can not; leaves the pool as it was.  Prints SUPPORT_FULL once.  Asserts
 * nothing, for use in a forked child. */
bool support_room_is(memory_pool_t *mp, size_t free_bytes);

#endif /* SUPPORT_H */
