/* SPDX-License-Identifier: MIT
 *
 * man_mp_strdup.c - the example of mp_strdup(3).
 *
 * Takes settings of the form name=value apart.  The parts are copies: the
 * line may change afterwards.
 */
#include <memory_pool.h>
#include <stdlib.h>
#include <string.h>

struct setting {
    const char *name;
    const char *value;
};

/* Makes a setting from a line.  NULL: it is not one, or no memory. */
static struct setting *parse(memory_pool_t *mp, const char *line)
{
    size_t length = strcspn(line, "=");
    struct setting setting;

    if (line[length] == '\0') {
        return NULL;
    }
    setting.name = mp_strndup(mp, line, length);
    setting.value = mp_strdup(mp, line + length + 1);
    if (setting.name == NULL || setting.value == NULL) {
        return NULL;
    }
    return mp_memdup(mp, &setting, sizeof setting);
}

int main(void)
{
    memory_pool_t *mp = mp_create(NULL);
    char line[] = "colour=dark red";

    if (mp == NULL) {
        return EXIT_FAILURE;
    }
    struct setting *setting = parse(mp, line);
    memset(line, '?', sizeof line - 1);
    bool right = setting != NULL && strcmp(setting->name, "colour") == 0 &&
                 strcmp(setting->value, "dark red") == 0 &&
                 is_mp_ptr(mp, setting) && parse(mp, line) == NULL;
    destroy_memory_pool(mp);
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}
