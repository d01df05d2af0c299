/* SPDX-License-Identifier: MIT
 *
 * guide_plugin.c - mempool_guide(7): a plug-in that leaves nothing behind.
 */
#include <memory_pool.h>
#include <stdio.h>

static int files_open;

static void close_file(void *file)
{
    fclose(file);
    files_open--;
}

/* A plug-in.  It frees nothing and closes nothing. */
static int plugin_run(memory_pool_t *mp)
{
    FILE *file = tmpfile();
    if (file == NULL) {
        return -1;
    }
    files_open++;
    if (mp_add_cleanup(mp, close_file, file) != 0) {
        close_file(file);
        return -1;
    }
    return mp_calloc(mp, 100, 100) == NULL ? -1 : 0;
}

int main(void)
{
    memory_pool_t *host = mp_create(NULL);
    mp_options_t options = {0};
    options.name = "plug-in";
    options.parent = host;
    options.capacity = 1 << 20;
    options.report = mp_report_stderr; /* names the plug-in */
    memory_pool_t *mp = mp_create(&options);
    int failed = mp == NULL || plugin_run(mp) != 0 || files_open != 1;
    destroy_memory_pool(mp); /* closes the file, then frees the objects */
    printf("%d files are open\n", files_open);
    destroy_memory_pool(host);
    return failed || files_open != 0;
}
