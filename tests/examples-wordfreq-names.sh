#!/bin/sh
# SPDX-License-Identifier: MIT
#
# examples-wordfreq-names.sh - wordfreq reads a pipe, and any file's name.
#
# A pipe cannot be read again to compare: it says so, and still counts.
. "${top_srcdir:-.}/tests/wordfreq.sh"
counts "$dir/text" >"$dir/expected"

if test -e /dev/stdin; then
    # shellcheck disable=SC2002 # a pipe is the point
    cat "$dir/text" | "$wordfreq" --compare --all /dev/stdin \
        >"$dir/out" 2>"$dir/err" || complain "a pipe: exit status $?"
    sed 's/^ *//' "$dir/out" >"$dir/seen"
    cmp "$dir/expected" "$dir/seen" || complain 'a pipe: other counts'
    grep 'not compared' "$dir/err" >/dev/null ||
        complain 'a pipe: not said that nothing is compared'
fi

cp "$dir/text" "$dir/-n"
program=$(cd "$top_builddir/examples" && pwd)/wordfreq
(cd "$dir" && "$program" --all -- -n) >"$dir/out" ||
    complain "a name that begins with -: exit status $?"
sed 's/^ *//' "$dir/out" >"$dir/seen"
cmp "$dir/expected" "$dir/seen" || complain 'a name that begins with -'
exit $status
