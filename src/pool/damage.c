/* SPDX-License-Identifier: MIT
 *
 * damage.c - reports of what a program wrote where it has no object.
 *
 * The message is made on the stack, since there may be no memory left.
 *
 * What it cannot do: name the code that wrote it.
 */
#include "pool/damage.h"

#include <pthread.h>
#include <stdio.h>

#include "pool/report.h"

/* Bytes of a message. */
#define DAMAGE_LINE 128

static const char *const damage_words[] = {
    [FENCE_BEFORE] = "written before an object",
    [FENCE_BEHIND] = "written behind an object",
    [FENCE_TAG] = "written behind an object, over its tag",
    [FENCE_INSIDE] = "written to a freed object",
};

/* Goes to standard error if the pool has no report function, since somebody set
 * a flag to learn of damage. */
void damage_report(struct memory_pool *mp, const struct record *record,
                   enum fence_damage damage, const void *at)
{
    char line[DAMAGE_LINE];
    uintptr_t object = record_address(record);

    ASSERT(lock_none_is_held());
    ASSERT(damage != FENCE_WHOLE && damage_words[damage] != NULL);
    int length = snprintf(line, sizeof line,
                          "%s: at offset %td of the %zu bytes at %p",
                          damage_words[damage],
                          (ptrdiff_t)((uintptr_t)at - object), record->size,
                          record_object(record));
    ASSERT(length > 0 && (size_t)length < sizeof line);
    struct found found;
    found_start(&found, FOUND_UNASKED);
    found_set_owner(&found, mp);
    found_set_record(&found, record, record_object(record));
    found.told = true;
    /* Writing a line is a cancellation point, and the caller has the memory of
     * objects that nothing else leads to. */
    int cancel;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    report_loudly(mp, MP_EVENT_DAMAGE, line, at, &found);
    pthread_setcancelstate(cancel, NULL);
}
