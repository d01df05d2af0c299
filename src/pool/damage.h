/* SPDX-License-Identifier: MIT
 *
 * damage.h - reports of what a program wrote where it has no object.
 *
 * What it cannot do: name the code that wrote it.
 */
#ifndef MP_DAMAGE_H
#define MP_DAMAGE_H

#include "pool/pool.h"
#include "pool/record.h"

/* Tells the pool's report function, or standard error where it has none, that
 * a check found something wrong at an address.  The record is out of the tree,
 * and no lock is held. */
MP_INNER void damage_report(struct memory_pool *mp,
                            const struct record *record,
                            enum fence_damage damage, const void *at);

/* Both write into a line that has room for so many bytes, and return how many
 * they wrote.  The first writes the caller that allocated an object and, if it
 * was freed, the caller that freed it.  The second writes one of them, with
 * words before it. */
MP_INNER size_t damage_callers(char *line, size_t bytes,
                               const struct record_callers *callers,
                               bool freed);
MP_INNER size_t damage_name(char *line, size_t bytes, const char *words,
                            void *const frames[RECORD_FRAMES]);

/* Notes the return addresses of the call that is under way. */
MP_INNER void damage_note(void *frames[RECORD_FRAMES]);

#endif /* MP_DAMAGE_H */
