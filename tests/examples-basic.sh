#!/bin/sh
# SPDX-License-Identifier: MIT
#
# examples-basic.sh - basic prints its line, and nothing else.
. "${top_srcdir:-.}/tests/shell.sh"

"$top_builddir/examples/basic" >"$dir/out" 2>&1 ||
    complain "exit status $?"
echo 'obj1: 42, obj2: 3.14' >"$dir/expected"
same 'what it should print (<) and what it prints (>)' \
    "$dir/expected" "$dir/out"
exit $status
