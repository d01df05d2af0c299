/* SPDX-License-Identifier: MIT
 *
 * guide_parser.c - mempool_guide(7): a document owns its pool.
 */
#include <memory_pool.h>
#include <stdio.h>
#include <string.h>

struct setting {
    struct setting *next;
    const char *name;
    const char *value;
};

struct config {
    memory_pool_t *mp; /* holds the settings and this structure, too */
    struct setting *settings;
};

/* Parses one line into a setting.  NULL: bad line, or no memory. */
static struct setting *setting_parse(memory_pool_t *mp, const char *line)
{
    size_t name = strcspn(line, "=\n");
    size_t length = strcspn(line, "\n");
    struct setting *setting = mp_calloc(mp, 1, sizeof *setting);
    if (setting == NULL || name == length) {
        return NULL;
    }
    setting->name = mp_strndup(mp, line, name);
    setting->value = mp_strndup(mp, line + name + 1, length - name - 1);
    return setting->name && setting->value ? setting : NULL;
}

/* Parses lines of the form name=value, each with its newline. */
static struct config *config_parse(const char *text)
{
    memory_pool_t *mp = mp_create(NULL);
    struct config *config = mp_calloc(mp, 1, sizeof *config);
    for (; config != NULL && *text != '\0'; text = strchr(text, '\n') + 1) {
        struct setting *setting = setting_parse(mp, text);
        if (setting == NULL) {
            destroy_memory_pool(mp); /* however much was parsed */
            return NULL;
        }
        setting->next = config->settings;
        config->settings = setting;
        config->mp = mp;
    }
    return config;
}

int main(void)
{
    struct config *config = config_parse("color=blue\nsize=12\n");
    struct config *broken = config_parse("color=blue\nsize\n");
    if (config == NULL || broken != NULL) {
        return 1;
    }
    for (struct setting *s = config->settings; s != NULL; s = s->next) {
        printf("%s is %s\n", s->name, s->value);
    }
    destroy_memory_pool(config->mp);
    return 0;
}
