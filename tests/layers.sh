#!/bin/sh
# SPDX-License-Identifier: MIT
#
# layers.sh - the folders of src/ are floors, and the design note's table is
# true.
#
# The table in src/README names the folders, the topmost first.  A file neither
# includes nor calls one of a folder above its own, and neither includes nor
# calls make a circle of files.  The table of doc/design.md has each file.
#
# Calls are read from the objects of libmempool-internal, one for each source.
# What is inline belongs to the file that includes it.
set -eu
LC_ALL=C
export LC_ALL
: "${NM:=nm}" "${AWK:=awk}" "${top_srcdir:=.}" "${top_builddir:=.}"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
status=0

# What stands in a file, if anything does, is wrong.
expect_none() {
    if [ -s "$dir/$2" ]; then
        echo "layers: $1:"
        cat "$dir/$2"
        status=1
    fi
}

# Pairs of files, "from to", of which none may lead up or round.
check() {
    $AWK 'NR == FNR { floor[$1] = NR; next }
          { split($1, from, "/"); split($2, to, "/") }
          !(from[1] in floor) || !(to[1] in floor) ||
          floor[to[1]] < floor[from[1]]' "$dir/floors" "$dir/$1" >"$dir/up"
    expect_none "$1 of a folder above, or of one that src/README lacks" up
    tsort "$dir/$1" >"$dir/order" 2>"$dir/circle" || :
    expect_none "$1 in a circle" circle
}

sed -n '/^| --- /,/^$/s/^| \([a-z]*\) |.*/\1/p' "$top_srcdir/src/README" \
    >"$dir/floors"
[ -s "$dir/floors" ] || { echo 'layers: no table in src/README'; exit 1; }

(cd "$top_srcdir/src" && ls -d */*.[ch]) >"$dir/files"
(cd "$top_srcdir/src" && $AWK '
    /^#include "[a-z]*\// { split($0, part, "\""); print FILENAME, part[2] }
    ' $(cat "$dir/files")) >"$dir/includes"
check includes

# "folder/file type name" of each symbol; libtool's objects are named
# FOLDER/LIBRARY_la-FILE.o, those with position-independent code lie in .libs.
find "$top_builddir/src" -name .libs -prune -o \
    -name 'libmempool_*_la-*.o' -print | sort | while read -r object; do
    name=${object#"$top_builddir/src/"}
    $NM -P -g "$object" |
        $AWK -v file="${name%%/*}/${name##*_la-}" '
            BEGIN { print file, "N", "-" } # one may have no symbol
            { print file, $2, $1 }'
done >"$dir/symbols"
$AWK 'NR == FNR { if ($2 !~ /[UwvN]/) { at[$3] = $1 } next }
      $2 == "U" && $3 in at && at[$3] != $1 { print $1, at[$3] }
      ' "$dir/symbols" "$dir/symbols" | sort -u >"$dir/calls"
check calls
sed -n 's/c$/o/p' "$dir/files" | sort >"$dir/sources"
cut -d' ' -f1 "$dir/symbols" | sort -u | comm -3 "$dir/sources" - \
    >"$dir/objects"
expect_none 'sources (left) and objects (right) differ' objects

(cd "$top_srcdir" && ls src/*.[ch] src/*/*.[ch]) | sort >"$dir/there"
sed -n 's/^| \(src\/[^ ]*\) |.*/\1/p' "$top_srcdir/doc/design.md" |
    $AWK '!sub(/\[ch\]$/, "") { print; next } { print $0 "c"; print $0 "h" }' |
    sort | comm -3 "$dir/there" - >"$dir/rooms"
expect_none 'files (left) and the table of doc/design.md (right) differ' rooms
exit $status
