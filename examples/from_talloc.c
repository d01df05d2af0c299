/* SPDX-License-Identifier: MIT
 *
 * from_talloc.c - mempool_porting(7): before/talloc.c with libmempool.
 */
#include <memory_pool.h>
#include <stdio.h>

struct user {
    memory_pool_t *mp; /* what hung below the user is in the user's pool */
    char *name;
    char **groups;
};

static void gone(void *arg)
{
    struct user *user = arg;
    printf("%s is gone\n", user->name);
}

static struct user *new_user(memory_pool_t *parent, const char *name)
{
    mp_options_t options = {0};
    options.parent = parent;
    memory_pool_t *mp = mp_create(&options);
    struct user *user = mp_calloc(mp, 1, sizeof *user);
    if (user == NULL) {
        return NULL;
    }
    user->mp = mp;
    user->name = mp_strdup(mp, name);
    user->groups = mp_calloc(mp, 2, sizeof *user->groups);
    if (user->name == NULL || user->groups == NULL ||
        mp_add_cleanup(mp, gone, user) != 0) {
        return NULL;
    }
    user->groups[0] = mp_asprintf(mp, "%s-group", name);
    user->groups[1] = mp_strndup(mp, "users and more", 5);
    return user;
}

int main(void)
{
    memory_pool_t *mp = mp_create(NULL);
    struct user *ann = new_user(mp, "ann");
    struct user *bob = new_user(mp, "bob");
    if (ann == NULL || bob == NULL) {
        return 1;
    }
    printf("%s %s\n", ann->groups[0], bob->groups[1]);
    destroy_memory_pool(ann->mp);
    destroy_memory_pool(mp);
    return 0;
}
