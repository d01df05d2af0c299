#!/bin/sh
# SPDX-License-Identifier: MIT
#
# examples-luapool-refuse.sh - luapool fails when its script does.
#
# That is for lack of memory, too: a capacity is kept to.  Left out where the
# program was not built.
. "${top_srcdir:-.}/tests/shell.sh"
luapool=$top_builddir/examples/luapool
script=$top_srcdir/examples/luapool.lua
test -x "$luapool" || skip 'not built: Lua 5.4 was not found by configure'

# Runs luapool where it must fail: status, words of the message, arguments.
refuse()
{
    expected=$1
    message=$2
    shift 2
    "$luapool" "$@" >"$dir/out" 2>"$dir/err"
    found=$?
    test $found -eq "$expected" &&
        grep "$message" "$dir/err" >/dev/null ||
        complain "$*: exit status $found: $(cat "$dir/err")"
}

"$luapool" "$script" "$top_srcdir/COPYING" >"$dir/pool" ||
    complain "without a capacity: exit status $?"
peak=$(number 'bytes at once at most' "$dir/pool")
refuse 1 'not enough memory' \
    --capacity $((peak / 2)) "$script" "$top_srcdir/COPYING"
test "$(number 'bytes at once at most' "$dir/out")" -le $((peak / 2)) ||
    complain 'more than the capacity'

refuse 1 'missing\.lua' "$dir/missing.lua"
echo 'error("a message of its own")' >"$dir/fails.lua"
refuse 1 'a message of its own' "$dir/fails.lua"
refuse 2 usage
exit $status
