/* SPDX-License-Identifier: MIT
 *
 * guide_tree.c - mempool_guide(7): a syntax tree, freed at a mark.
 */
#include <memory_pool.h>
#include <stdio.h>

struct node {
    char operation; /* '+', or '0' for a number */
    int number;
    struct node *left;
    struct node *right;
};

static struct node *new_node(memory_pool_t *mp, struct node value)
{
    return mp_memdup(mp, &value, sizeof value);
}

/* The tree of a sum such as 1+2+3; NULL: no memory. */
static struct node *parse(memory_pool_t *mp, const char *text)
{
    struct node *tree = new_node(mp, (struct node){'0', *text - '0', 0, 0});
    while (tree != NULL && text[1] == '+') {
        text += 2;
        struct node *right =
            new_node(mp, (struct node){'0', *text - '0', 0, 0});
        tree = right == NULL
                   ? NULL
                   : new_node(mp, (struct node){'+', 0, tree, right});
    }
    return tree;
}

static int value_of(const struct node *tree)
{
    return tree->operation == '0'
               ? tree->number
               : value_of(tree->left) + value_of(tree->right);
}

int main(void)
{
    memory_pool_t *mp = mp_create(NULL);
    for (int i = 0; mp != NULL && i < 1000; i++) {
        mp_mark_t mark = mp_mark(mp);
        struct node *tree = parse(mp, "1+2+3+4");
        if (tree == NULL || value_of(tree) != 10) {
            return 1;
        }
        mp_rewind(mp, mark); /* the tree is gone, the pool is as before */
    }
    mp_stats_t stats;
    int failed = mp_stats(mp, &stats) != 0 || stats.live_objects != 0;
    destroy_memory_pool(mp);
    return failed;
}
