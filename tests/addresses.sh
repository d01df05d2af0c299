#!/bin/sh
# SPDX-License-Identifier: MIT
#
# addresses.sh - the project's addresses stand in packaging/addresses and
# nowhere else, configure takes them from there, and debian/ agrees.
#
# debian/ is in git, not in the tarball.  Its changelog is history.
. "${top_srcdir:-.}/tests/shell.sh"

addresses=$top_srcdir/packaging/addresses
sed -n 's/^[a-z_]*=//p' "$addresses" >"$dir/values"
[ -s "$dir/values" ] || complain 'packaging/addresses has no address'

for name in bug_address home_page; do
    value=$(sed -n "s/^$name=//p" "$addresses")
    grep -F "'$value'" "$top_srcdir/configure" >/dev/null ||
        complain "configure does not know the $name; run ./bootstrap"
done

find "$top_srcdir" \( -path "$top_srcdir/.git" -o -path "$top_srcdir/debian" \
    -o -name autom4te.cache -o -name build -o -name recipes -o -name deb \
    -o -name rpm -o -name release -o -name 'libmempool-[0-9]*' \) -prune -o \
    -type f \( -name '*.in' -o -name '*.md' -o -name '*.[ch37]' \
    -o -name '*.sh' -o -name '*.ac' -o -name '*.m4' -o -name '*.yml' \
    -o -name CMakeLists.txt -o -name meson.build -o -name '[A-Z][A-Z]*' \) \
    ! -name Makefile.in -exec grep -lF -f "$dir/values" {} + >"$dir/found"
[ ! -s "$dir/found" ] ||
    complain 'an address stands in' $(cat "$dir/found")

if [ -d "$top_srcdir/debian" ]; then
    cp -R "$top_srcdir/debian" "$dir/debian"
    chmod -R u+w "$dir/debian"
    sh "$top_srcdir/packaging/debian-addresses.sh" "$dir/debian" \
        "$(cd "$top_srcdir" && pwd)/packaging/addresses"
    diff -r "$top_srcdir/debian" "$dir/debian" >"$dir/differ" ||
        complain 'debian/ has others; make debian-addresses renews it:' \
            "$(cat "$dir/differ")"
fi
exit "$status"
