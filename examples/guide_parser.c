/* SPDX-License-Identifier: MIT
 *
 * guide_parser.c - mempool_guide(7): a parser that frees nothing.
 */
#include <memory_pool.h>
#include <stdio.h>
#include <string.h>

struct setting {
    struct setting *next;
    const char *name;
    const char *value;
};

/* Parses lines such as "size=12".  NULL: a bad line, or no memory. */
static struct setting *parse(memory_pool_t *mp, const char *text)
{
    struct setting *settings = NULL;
    for (size_t length; *text != '\0'; text += length + 1) {
        length = strcspn(text, "\n");
        struct setting *setting = mp_allocate(mp, sizeof *setting);
        char *name = mp_strndup(mp, text, length);
        char *value = name == NULL ? NULL : strchr(name, '=');
        if (setting == NULL || value == NULL) {
            return NULL; /* whatever was parsed, and nothing is freed */
        }
        *value++ = '\0';
        *setting = (struct setting){settings, name, value};
        settings = setting;
    }
    return settings;
}

int main(void)
{
    static const char *const files[] = {"size=12\ncolor=blue\n", "a=b\nsize\n"};
    for (int i = 0; i < 2; i++) {
        memory_pool_t *mp = mp_create(NULL);
        struct setting *setting = parse(mp, files[i]);
        puts(setting == NULL ? "a bad file" : "a good file");
        for (; setting != NULL; setting = setting->next) {
            printf("%s is %s\n", setting->name, setting->value);
        }
        destroy_memory_pool(mp);
    }
    return 0;
}
