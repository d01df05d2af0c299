/* SPDX-License-Identifier: MIT
 *
 * bugs.c - a program with one fault, for tools to find.
 *
 *     bugs FAULT KIND           makes that fault in a pool of that kind
 *     bugs FAULT KIND WORDS     the same, with these words in its options
 *     bugs                      lists the faults
 *
 * Nothing here looks at what a call says.  The program goes on after its fault,
 * as programs do, and ends with 0 unless somebody stops it.
 *
 * What it cannot do: be right.
 */
#include "kinds.h"

#include <pthread.h>
#include <time.h>

#define SIZE 24

static memory_pool_t *pool;

/* Through these the compiler sees neither what is read nor where from. */
static volatile char *volatile pointer;
static volatile int sink;

static char *__attribute__((__noinline__)) get(void)
{
    pointer = kinds_allocate(pool, SIZE);
    if (pointer == NULL) {
        exit(2);
    }
    return (char *)(size_t)pointer;
}

static char *get_filled(void)
{
    return memset(get(), 1, SIZE);
}

static void overrun_write(void)
{
    get_filled();
    pointer[SIZE] = 2;
}

static void overrun_read(void)
{
    get_filled();
    sink = pointer[SIZE];
}

static void underrun_write(void)
{
    get_filled();
    pointer[-1] = 2;
}

static void freed_write(void)
{
    kinds_free(pool, get_filled());
    pointer[3] = 2;
}

static void freed_read(void)
{
    kinds_free(pool, get_filled());
    sink = pointer[3];
}

static void reset_write(void)
{
    get_filled();
    free_all_memory(pool);
    pointer[3] = 2;
}

static void rewound_write(void)
{
    mp_mark_t mark = kinds_handle != NULL ? mp_handle_mark(kinds_handle)
                                          : mp_mark(pool);

    get_filled();
    if (kinds_handle != NULL) {
        mp_handle_rewind(kinds_handle, mark);
    } else {
        mp_rewind(pool, mark);
    }
    pointer[3] = 2;
}

static void ended_write(void)
{
    get_filled();
    kinds_end(pool);
    pool = NULL;
    pointer[3] = 2;
}

static void double_free(void)
{
    char *object = get_filled();

    kinds_free(pool, object);
    kinds_free(pool, object);
}

static void double_free_reused(void)
{
    char *object = get_filled();

    kinds_free(pool, object);
    get_filled();
    kinds_free(pool, object);
}

static void reused_write(void)
{
    volatile char *object = get_filled();

    kinds_free(pool, (char *)(size_t)object);
    get_filled();
    object[3] = 2;
}

static void wrong_pool(void)
{
    mp_options_t options;

    memset(&options, 0, sizeof options);
    options.debug = kinds_words;
    memory_pool_t *other = mp_create(&options);

    free_memory(other, get_filled());
    destroy_memory_pool(other);
}

static void interior_free(void)
{
    kinds_free(pool, get_filled() + 8);
}

static void foreign_free(void)
{
    char local[SIZE];

    pointer = memset(local, 1, sizeof local);
    kinds_free(pool, (char *)(size_t)pointer);
}

static void __attribute__((__noinline__)) lose(void)
{
    get_filled();
    pointer = NULL;
}

/* The pool stays to the end of the program, and nobody knows the object. */
static void leak(void)
{
    char stack[4096];

    lose();
    pointer = memset(stack, 0, sizeof stack);
    pointer = NULL;
}

static void uninitialised_read(void)
{
    get();
    if (pointer[3] == 42) {
        sink = 1;
    }
}

static void *write_often(void *object)
{
    for (int i = 0; i < 1000; i++) {
        ++*(volatile int *)object;
    }
    return NULL;
}

static void race(void)
{
    void *object = get_filled();
    pthread_t threads[2];

    for (int i = 0; i < 2; i++) {
        if (pthread_create(&threads[i], NULL, write_often, object) != 0) {
            exit(2);
        }
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
}

/* So late that the other thread is done. */
static void *write_late(void *object)
{
    const struct timespec late = {0, 100000000};

    (void)nanosleep(&late, NULL);
    kinds_free(pool, kinds_allocate(pool, SIZE));
    ++*(volatile int *)object;
    return NULL;
}

/* No call of an allocator puts two threads in order. */
static void race_between_calls(void)
{
    void *object = get_filled();
    pthread_t thread;

    if (pthread_create(&thread, NULL, write_late, object) != 0) {
        exit(2);
    }
    ++*(volatile int *)object;
    kinds_free(pool, kinds_allocate(pool, SIZE));
    pthread_join(thread, NULL);
}

static const struct {
    const char *name;
    void (*make)(void);
} faults[] = {
#define FAULT(name) {#name, name}
    FAULT(overrun_write),  FAULT(overrun_read),       FAULT(underrun_write),
    FAULT(freed_write),    FAULT(freed_read),         FAULT(reset_write),
    FAULT(rewound_write),  FAULT(ended_write),        FAULT(double_free),
    FAULT(double_free_reused), FAULT(reused_write),   FAULT(wrong_pool),
    FAULT(interior_free),  FAULT(foreign_free),       FAULT(leak),
    FAULT(uninitialised_read), FAULT(race),           FAULT(race_between_calls),
};

int main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        if (argc < 3) {
            puts(faults[i].name);
        } else if (strcmp(argv[1], faults[i].name) == 0) {
            kinds_words = argc > 3 ? argv[3] : NULL;
            pool = kinds_make(argv[2]);
            if (pool == NULL) {
                return 2;
            }
            faults[i].make();
            if (pool != NULL && strcmp(argv[1], "leak") != 0) {
                kinds_end(pool);
            }
            return 0;
        }
    }
    return argc < 3 ? 0 : 2;
}
