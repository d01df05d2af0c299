#!/bin/sh
# SPDX-License-Identifier: MIT
#
# examples-luapool.sh - a Lua state in a pool does what it does in malloc's
# memory.
#
# The script's own output must be the same both ways.  Left out where the
# program was not built.
. "${top_srcdir:-.}/tests/shell.sh"
luapool=$top_builddir/examples/luapool
script=$top_srcdir/examples/luapool.lua
test -x "$luapool" || skip 'not built: Lua 5.4 was not found by configure'

"$luapool" "$script" "$top_srcdir/COPYING" >"$dir/pool" ||
    complain "in a pool: exit status $?"
"$luapool" --malloc "$script" "$top_srcdir/COPYING" >"$dir/malloc" ||
    complain "with malloc: exit status $?"
# Lua seeds its hashes from addresses, so what it holds may differ a little;
# the script's results may not.
sed '/^$/,$d' "$dir/pool" >"$dir/pool.result"
sed '/^$/,$d' "$dir/malloc" >"$dir/malloc.result"
same 'results in a pool (<) and with malloc (>)' \
    "$dir/pool.result" "$dir/malloc.result"
words=$(tr -cs 'A-Za-z0-9' '\n' <"$top_srcdir/COPYING" | tr A-Z a-z |
    sed '/^$/d' | sort -u | grep -c .)
grep "^$words words, [1-9][0-9]* bytes of JSON, 20 times" "$dir/pool" \
    >/dev/null || complain "not $words words"
test "$(number 'objects dropped at the end' "$dir/pool")" -gt 0 ||
    complain 'the state was empty'
test "$(number 'allocations refused' "$dir/pool")" -eq 0 ||
    complain 'refused without a capacity'
exit $status
