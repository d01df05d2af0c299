#!/bin/sh
# SPDX-License-Identifier: MIT
#
# man-exports.sh - the pages tell of all that is exported, and of no more.
#
# Each name in the symbol map but mp_inline_... has a page, itself or an
# alias of one that names it; each name of a page of section 3 is in the map,
# but for the types listed here.  symbols.sh holds the map to the header and
# to the library.
. "${top_srcdir:-.}/tests/man.sh"
types='mp_backing mp_failure_fn mp_near_limit_fn mp_options mp_report'
types="$types mp_report_fn mp_reporter_fn mp_string"

# As the build reads the map where the linker does not.
map=$(find "$top_srcdir/src" -name libmempool.map)
sed -n 's/^ *\([a-z_][a-z_0-9]*\);.*/\1/p' "$map" >"$dir/exported"
test -s "$dir/exported" || complain 'no name in the symbol map'

while read -r name; do
    # What memory_pool_inline.h looks into is not for programs.
    case $name in mp_inline_*) continue ;; esac
    page=$man/$name.3
    if ! test -f "$page"; then
        complain "$name is exported and has no page"
        continue
    fi
    target=$(sed -n 's/^\.so  *man3\///p' "$page")
    names_of "$man/${target:-$name.3}" | grep -qx "$name" ||
        complain "$page: does not name $name"
done <"$dir/exported"

for page in $(pages 3); do
    for name in $(names_of "$page"); do
        case " $types " in
        *" $name "*) continue ;;
        esac
        grep -qx "$name" "$dir/exported" ||
            complain "$page: $name is not in the symbol map"
    done
done
exit $status
