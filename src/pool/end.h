/* SPDX-License-Identifier: MIT
 *
 * end.h - a pool is reset or destroyed: children first, cleanups next.
 *
 * What it cannot do: keep objects live for a cleanup while another thread
 * resets the same pool, or stop a cleanup that never returns.
 */
#ifndef MP_END_H
#define MP_END_H

#include "pool/pool.h"

/* RESULT_BUSY, and nothing done: the caller is a cleanup of this pool or of
 * one below.  No lock held. */
MP_INNER enum result end_reset(struct memory_pool *mp);
MP_INNER enum result end_destroy(struct memory_pool *mp);

/* Cleanups went on adding cleanups, and some of them were left out.  No lock
 * held. */
MP_INNER void end_report_dropped(struct memory_pool *mp);

#endif /* MP_END_H */
