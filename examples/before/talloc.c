/* SPDX-License-Identifier: MIT
 *
 * talloc.c - mempool_porting(7): before, with talloc.
 */
#include <stdio.h>
#include <talloc.h>

struct user {
    char *name;
    char **groups;
};

static int gone(struct user *user)
{
    printf("%s is gone\n", user->name);
    return 0;
}

static struct user *new_user(TALLOC_CTX *context, const char *name)
{
    struct user *user = talloc_zero(context, struct user);
    user->name = talloc_strdup(user, name);
    user->groups = talloc_array(user, char *, 2);
    user->groups[0] = talloc_asprintf(user, "%s-group", name);
    user->groups[1] = talloc_strndup(user, "users and more", 5);
    talloc_set_destructor(user, gone);
    return user;
}

int main(void)
{
    TALLOC_CTX *context = talloc_new(NULL);
    struct user *ann = new_user(context, "ann");
    struct user *bob = new_user(context, "bob");
    printf("%s %s\n", ann->groups[0], bob->groups[1]);
    talloc_free(ann); /* with all that hangs below it */
    talloc_free(context);
    return 0;
}
