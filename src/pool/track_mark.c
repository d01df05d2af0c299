/* SPDX-License-Identifier: MIT
 *
 * track_mark.c - the marks of a tracked pool.
 *
 * They are a tree in the order of owners and then of numbers, as those of other
 * pools are in mark.c.  So each call finds its mark however many are open, also
 * of threads that have ended.
 *
 * What it cannot do: lock.  The pool's lock is held in every function.
 */
#include "pool/track_mark.h"

#include <stddef.h>

#include "base/assert.h"

static struct track_mark *track_mark_at(const struct treap_node *node)
{
    return LIST_ENTRY(node, struct track_mark, node);
}

static bool track_mark_before(const struct treap_node *one,
                              const struct treap_node *other)
{
    const struct track_mark *a = track_mark_at(one);
    const struct track_mark *b = track_mark_at(other);

    return a->owner != b->owner ? a->owner < b->owner
                                : a->number < b->number;
}

void track_mark_add(struct treap_node **marks, struct track_mark *mark)
{
    treap_add(marks, &mark->node, track_mark_before);
}

void track_mark_remove(struct treap_node **marks, struct track_mark *mark)
{
    treap_remove(marks, &mark->node, track_mark_before);
}

struct track_mark *track_mark_search(struct treap_node *marks, uint64_t owner,
                                     uint64_t most)
{
    struct track_mark *found = NULL;

    while (marks != NULL) {
        struct track_mark *mark = track_mark_at(marks);
        if (mark->owner < owner ||
            (mark->owner == owner && mark->number <= most)) {
            found = mark;
            marks = marks->right;
        } else {
            marks = marks->left;
        }
    }
    /* Nobody's number owns no mark. */
    return found != NULL && found->owner == owner ? found : NULL;
}

struct track_mark *track_mark_get(struct treap_node *marks, uint64_t owner,
                                  uint64_t number)
{
    struct track_mark *mark = track_mark_search(marks, owner, number);

    return mark != NULL && mark->number == number ? mark : NULL;
}

struct track_mark *track_mark_take(struct treap_node **marks)
{
    struct treap_node *node = treap_take_last(marks);

    return node == NULL ? NULL : track_mark_at(node);
}
