/* SPDX-License-Identifier: MIT
 *
 * man_mp_handle_calloc.c - the example of mp_handle_calloc(3).
 *
 * A task makes what it needs through its handle, and a mark of the handle ends it.
 */
#include <memory_pool.h>
#include <stdlib.h>
#include <string.h>

struct request {
    char *path;
    char *title;
};

/* What a task keeps: copies of its own, from its own cache. */
static struct request *task_request(mp_handle_t *handle, const char *path)
{
    struct request *request = mp_handle_calloc(handle, 1, sizeof *request);

    if (request != NULL) {
        request->path = mp_handle_strdup(handle, path);
        request->title = mp_handle_asprintf(handle, "request of %s", path);
    }
    return request;
}

int main(void)
{
    memory_pool_t *mp = mp_create(NULL);
    mp_handle_t *handle = mp == NULL ? NULL : mp_attach(mp);

    if (handle == NULL) {
        return EXIT_FAILURE;
    }
    mp_mark_t mark = mp_handle_mark(handle);
    struct request *request = task_request(handle, "/index");
    bool right = request != NULL && request->title != NULL &&
                 strcmp(request->title, "request of /index") == 0;
    right = mp_handle_rewind(handle, mark) == 0 && right &&
            !mp_owns(mp, request);
    mp_detach(handle);
    mp_destroy(mp);
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}
