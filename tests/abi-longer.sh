#!/bin/sh
# SPDX-License-Identifier: MIT
#
# abi-longer.sh - the library serves structures that are longer than its own:
# to it a program of a newer release looks so.
. "${top_srcdir:-.}/tests/abi-setup.sh"
oldest_runs '/^} mp_options_t;/i\
    size_t abi_grown[16]; /* what the library has added by now lies in it */\
    size_t abi_later;
/^} mp_stats_t;/i\
    size_t abi_later[8];' -DABI_LONGER
grep -c abi_later "$dir/include/memory_pool.h" | grep -x 2 >/dev/null ||
    fail 'the longer header is not longer'
