#!/bin/sh
# SPDX-License-Identifier: MIT
#
# man-lint.sh - the pages are free of mistakes that mandoc and groff know.
#
# What is left out of mandoc's remarks: those on the operating system's name, and
# those on pages that the system's own index lacks.  What both tools take for
# meant, and what never is: a quotation mark that begins a comment within a line,
# and a heading whose first word is the name of a macro.  What it cannot do:
# judge the text.
. "${top_srcdir:-.}/tests/man.sh"
missing=

# Runs one tool on each page; it must have nothing to say.
lint()
{
    command -v "$1" >/dev/null 2>&1 || {
        missing="$missing $1"
        return
    }
    for page in $(pages); do
        # One after the other: where much is said, lines of the two would mix.
        said=$({ "$@" "$page" 2>"$dir/told"; cat "$dir/told"; } | grep -v -e 'operating system explicitly' \
            -e 'referenced manual not found' -e 'outdated mandoc\.db')
        test -z "$said" || complain "$page: $said"
    done
}

for page in $(pages); do
    said=$(grep -n -e "[^.']\\\\\"" -e '^\.S[hs] [A-Z][a-z] ' "$page")
    test -z "$said" || complain "$page: $said"
done
lint mandoc -Tlint -W all
lint groff -mdoc -ww -z -Tutf8
if test $status -eq 0 && test -n "$missing"; then
    skip "not installed, so not all was checked:$missing"
fi
exit $status
