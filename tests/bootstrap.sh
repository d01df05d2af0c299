#!/bin/sh
# SPDX-License-Identifier: MIT
#
# bootstrap.sh - what ./bootstrap --deps --package installs is enough for make
# deb: it knows each package that debian/control wants.
#
# What it cannot do: see whether the archive has the packages.  Left out in a
# tarball, which has no debian/.
set -eu
LC_ALL=C
export LC_ALL
control=$top_srcdir/debian/control
if [ ! -e "$control" ]; then
    echo 'bootstrap: debian/ is in git, not in the tarball'
    exit 77
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# The field's lines start with a space; a package may have a profile or a
# version behind its name.  debhelper-compat is what debhelper provides.
sed -n '/^Build-Depends:/,/^[^ ]/s/^ \([a-z0-9.+-]*\).*/\1/p' "$control" |
    sed 's/^debhelper-compat$/debhelper/' | sort >"$dir/wanted"
[ -s "$dir/wanted" ]
$AWK '/^END$/ { inside = 0 }
    inside && $1 ~ /^(auto|test|more|package)$/ { print $3 }
    /<<.END.$/ { inside = 1 }' "$top_srcdir/bootstrap" | sort >"$dir/known"
comm -23 "$dir/wanted" "$dir/known" >"$dir/lacking"
if [ -s "$dir/lacking" ]; then
    echo 'bootstrap: --package lacks, of what debian/control wants:'
    cat "$dir/lacking"
    exit 1
fi
