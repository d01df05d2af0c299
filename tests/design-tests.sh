#!/bin/sh
# SPDX-License-Identifier: MIT
#
# design-tests.sh - the tests that doc/design.md names exist.
#
# It names a file, or "file: test, test"; the names of tests have an
# underscore.  That a test shows what the text says is for the reader.
. "${top_srcdir:-.}/tests/shell.sh"

grep -o 'tests/[a-z_]*\.c[^;|]*' "$top_srcdir/doc/design.md" >"$dir/cited"
test -s "$dir/cited" || complain 'doc/design.md names no test'
while read -r source names; do
    source=$top_srcdir/${source%[:,]}
    for name in $(echo "$names" | tr -d , | tr ' ' '\n' | grep _); do
        grep -q "START_TEST($name)" "$source" ||
            complain "doc/design.md: no $name in $source"
    done
    test -f "$source" || complain "doc/design.md: no $source"
done <"$dir/cited"
exit $status
