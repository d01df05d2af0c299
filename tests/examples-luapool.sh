#!/bin/sh
# SPDX-License-Identifier: MIT
#
# examples-luapool.sh - a Lua state in a pool does what it does in malloc's
# memory.
#
# The script's own output must be the same both ways;
# a capacity is kept to, and a script that fails is an error.  Left out where
# the program was not built.
set -u
top_srcdir=${top_srcdir:-.}
top_builddir=${top_builddir:-.}
luapool=$top_builddir/examples/luapool
script=$top_srcdir/examples/luapool.lua
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
status=0

if test ! -x "$luapool"; then
    echo 'examples-luapool: not built: Lua 5.4 was not found by configure'
    exit 77
fi

complain()
{
    echo "examples-luapool: $*"
    status=1
}

number()
{
    sed -n "s/^ *\([0-9][0-9]*\) $1\$/\1/p" "$2"
}

"$luapool" "$script" "$top_srcdir/COPYING" >"$dir/pool" ||
    complain "in a pool: exit status $?"
"$luapool" --malloc "$script" "$top_srcdir/COPYING" >"$dir/malloc" ||
    complain "with malloc: exit status $?"
# Lua seeds its hashes from addresses, so what it holds may differ a little;
# the script's results may not.
sed '/^$/,$d' "$dir/pool" >"$dir/pool.result"
sed '/^$/,$d' "$dir/malloc" >"$dir/malloc.result"
diff "$dir/pool.result" "$dir/malloc.result" || complain 'other results'
words=$(tr -cs 'A-Za-z0-9' '\n' <"$top_srcdir/COPYING" | tr A-Z a-z |
    sed '/^$/d' | sort -u | grep -c .)
grep "^$words words, [1-9][0-9]* bytes of JSON, 20 times" "$dir/pool" \
    >/dev/null || complain "not $words words"
test "$(number 'objects dropped at the end' "$dir/pool")" -gt 0 ||
    complain 'the state was empty'
test "$(number 'allocations refused' "$dir/pool")" -eq 0 ||
    complain 'refused without a capacity'

peak=$(number 'bytes at once at most' "$dir/pool")
"$luapool" --capacity $((peak / 2)) "$script" "$top_srcdir/COPYING" \
    >"$dir/out" 2>"$dir/err"
found=$?
test $found -eq 1 || complain "half the memory: exit status $found"
grep 'not enough memory' "$dir/err" >/dev/null ||
    complain 'half the memory: not said'
test "$(number 'bytes at once at most' "$dir/out")" -le $((peak / 2)) ||
    complain 'more than the capacity'

"$luapool" "$dir/missing.lua" >"$dir/out" 2>"$dir/err"
found=$?
test $found -eq 1 && grep 'missing.lua' "$dir/err" >/dev/null ||
    complain "missing script: exit status $found"
echo 'error("a message of its own")' >"$dir/fails.lua"
"$luapool" "$dir/fails.lua" >"$dir/out" 2>"$dir/err"
found=$?
test $found -eq 1 && grep 'a message of its own' "$dir/err" >/dev/null ||
    complain "failing script: exit status $found"
"$luapool" >"$dir/out" 2>"$dir/err"
found=$?
test $found -eq 2 || complain "no script: exit status $found"
exit $status
