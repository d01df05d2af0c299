#!/bin/sh
# SPDX-License-Identifier: MIT
#
# abi-same.sh - a program built with the first release runs on this library.
. "${top_srcdir:-.}/tests/abi-setup.sh"
oldest_runs ''

# It is a test of all that release only if it uses each of its symbols.
$NM -D -P "$dir/program" | $AWK '$1 ~ /@LIBMEMPOOL_/ {
    sub(/@+/, " ", $1); print $1 }' | sort >"$dir/asks"
$AWK '{ print $1, $2 }' "$dir/symbols" | sort >"$dir/has"
diff "$dir/asks" "$dir/has" ||
    fail "the program should use each symbol of $oldest (>) and no other"
