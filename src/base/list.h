/* SPDX-License-Identifier: MIT
 *
 * list.h - one doubly linked list for everything.
 *
 * A link is a member of what is listed, so a list takes no memory and never
 * fails.  The newest comes first.  A link that is all zero is in no list.
 *
 * What it cannot do: tell which list a link is in; the caller knows.
 */
#ifndef MP_LIST_H
#define MP_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/assert.h"

struct list_link {
    struct list_link *next;
    struct list_link **from; /* what points here; NULL: in no list */
};

/* All zero: empty. */
struct list {
    struct list_link *first;
};

/* The structure that a link is the member of. */
#define LIST_ENTRY(link, type, member) \
    ((type *)(void *)((unsigned char *)(link)-offsetof(type, member)))

static inline bool list_has(const struct list_link *link)
{
    return link->from != NULL;
}

static inline void list_push(struct list *list, struct list_link *link)
{
    ASSERT(!list_has(link));
    link->next = list->first;
    link->from = &list->first;
    if (link->next != NULL) {
        link->next->from = &link->next;
    }
    list->first = link;
}

static inline void list_remove(struct list_link *link)
{
    ASSERT(list_has(link) && *link->from == link);
    *link->from = link->next;
    if (link->next != NULL) {
        link->next->from = link->from;
    }
    link->next = NULL;
    link->from = NULL;
}

/* Takes a link out, and puts another one in its place. */
static inline void list_replace(struct list_link *link,
                                struct list_link *other)
{
    ASSERT(list_has(link) && *link->from == link && !list_has(other));
    *other = *link;
    *other->from = other;
    if (other->next != NULL) {
        other->next->from = &other->next;
    }
    link->next = NULL;
    link->from = NULL;
}

#endif /* MP_LIST_H */
