/* SPDX-License-Identifier: MIT
 *
 * result.h - how inner functions say what became of a call.
 *
 * Only api/ knows errno and the words of a report, and makes both out of
 * these.  So nothing in between has to keep errno, and a system call that
 * changes it does no harm.
 */
#ifndef MP_RESULT_H
#define MP_RESULT_H

enum result {
    RESULT_OK,
    RESULT_SIZE,      /* the pool never takes an object of that size */
    RESULT_FULL,      /* the capacity of the pool, or of one above, is used */
    RESULT_NO_MEMORY, /* neither the pool nor its source has memory */
    RESULT_NOT_LIVE,  /* the address is not the start of a live object */
    RESULT_NO_MARK,   /* the caller has no such mark open */
    RESULT_BUSY,      /* the caller is a cleanup of what it would end */
    RESULT_DAMAGED    /* the pool's own structure was written over */
};

#endif /* MP_RESULT_H */
