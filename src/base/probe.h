/* SPDX-License-Identifier: MIT
 *
 * probe.h - places that a tracer such as bpftrace or perf can watch.
 *
 * A probe is one instruction that does nothing, and a note in the library's
 * file that tells a tracer where the instruction and the arguments are.  While
 * a tracer watches the probe, it has a breakpoint there.
 *
 * configure defines MP_PROBES where it finds systemtap's header.  Without that
 * a probe is nothing.  Each is a function, so the compiler checks the types of
 * its arguments in both cases.  An argument is a value that the caller has at
 * hand anyway.  mempool_debug(7) has all probes in a table.
 *
 * What it cannot do: stand on a fast path, which would be an instruction
 * longer.
 */
#ifndef MP_PROBE_H
#define MP_PROBE_H

#include <stddef.h>

#ifdef MP_PROBES
#include <sys/sdt.h>
#define PROBE1(name, a) STAP_PROBE1(mempool, name, a)
#define PROBE2(name, a, b) STAP_PROBE2(mempool, name, a, b)
#define PROBE3(name, a, b, c) STAP_PROBE3(mempool, name, a, b, c)
#define PROBE4(name, a, b, c, d) STAP_PROBE4(mempool, name, a, b, c, d)
#else
#define PROBE1(name, a) ((void)(a))
#define PROBE2(name, a, b) ((void)(a), (void)(b))
#define PROBE3(name, a, b, c) ((void)(a), (void)(b), (void)(c))
#define PROBE4(name, a, b, c, d) ((void)(a), (void)(b), (void)(c), (void)(d))
#endif

/* A pool was made, new or again; name and parent may be NULL. */
static inline void probe_create(const void *pool, const char *name,
                                const void *parent)
{
    PROBE3(create, pool, name, parent);
}

/* A pool and all in it is about to go; its cleanups were called. */
static inline void probe_end(const void *pool)
{
    PROBE1(end, pool);
}

/* All objects of a pool are about to go. */
static inline void probe_reset(const void *pool)
{
    PROBE1(reset, pool);
}

/* A request that the fast path has not served. */
static inline void probe_slow(const void *pool, size_t size)
{
    PROBE2(slow, pool, size);
}

/* A request was refused for good; error is errno's value. */
static inline void probe_refuse(const void *pool, int error)
{
    PROBE2(refuse, pool, error);
}

/* Something is reported, also if nobody listens; event is an mp_event_t. */
static inline void probe_report(const void *pool, int event,
                                const char *message, const void *ptr)
{
    PROBE4(report, pool, event, message, ptr);
}

/* A pool gets memory from the range or its backing, and gives it back. */
static inline void probe_block_in(const void *pool, const void *memory,
                                  size_t bytes)
{
    PROBE3(block_in, pool, memory, bytes);
}

static inline void probe_block_out(const void *pool, const void *memory,
                                   size_t bytes)
{
    PROBE3(block_out, pool, memory, bytes);
}

#endif /* MP_PROBE_H */
