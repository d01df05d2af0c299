/* SPDX-License-Identifier: MIT
 *
 * man_memory_pool_hooks.c - the example of memory_pool_hooks(7).
 *
 * The library that takes a table is played by a few lines here, so that this
 * needs none; examples/hooks has one for each real library.
 */
#include <memory_pool_hooks.h>
#include <stdlib.h>
#include <string.h>

struct parser_memory;
static int parse(const char *text, const struct parser_memory *memory);

/* A parser that takes a table of functions, as many libraries' do. */
struct parser_memory {
    void *(*malloc_fn)(size_t size);
    void *(*realloc_fn)(void *ptr, size_t size);
    void (*free_fn)(void *ptr);
};

/* Parses in a pool of at most 64 KiB, whatever the text is. */
static int parse_in_pool(const char *text)
{
    const mp_options_t options = {.capacity = 65536};
    struct parser_memory memory = MP_HOOKS_EXPAT; /* the same three */
    memory_pool_t *mp = mp_create(&options);

    if (mp == NULL) {
        return -1;
    }
    memory_pool_t *outer = mp_use(mp);
    int result = parse(text, &memory);
    mp_use(outer);
    mp_destroy(mp);
    return result;
}

/* Collects the letters of the text, twice: they grow and are freed. */
static int parse(const char *text, const struct parser_memory *memory)
{
    char *letters = memory->malloc_fn(1);
    int count = 0;

    for (; letters != NULL && *text != '\0'; text++) {
        char *longer = memory->realloc_fn(letters, (size_t)count + 1);
        if (longer == NULL) {
            memory->free_fn(letters);
            return -1;
        }
        letters = longer;
        letters[count++] = *text;
    }
    memory->free_fn(letters);
    return count;
}

int main(void)
{
    static char text[100001];

    memset(text, 'a', 50000);
    bool right = parse_in_pool(text) == 50000;
    memset(text, 'a', 100000);
    right = parse_in_pool(text) == -1 && right; /* there is a limit */
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}
