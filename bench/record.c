/* SPDX-License-Identifier: MIT
 *
 * record.c - records the allocations of a program that knows nothing of it.
 *
 *     LD_PRELOAD=record.so RECORD_FILE=name program ...
 *
 * writes name.PID for each process: an array of struct record, in the order
 * in which things happened.  Linux with glibc only, whose own functions do
 * the work under their second names.  A free is noted before it is done and
 * an allocation after it, so that an address is never noted as taken twice;
 * only a resize, which is both, is done with the lock held.
 *
 * One lock orders the notes of all threads.  If two threads hand an object from
 * one to the other, the note of its allocation comes before that of its end,
 * since each is made by the thread that does it.
 *
 * Aligned objects are noted without their alignment.  A child that forks and
 * does not start another program is not recorded.  What a process does after
 * its exit handlers is lost, and all since the last full buffer of one that is
 * killed.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "record.h"

#ifndef __GLIBC__
#error "record.c needs glibc"
#endif

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *object, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *object);

#define RECORD_BUFFER 4096
#define RECORD_FILE_LEAST 500 /* out of the way of what programs count on */

static struct record record_buffer[RECORD_BUFFER];
static size_t record_used;
static int record_file = -1;
static char record_lock;
static uint32_t record_threads;

/* The thread's number and 1; 0 before its first note.  Preloaded, so its place
 * is known from the start, and no call is needed that might allocate. */
static __thread uint32_t record_self
    __attribute__((tls_model("initial-exec")));

static void record_enter(void)
{
    while (__atomic_test_and_set(&record_lock, __ATOMIC_ACQUIRE)) {
        sched_yield();
    }
}

static void record_leave(void)
{
    __atomic_clear(&record_lock, __ATOMIC_RELEASE);
}

/* Lock held.  A trace that cannot be written ends there. */
static void record_flush(void)
{
    const char *from = (const char *)record_buffer;
    size_t left = record_used * sizeof record_buffer[0];
    int saved = errno;

    while (left > 0 && record_file >= 0) {
        ssize_t written = write(record_file, from, left);
        if (written <= 0) {
            record_file = -1;
        } else {
            from += written;
            left -= (size_t)written;
        }
    }
    record_used = 0;
    errno = saved;
}

/* Lock held. */
static void record_note(const void *old, const void *made, size_t size,
                        uint32_t flags)
{
    if (record_file < 0) {
        return;
    }
    if (record_self == 0) {
        record_self = ++record_threads;
    }
    record_buffer[record_used++] = (struct record){
        (uint64_t)(uintptr_t)old, (uint64_t)(uintptr_t)made, size,
        record_self - 1, flags
    };
    if (record_used == RECORD_BUFFER) {
        record_flush();
    }
}

static void *record_made(void *object, size_t size, uint32_t flags)
{
    if (object != NULL) {
        record_enter();
        record_note(NULL, object, size, flags);
        record_leave();
    }
    return object;
}

void *malloc(size_t size)
{
    return record_made(__libc_malloc(size), size, 0);
}

void *calloc(size_t count, size_t size)
{
    return record_made(__libc_calloc(count, size), count * size,
                       RECORD_CALLOC);
}

void free(void *object)
{
    if (object != NULL) {
        record_enter();
        record_note(object, NULL, 0, 0);
        record_leave();
        __libc_free(object);
    }
}

void *realloc(void *object, size_t size)
{
    record_enter();
    void *made = __libc_realloc(object, size);
    if (made != NULL || (size == 0 && object != NULL)) {
        record_note(object, made, size, 0);
    }
    record_leave();
    return made;
}

void *reallocarray(void *object, size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(object, bytes);
}

void *memalign(size_t alignment, size_t size)
{
    return record_made(__libc_memalign(alignment, size), size, 0);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **object, size_t alignment, size_t size)
{
    void *made;

    if (alignment % sizeof(void *) != 0 ||
        (alignment & (alignment - 1)) != 0 || alignment == 0) {
        return EINVAL;
    }
    made = memalign(alignment, size);
    if (made == NULL) {
        return ENOMEM;
    }
    *object = made;
    return 0;
}

/* A program that is linked with another malloc must not ask that one for the
 * size of an object of this one. */
size_t malloc_usable_size(void *object)
{
    static size_t (*function)(void *);

    if (function == NULL) {
        void *library = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
        function = library == NULL
                       ? NULL
                       : (size_t (*)(void *))dlsym(library,
                                                   "malloc_usable_size");
    }
    return function == NULL ? 0 : function(object);
}

/* In a child the parent's notes would be written again. */
static void record_child(void)
{
    record_file = -1;
    record_used = 0;
    record_leave();
}

__attribute__((constructor)) static void record_start(void)
{
    const char *base = getenv("RECORD_FILE");
    char name[4096];

    if (base == NULL) {
        return;
    }
    snprintf(name, sizeof name, "%s.%ld", base, (long)getpid());
    int file = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file >= 0) {
        record_file = fcntl(file, F_DUPFD_CLOEXEC, RECORD_FILE_LEAST);
        close(file);
    }
    pthread_atfork(record_enter, record_leave, record_child);
}

__attribute__((destructor)) static void record_end(void)
{
    record_enter();
    record_flush();
    record_leave();
}

/* Without exit handlers, so the notes would be lost. */
void _exit(int status)
{
    record_end();
    syscall(SYS_exit_group, status);
    __builtin_unreachable();
}
