/* SPDX-License-Identifier: MIT
 *
 * plugin_host.c - a program of the shared library that loads a plug-in with a
 * copy of its own, and lets it go while a thread that used it still runs.
 *
 * plugin_host FILE: see tests/plugin.sh.
 */
#include <dlfcn.h>
#include <memory_pool_inline.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int (*host_plugin)(const void *);
static int host_ran[2]; /* pipes, since macOS has no unnamed semaphores */
static int host_closed[2];

static void host_expect(int true_here, const char *what)
{
    if (!true_here) {
        printf("plugin_host: %s\n", what);
        exit(1);
    }
}

static void host_tell(const int pipe[2])
{
    host_expect(write(pipe[1], "", 1) == 1, "a pipe takes nothing");
}

static void host_hear(const int pipe[2])
{
    char byte;

    host_expect(read(pipe[0], &byte, 1) == 1, "a pipe gives nothing");
}

/* Ends after dlclose(): what the plug-in's copy does then must be there. */
static void *host_thread(void *object)
{
    int line = host_plugin(object);

    host_expect(line == 0, "the plug-in's own test fails in a thread");
    host_tell(host_ran);
    host_hear(host_closed);
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    memory_pool_t *mp = mp_create(NULL);
    void *object = mp_allocate(mp, 10);

    host_expect(argc == 2 && object != NULL, "nothing to start with");
    host_expect(pipe(host_ran) == 0 && pipe(host_closed) == 0, "no pipe");
    void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    host_expect(library != NULL, "dlopen() fails");
    *(void **)&host_plugin = dlsym(library, "plugin_run");
    host_expect(host_plugin != NULL, "the plug-in has no function");
    host_expect(host_plugin(object) == 0, "the plug-in's own test fails");
    host_expect(pthread_create(&thread, NULL, host_thread, object) == 0,
                "no thread");
    host_hear(host_ran);
    host_expect(dlclose(library) == 0, "dlclose() fails");
    host_tell(host_closed);
    pthread_join(thread, NULL);
    host_expect(mp_owner(object) == mp && mp_check(mp) == 0,
                "the program's own pool has suffered");
    free_memory(mp, object);
    destroy_memory_pool(mp);
    puts("plugin_host: closed");
    return 0;
}
