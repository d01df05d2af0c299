#!/bin/sh
# SPDX-License-Identifier: MIT
#
# man-base-messages.sh - the base pool's pages have all their messages.
#
# What the functions of the base pool print is part of their interface: each
# message stands in the page of every function that prints it.
. "${top_srcdir:-.}/tests/man.sh"

while read -r page message; do
    messages_of "$man/$page" | grep -Fqx "$message" ||
        complain "$man/$page: no '$message' under DIAGNOSTICS"
done <<'END'
init_memory_pool.3 init_memory_pool: malloc: reason
init_memory_pool.3 the memory pool is NULL
mp_allocate.3 memory_pool is NULL
mp_allocate.3 invaild memory allocate size
mp_allocate.3 the memory pool is full
mp_allocate.3 mp_allocate: malloc: reason
free_memory.3 the memory pool is NULL
free_memory.3 your ptr is NULL
free_memory.3 your ptr is not in the memory pool, cannot be freed
is_mp_ptr.3 the memory pool is NULL
is_mp_ptr.3 your ptr is NULL
END
exit $status
