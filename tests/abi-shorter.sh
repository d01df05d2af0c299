#!/bin/sh
# SPDX-License-Identifier: MIT
#
# abi-shorter.sh - the library neither reads nor writes behind structures that
# are shorter than its own: to it a program of an older release looks so.
. "${top_srcdir:-.}/tests/abi-setup.sh"
oldest_runs '/^    memory_pool_t \*parent;/,/^} mp_options_t;/{
/^} mp_options_t;/!d
}
/^    size_t children;/,/^} mp_stats_t;/{
/^} mp_stats_t;/!d
}' -DABI_SHORTER
grep parent "$dir/include/memory_pool.h" | grep ';' &&
    fail 'the shorter header is not shorter'
exit 0
