/* SPDX-License-Identifier: MIT
 *
 * cleanup.c - the cleanups of a pool, found without a search of all.
 *
 * A reset takes the newest of all, a removal the newest that is equal, and a
 * rewind the newest of a mark's and those within it.  So they are a list, and
 * in trees:
 *
 *     all     newest -> next older -> ... -> NULL
 *     same    by function, argument, and number
 *     marked  those of marks, by owner, mark, and number
 *     owned   the same, by owner and number
 *
 * What it cannot do: lock.  The pool's lock is held in every function.
 */
#include "pool/cleanup.h"

static struct cleanup *cleanup_same(const struct treap_node *node)
{
    return LIST_ENTRY(node, struct cleanup, same);
}

static struct cleanup *cleanup_marked(const struct treap_node *node)
{
    return LIST_ENTRY(node, struct cleanup, marked);
}

static struct cleanup *cleanup_owned(const struct treap_node *node)
{
    return LIST_ENTRY(node, struct cleanup, owned);
}

static bool cleanup_before_same(const struct treap_node *one,
                                 const struct treap_node *other)
{
    const struct cleanup *a = cleanup_same(one);
    const struct cleanup *b = cleanup_same(other);

    if (a->fn != b->fn) {
        return (uintptr_t)a->fn < (uintptr_t)b->fn;
    }
    return a->arg != b->arg ? (uintptr_t)a->arg < (uintptr_t)b->arg
                            : a->number < b->number;
}

static bool cleanup_before_marked(const struct treap_node *one,
                                   const struct treap_node *other)
{
    const struct cleanup *a = cleanup_marked(one);
    const struct cleanup *b = cleanup_marked(other);

    if (a->owner != b->owner) {
        return a->owner < b->owner;
    }
    return a->mark != b->mark ? a->mark < b->mark : a->number < b->number;
}

static bool cleanup_before_owned(const struct treap_node *one,
                                 const struct treap_node *other)
{
    const struct cleanup *a = cleanup_owned(one);
    const struct cleanup *b = cleanup_owned(other);

    return a->owner != b->owner ? a->owner < b->owner
                                : a->number < b->number;
}

/* The last of a tree that does not come behind the key; NULL: there is none. */
static struct treap_node *cleanup_last_to(struct treap_node *node,
                                           const struct treap_node *key,
                                           treap_before *before)
{
    struct treap_node *last = NULL;

    while (node != NULL) {
        if (before(key, node)) {
            node = node->left;
        } else {
            last = node;
            node = node->right;
        }
    }
    return last;
}

struct cleanup *cleanup_newest(const struct cleanups *cleanups)
{
    struct list_link *link = cleanups->all.first;

    return link == NULL ? NULL : LIST_ENTRY(link, struct cleanup, link);
}

struct cleanup *cleanup_find_same(const struct cleanups *cleanups,
                                   void (*fn)(void *arg), void *arg)
{
    const struct cleanup key = {
        .fn = fn, .arg = arg, .number = UINT64_MAX};
    struct treap_node *node =
        cleanup_last_to(cleanups->same, &key.same, cleanup_before_same);

    return node != NULL && cleanup_same(node)->fn == fn &&
                   cleanup_same(node)->arg == arg
               ? cleanup_same(node)
               : NULL;
}

/* The owner's last in the order of marks and numbers, or of numbers alone, up
 * to that number; NULL: it has none. */
static struct cleanup *cleanup_last_marked(const struct cleanups *cleanups,
                                           uint64_t owner)
{
    const struct cleanup key = {
        .owner = owner, .mark = UINT64_MAX, .number = UINT64_MAX};
    struct treap_node *node =
        cleanup_last_to(cleanups->marked, &key.marked, cleanup_before_marked);

    return node != NULL && cleanup_marked(node)->owner == owner
               ? cleanup_marked(node)
               : NULL;
}

static struct cleanup *cleanup_last_owned(const struct cleanups *cleanups,
                                          uint64_t owner, uint64_t most)
{
    const struct cleanup key = {.owner = owner, .number = most};
    struct treap_node *node =
        cleanup_last_to(cleanups->owned, &key.owned, cleanup_before_owned);

    return node != NULL && cleanup_owned(node)->owner == owner
               ? cleanup_owned(node)
               : NULL;
}

/* The first tree tells that there is one.  In the second one those are passed
 * over that the owner has added to older marks since it opened this one. */
struct cleanup *cleanup_find_marked(const struct cleanups *cleanups,
                                    uint64_t owner, uint64_t mark)
{
    struct cleanup *cleanup = cleanup_last_marked(cleanups, owner);

    if (cleanup == NULL || cleanup->mark < mark) {
        return NULL;
    }
    cleanup = cleanup_last_owned(cleanups, owner, UINT64_MAX);
    while (cleanup != NULL && cleanup->mark < mark) {
        cleanup = cleanup_last_owned(cleanups, owner, cleanup->number - 1);
    }
    ASSERT(cleanup != NULL);
    return cleanup;
}

void cleanup_add(struct cleanups *cleanups, struct cleanup *cleanup)
{
    cleanup->link = (struct list_link){NULL, NULL};
    list_push(&cleanups->all, &cleanup->link);
    treap_add(&cleanups->same, &cleanup->same, cleanup_before_same);
    if (cleanup->mark != 0) {
        treap_add(&cleanups->marked, &cleanup->marked, cleanup_before_marked);
        treap_add(&cleanups->owned, &cleanup->owned, cleanup_before_owned);
    }
}

void cleanup_remove(struct cleanups *cleanups, struct cleanup *cleanup)
{
    list_remove(&cleanup->link);
    treap_remove(&cleanups->same, &cleanup->same, cleanup_before_same);
    if (cleanup->mark != 0) {
        treap_remove(&cleanups->marked, &cleanup->marked,
                     cleanup_before_marked);
        treap_remove(&cleanups->owned, &cleanup->owned, cleanup_before_owned);
    }
}

static bool cleanup_has(const struct cleanups *cleanups,
                         const struct cleanup *cleanup)
{
    return cleanup_last_to(cleanups->same, &cleanup->same,
                           cleanup_before_same) == &cleanup->same &&
           (cleanup->mark == 0 ||
            (cleanup_last_to(cleanups->marked, &cleanup->marked,
                             cleanup_before_marked) == &cleanup->marked &&
             cleanup_last_owned(cleanups, cleanup->owner, cleanup->number) ==
                 cleanup));
}

/* What points to a link is compared before the link is followed. */
bool cleanup_are_sound(const struct cleanups *cleanups)
{
    struct list_link *const *from = &cleanups->all.first;

    for (; *from != NULL; from = &(*from)->next) {
        const struct cleanup *c = LIST_ENTRY(*from, struct cleanup, link);
        if (c->link.from != from || c->fn == NULL ||
            (c->owner == 0) != (c->mark == 0) || !cleanup_has(cleanups, c)) {
            return false;
        }
    }
    return true;
}
