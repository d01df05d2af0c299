/* SPDX-License-Identifier: MIT
 *
 * guide_tree.c - mempool_guide(7): syntax trees that go with a mark.
 */
#include <memory_pool.h>

struct node {
    int number;
    struct node *left; /* NULL: a number, else a sum */
    struct node *right;
};

static struct node *new_node(memory_pool_t *mp, struct node value)
{
    return mp_memdup(mp, &value, sizeof value);
}

/* The tree of a sum such as 1+2+3; NULL: no memory. */
static struct node *parse(memory_pool_t *mp, const char *text)
{
    struct node *tree = new_node(mp, (struct node){*text - '0', 0, 0});
    for (; tree != NULL && text[1] == '+'; text += 2) {
        struct node *right = new_node(mp, (struct node){text[2] - '0', 0, 0});
        tree = right ? new_node(mp, (struct node){0, tree, right}) : NULL;
    }
    return tree;
}

static int value_of(const struct node *tree)
{
    return tree->left ? value_of(tree->left) + value_of(tree->right)
                      : tree->number;
}

int main(void)
{
    memory_pool_t *mp = mp_create(NULL);
    for (int i = 0; i < 1000; i++) {
        mp_mark_t mark = mp_mark(mp);
        struct node *tree = parse(mp, "1+2+3+4");
        if (MP_MARK_FAILED(mark) || tree == NULL || value_of(tree) != 10) {
            return 1;
        }
        mp_rewind(mp, mark); /* the tree is gone, the pool is as before */
    }
    destroy_memory_pool(mp);
    return 0;
}
