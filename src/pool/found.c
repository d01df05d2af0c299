/* SPDX-License-Identifier: MIT
 *
 * found.c - what is known of the address that a report is of, in words.
 *
 *     pool "requests" at 0x7f..00, address 0x7f..48: at offset 8 of a live
 *     object of 24 bytes of pool "other" at 0x7f..80; allocated by ...
 *
 * What it cannot do: read anything but what it is handed.  So it is safe at any
 * address, and with no lock held.
 */
#include "pool/found.h"

#include <string.h>

#include "pool/callers.h"

/* Bytes of the names of callers. */
#define FOUND_CALLERS 1024

/* Words around the object's size; or, where no object is known, for all. */
static const struct {
    mp_where_t where;
    const char *before;
    const char *behind;
    const char *unknown;
} found_words[] = {
    [FOUND_NULL] = {MP_FOREIGN, NULL, NULL, "no object"},
    [FOUND_FOREIGN] = {MP_FOREIGN, NULL, NULL, "foreign, of no pool"},
    [FOUND_UNUSED] = {MP_FOREIGN, NULL, NULL,
                      "memory that is not in use now"},
    [FOUND_LIVE] = {MP_LIVE, "a live object", "", "a live object"},
    [FOUND_INTERIOR] = {MP_INTERIOR, "a live object", "",
                        "inside of a live object"},
    [FOUND_FREED] = {MP_FREED, "a freed object", "", "freed memory"},
    [FOUND_GONE] = {MP_FREED, NULL, NULL,
                    "freed memory, or from before a reset"},
    [FOUND_REWOUND] = {MP_FREED, "an object", " from before a rewind",
                       "memory from before a rewind"},
    [FOUND_RESET] = {MP_FREED, "an object", " from before a reset",
                     "memory from before a reset"},
};

void found_start(struct found *found, enum found_what what)
{
    memset(found, 0, sizeof *found);
    found->what = what;
}

void found_set_owner(struct found *found, const struct memory_pool *mp)
{
    const char *name = mp->settings.name;

    found->owner = mp;
    if (name != NULL) {
        ASSERT(strlen(name) < sizeof found->name);
        strcpy(found->name, name);
    }
}

void found_set_record(struct found *found, const struct record *record,
                      const void *ptr)
{
    static const enum found_what gone[] = {
        [RECORD_FREED] = FOUND_FREED,
        [RECORD_REWOUND] = FOUND_REWOUND,
        [RECORD_RESET] = FOUND_RESET,
    };

    found->object = record_address(record);
    found->size = record->size;
    found->what = record->freed ? gone[record->end]
                  : record_object(record) == ptr ? FOUND_LIVE
                                                 : FOUND_INTERIOR;
    found->noted = record->more != NULL && record->more->callers != NULL;
    found->freed = record->freed;
    if (found->noted) {
        found->callers = *record->more->callers;
    }
}

mp_where_t found_where(const struct found *found)
{
    return found->what == FOUND_UNASKED ? MP_FOREIGN
                                        : found_words[found->what].where;
}

/* "pool "NAME" at ADDRESS"; a pool without a name has the address alone. */
static void found_put_pool(struct line *line, const char *name,
                           const memory_pool_t *mp)
{
    line_put(line, "pool ");
    if (name != NULL && name[0] != '\0') {
        line_put(line, "\"");
        line_put(line, name);
        line_put(line, "\" ");
    }
    line_print(line, "at %p", (const void *)mp);
}

static void found_put_what(struct line *line, const void *ptr,
                           const struct found *found)
{
    if (found->object == 0) {
        line_put(line, found_words[found->what].unknown);
        return;
    }
    if (found->object != (uintptr_t)ptr) {
        line_print(line, "at offset %td of ",
                   (ptrdiff_t)((uintptr_t)ptr - found->object));
    }
    line_print(line, "%s of %zu byte%s%s", found_words[found->what].before,
               found->size, found->size == 1 ? "" : "s",
               found_words[found->what].behind);
}

static void found_put_callers(struct line *line, const struct found *found)
{
    char names[FOUND_CALLERS];

    if (found->noted) {
        (void)callers_name(names, sizeof names, &found->callers,
                           found->freed);
        line_put(line, names);
    }
}

/* The address, what it is, and of which pool if that is another. */
static void found_put_address(struct line *line, const struct memory_pool *mp,
                              const void *ptr, const struct found *found)
{
    line_put(line, mp != NULL ? ", address " : "address ");
    if (ptr == NULL) {
        line_put(line, "NULL");
    } else {
        line_print(line, "%p", ptr);
    }
    line_put(line, ": ");
    found_put_what(line, ptr, found);
    if (found->owner != NULL && found->owner != mp) {
        line_put(line, " of ");
        found_put_pool(line, found->name, found->owner);
    }
}

void found_put(struct line *line, const struct memory_pool *mp,
               const void *ptr, const struct found *found)
{
    if (mp != NULL) {
        found_put_pool(line, mp->settings.name, mp);
    }
    if (!found->told && found->what != FOUND_UNASKED) {
        found_put_address(line, mp, ptr, found);
    }
    found_put_callers(line, found);
}
