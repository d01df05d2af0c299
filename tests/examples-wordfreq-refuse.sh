#!/bin/sh
# SPDX-License-Identifier: MIT
#
# examples-wordfreq-refuse.sh - wordfreq fails where it should, and says why.
. "${top_srcdir:-.}/tests/shell.sh"
wordfreq=$top_builddir/examples/wordfreq
cp "$top_srcdir/COPYING" "$dir/text"

# Runs wordfreq where it must fail: status, words of the message, arguments.
refuse()
{
    expected=$1
    message=$2
    shift 2
    "$wordfreq" "$@" >"$dir/out" 2>"$dir/err"
    found=$?
    test $found -eq "$expected" ||
        complain "$*: exit status $found, not $expected"
    grep -F -e "$message" "$dir/err" >/dev/null ||
        complain "$*: no '$message' on standard error: $(cat "$dir/err")"
    test ! -s "$dir/out" || complain "$*: output beside the message"
}

refuse 1 "$dir/missing: " "$dir/missing"
refuse 1 "$dir: " "$dir"
cp "$dir/text" "$dir/locked"
chmod 000 "$dir/locked"
if test -r "$dir/locked"; then
    echo "${0##*/}: nothing is unreadable for root, not tried"
else
    refuse 1 "$dir/locked: " "$dir/locked"
fi
if test -c /dev/full; then
    "$wordfreq" "$dir/text" >/dev/full 2>"$dir/err" &&
        complain 'a full disk goes unnoticed'
fi
refuse 2 usage
refuse 2 usage "$dir/text" "$dir/text"
refuse 2 usage --most "$dir/text"
refuse 2 usage -n "$dir/text"
refuse 2 usage -n many "$dir/text"
refuse 2 usage --threads 0 "$dir/text"
refuse 2 usage --threads 65 "$dir/text"
refuse 2 usage -n -1 "$dir/text"
refuse 2 usage -n 3x "$dir/text"
exit $status
