#!/bin/sh
# SPDX-License-Identifier: MIT
#
# man-lint.sh - the pages are free of mistakes that mandoc and groff know.
#
# mandoc's STYLE level is left out, since it wants an operating system's name
# and the system's own page index.  What it cannot do: judge the text.
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
        said=$("$@" "$page" 2>&1)
        test -z "$said" || complain "$page: $said"
    done
}

lint mandoc -Tlint -W warning
lint groff -mdoc -ww -z -Tutf8
if test $status -eq 0 && test -n "$missing"; then
    skip "not installed, so not all was checked:$missing"
fi
exit $status
