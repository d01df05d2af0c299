/* SPDX-License-Identifier: MIT
 *
 * picture.c - a picture of a pool at work: picture FILE >picture.svg
 *
 * Two threads count the words of a file as wordfreq does, each its half, into
 * tables in one pool.  The second joins its table to the first's, which frees
 * the words that both have, then takes notes under a mark, and draws the pool
 * from amid all that: what is live, what lies freed in the caches of both,
 * and whose blocks are whose.
 *
 * What it cannot do: read letters other than those of ASCII.
 */
#include <ctype.h>
#include <pthread.h>

#include "wordfreq_index.h"

struct picture {
    const char *text; /* the file */
    const char *half; /* where the second thread begins */
    struct wordfreq_index first;
    struct wordfreq_index second;
    bool done;
};

/* Counts the words up to end; the text goes on behind it or ends there. */
static bool picture_count(struct wordfreq_index *index, const char *at,
                          const char *end)
{
    while (at < end) {
        const char *word = at;
        while (at < end && isalpha((unsigned char)*at)) {
            at++;
        }
        if (at > word &&
            !wordfreq_index_add(index, word, (size_t)(at - word))) {
            return false;
        }
        at += at < end;
    }
    return true;
}

static void *picture_second(void *argument)
{
    struct picture *self = argument;
    memory_pool_t *pool = self->first.pool;

    if (!picture_count(&self->second, self->half,
                       self->half + strlen(self->half)) ||
        !wordfreq_index_join(&self->first, &self->second)) {
        return NULL;
    }
    mp_mark_t mark = mp_mark(pool);
    for (size_t size = 16; size < 10000 && mark.number != 0; size *= 2) {
        if (mp_allocate(pool, size) == NULL) {
            return NULL;
        }
    }
    self->done = mp_map(pool, stdout) == 0 && mp_rewind(pool, mark) == 0;
    return NULL;
}

/* A whole file as a string, or NULL. */
static char *picture_read(const char *name)
{
    FILE *file = fopen(name, "rb");
    char *text = NULL;
    size_t size = 0;
    size_t room = 0;

    while (file != NULL && !feof(file) && !ferror(file)) {
        if (room - size < 2) {
            room = room == 0 ? 4096 : 2 * room;
            char *longer = realloc(text, room);
            if (longer == NULL) {
                break;
            }
            text = longer;
        }
        size += fread(text + size, 1, room - size - 1, file);
        text[size] = '\0';
    }
    if (file == NULL || !feof(file) || ferror(file)) {
        perror(name);
        free(text);
        text = NULL;
    }
    if (file != NULL) {
        fclose(file);
    }
    return text;
}

static bool picture_work(struct picture *self)
{
    pthread_t thread;

    self->half = self->text + strlen(self->text) / 2;
    while (isalpha((unsigned char)*self->half)) {
        self->half++;
    }
    if (!picture_count(&self->first, self->text, self->half)) {
        return false;
    }
    int error = pthread_create(&thread, NULL, picture_second, self);
    if (error != 0) {
        fprintf(stderr, "picture: %s\n", strerror(error));
        return false;
    }
    pthread_join(thread, NULL);
    if (!self->done) {
        perror("picture");
    }
    return self->done;
}

int main(int argc, char **argv)
{
    const mp_options_t options = {.name = "words", .report = mp_report_stderr};
    struct picture self = {0};
    bool done = false;

    if (argc != 2) {
        fprintf(stderr, "usage: picture FILE >picture.svg\n");
        return 2;
    }
    char *text = picture_read(argv[1]);
    memory_pool_t *pool = text == NULL ? NULL : mp_create(&options);
    if (pool != NULL) {
        self.text = text;
        self.first.pool = self.second.pool = pool;
        done = picture_work(&self);
        destroy_memory_pool(pool);
    }
    free(text);
    return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
