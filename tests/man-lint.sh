#!/bin/sh
# SPDX-License-Identifier: MIT
#
# man-lint.sh - the pages are free of mistakes that mandoc and groff know.
#
# An alias, a page of one .so line, is only checked for its target: mandoc
# calls .so itself fragile, but it is what installs the same everywhere.
# mandoc's STYLE level is left out, since it wants an operating system's name
# and the system's own page index.  What it cannot do: judge the text.
set -u
top_srcdir=${top_srcdir:-.}
man=$top_srcdir/man
status=0
missing=

for tool in mandoc groff; do
    command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
done

for page in "$man"/*.[0-9]; do
    target=$(sed -n 's/^\.so  *//p' "$page")
    if test -n "$target"; then
        if ! test -f "$man/${target##*/}" ||
           test "$target" != "man${target##*.}/${target##*/}"; then
            echo "$page: no such target: $target"
            status=1
        fi
        continue
    fi
    said=
    case $missing in
    *mandoc*) ;;
    *) said=$(mandoc -Tlint -W warning "$page" 2>&1) ;;
    esac
    case $missing in
    *groff*) ;;
    *) said=$said$(groff -mdoc -ww -z -Tutf8 "$page" 2>&1) ;;
    esac
    if test -n "$said"; then
        printf '%s:\n%s\n' "$page" "$said"
        status=1
    fi
done

if test $status -eq 0 && test -n "$missing"; then
    echo "not installed, so not all was checked:$missing"
    exit 77
fi
exit $status
