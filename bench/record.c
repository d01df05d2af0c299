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
 * Aligned objects are noted without their alignment.  A child that forks and
 * does not start another program is not recorded, and what a process does
 * after its exit handlers, or one that leaves by _exit(), is lost from the
 * last part on.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
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

static void record_enter(void)
{
    while (__atomic_test_and_set(&record_lock, __ATOMIC_ACQUIRE)) {
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
static void record_note(const void *old, const void *made, size_t size)
{
    if (record_file < 0) {
        return;
    }
    record_buffer[record_used++] = (struct record){
        (uint64_t)(uintptr_t)old, (uint64_t)(uintptr_t)made, size
    };
    if (record_used == RECORD_BUFFER) {
        record_flush();
    }
}

static void *record_made(void *object, size_t size)
{
    if (object != NULL) {
        record_enter();
        record_note(NULL, object, size);
        record_leave();
    }
    return object;
}

void *malloc(size_t size)
{
    return record_made(__libc_malloc(size), size);
}

void *calloc(size_t count, size_t size)
{
    return record_made(__libc_calloc(count, size), count * size);
}

void free(void *object)
{
    if (object != NULL) {
        record_enter();
        record_note(object, NULL, 0);
        record_leave();
        __libc_free(object);
    }
}

void *realloc(void *object, size_t size)
{
    record_enter();
    void *made = __libc_realloc(object, size);
    if (made != NULL || (size == 0 && object != NULL)) {
        record_note(object, made, size);
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
    return record_made(__libc_memalign(alignment, size), size);
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
