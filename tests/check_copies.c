/* SPDX-License-Identifier: MIT
 *
 * check_copies.c - two copies of the library in one process.
 *
 * This program is linked with the shared library as any program is, and loads
 * a copy of the same file besides, as with a plugin that brings its own: so
 * all that is exported is there twice, under one name.  Each copy has pools
 * of its own, and each knows nothing of the other's.
 *
 * What it cannot do: anything where there is no shared library, or under
 * clang's AddressSanitizer, which ends a process that has an exported variable
 * twice; gcc's does not.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "pools.h"
#include "sanitizer.h"

#define OBJECTS 100u

static struct {
    memory_pool_t *(*create)(const mp_options_t *, size_t);
    void *(*allocate)(memory_pool_t *, size_t);
    void (*free)(memory_pool_t *, const void *);
    bool (*knows)(memory_pool_t *, void *);
    memory_pool_t *(*owner)(const void *);
    int (*check)(memory_pool_t *);
    void (*destroy)(memory_pool_t *);
} copy;

#if defined(__clang__) && SANITIZER_ON && !SANITIZER_THREAD
#define COPIES_ABLE false
#else
#define COPIES_ABLE true
#endif

/* Copies the library's file to a new one; false: there is none. */
static bool copy_file(char *name)
{
    char bytes[65536];
    ssize_t length;
    int from = open(COPIES_LIBRARY, O_RDONLY);

    if (from < 0) {
        return false; /* built without a shared library */
    }
    int to = mkstemp(name);
    ck_assert_int_ge(to, 0);
    while ((length = read(from, bytes, sizeof bytes)) > 0) {
        POOLS_EXPECT(write(to, bytes, (size_t)length) == length);
    }
    ck_assert_int_eq(length, 0);
    close(from);
    ck_assert_int_eq(close(to), 0);
    return true;
}

static bool copy_load(void)
{
    char name[] = COPIES_DIRECTORY "/copy-of-libmempool-XXXXXX";

    if (copy.create != NULL) {
        return true;
    }
    if (!copy_file(name)) {
        return false;
    }
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    unlink(name);
    ck_assert_msg(library != NULL, "%s", dlerror());
    *(void **)&copy.create = dlsym(library, "mp_create_sized");
    *(void **)&copy.allocate = dlsym(library, "mp_allocate");
    *(void **)&copy.free = dlsym(library, "free_memory");
    *(void **)&copy.knows = dlsym(library, "is_mp_ptr");
    *(void **)&copy.owner = dlsym(library, "mp_owner");
    *(void **)&copy.check = dlsym(library, "mp_check");
    *(void **)&copy.destroy = dlsym(library, "destroy_memory_pool");
    return true;
}

/* Work in a pool of each in turn, by one thread. */
static void *use_both(void *argument)
{
    memory_pool_t *mp = mp_create(NULL);
    memory_pool_t *other = copy.create(NULL, sizeof(mp_options_t));
    unsigned char *objects[OBJECTS], *others[OBJECTS];

    POOLS_EXPECT(mp != NULL && other != NULL);
    for (uint32_t i = 0; i < OBJECTS; i++) {
        size_t size = 1 + i * 7;
        objects[i] = mp_allocate(mp, size);
        others[i] = copy.allocate(other, size);
        POOLS_EXPECT(objects[i] != NULL && others[i] != NULL);
        support_fill(objects[i], size, i);
        support_fill(others[i], size, OBJECTS + i);
        POOLS_EXPECT(is_mp_ptr(mp, objects[i]));
        POOLS_EXPECT(copy.knows(other, others[i]));
        POOLS_EXPECT(mp_owner(objects[i]) == mp);
        POOLS_EXPECT(copy.owner(others[i]) == other);
        POOLS_EXPECT(mp_owner(others[i]) == NULL);
        POOLS_EXPECT(copy.owner(objects[i]) == NULL);
        POOLS_EXPECT(mp_check(mp) == 0 && copy.check(other) == 0);
    }
    for (uint32_t i = 0; i < OBJECTS; i++) {
        errno = SUPPORT_ERRNO;
        free_memory(mp, others[i]);
        POOLS_EXPECT(errno == EINVAL);
        errno = SUPPORT_ERRNO;
        copy.free(other, objects[i]);
        POOLS_EXPECT(errno == EINVAL);
        POOLS_EXPECT(support_holds(objects[i], 1 + i * 7, i));
        POOLS_EXPECT(support_holds(others[i], 1 + i * 7, OBJECTS + i));
        errno = SUPPORT_ERRNO;
        free_memory(mp, objects[i]);
        copy.free(other, others[i]);
        POOLS_EXPECT(errno == SUPPORT_ERRNO);
    }
    POOLS_EXPECT(mp_check(mp) == 0 && copy.check(other) == 0);
    copy.destroy(other);
    destroy_memory_pool(mp);
    return argument;
}

START_TEST(two_copies_of_the_library_know_nothing_of_each_other)
{
    if (!COPIES_ABLE || !copy_load()) {
        return;
    }
    ck_assert((void *(*)(memory_pool_t *, size_t))mp_allocate !=
              copy.allocate);
    use_both(NULL);
    support_join(support_start(use_both, NULL));
    use_both(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("copies");
    TCase *copies = support_case(suite, "copies");

    tcase_add_test(copies,
                   two_copies_of_the_library_know_nothing_of_each_other);
    return support_run(suite);
}
