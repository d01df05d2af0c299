/* SPDX-License-Identifier: MIT
 *
 * man_mp_add_cleanup.c - the example of mp_add_cleanup(3).
 *
 * A file is open as long as the pool that its name is in.  What was written
 * is in the file once the pool was reset, and the stream is closed then.
 */
#define _POSIX_C_SOURCE 200809L
#include <memory_pool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static unsigned closed;

static void close_file(void *arg)
{
    FILE *file = arg;

    closed++;
    fclose(file);
}

/* Opens a file that is closed when the pool is reset or destroyed. */
static FILE *open_in(memory_pool_t *mp, const char *path, const char *mode)
{
    FILE *file = fopen(path, mode);

    if (file != NULL && mp_add_cleanup(mp, close_file, file) != 0) {
        fclose(file);
        return NULL;
    }
    return file;
}

/* Closes the file earlier. */
static void close_in(memory_pool_t *mp, FILE *file)
{
    if (mp_remove_cleanup(mp, close_file, file) == 0) {
        fclose(file);
    }
}

int main(void)
{
    char path[] = "/tmp/man_mp_add_cleanup.XXXXXX";
    char line[20] = "";
    int fd = mkstemp(path);
    memory_pool_t *mp = mp_create(NULL);

    if (fd < 0 || mp == NULL) {
        return EXIT_FAILURE;
    }
    FILE *file = open_in(mp, path, "w");
    bool right = file != NULL && fputs("written", file) >= 0;
    free_all_memory(mp);
    right = right && closed == 1;
    file = open_in(mp, path, "r");
    right = right && file != NULL &&
            fgets(line, sizeof line, file) != NULL &&
            strcmp(line, "written") == 0;
    if (file != NULL) {
        close_in(mp, file);
    }
    destroy_memory_pool(mp);
    right = right && closed == 1;
    close(fd);
    unlink(path);
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}
