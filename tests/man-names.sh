#!/bin/sh
# SPDX-License-Identifier: MIT
#
# man-names.sh - a page's NAME lists what its SYNOPSIS shows, and no more.
#
# Those are functions, variables, structures and other types.
. "${top_srcdir:-.}/tests/man.sh"

for page in $(pages 3); do
    names_of "$page" | sort >"$dir/named"
    # A structure and a function may have one name, then the tag ends in _t.
    section "$page" SYNOPSIS | sed -n \
        -e 's/^\.F[no] \([a-z_]*\).*/\1/p' \
        -e 's/^\.Vt .* \([a-z_]*\) ;$/\1/p' \
        -e 's/^typedef struct \([a-z_]*\)_t {$/\1/p' \
        -e 's/^typedef struct \([a-z_]*\) {$/\1/p' \
        -e 's/^typedef [a-z ]*[ *]\([a-z_]*\)(.*/\1/p' | sort -u >"$dir/shown"
    test -s "$dir/named" || complain "$page: names nothing"
    same "$page: NAME (<) and SYNOPSIS (>)" "$dir/named" "$dir/shown"
done
exit $status
