#!/bin/sh
# SPDX-License-Identifier: MIT
#
# debian-addresses.sh - puts the project's addresses into debian/.
#
# debian-addresses.sh DEBIAN ADDRESSES: DEBIAN is the directory, ADDRESSES a
# file like packaging/addresses.  debian/changelog is history and stays.
set -eu
cd "$1"
case $2 in /*) addresses=$2 ;; *) addresses=$OLDPWD/$2 ;; esac

# renew FILE PATTERN NAME: the rest of a line after PATTERN becomes the address.
renew() {
    value=$(sed -n "s/^$3=//p" "$addresses")
    [ -n "$value" ] || { echo "debian-addresses: no $3" >&2; exit 1; }
    sed "s|^\($2\).*|\1$value|" "$1" >"$1.new"
    cmp -s "$1" "$1.new" || cat "$1.new" >"$1"
    rm "$1.new"
}

renew control 'Maintainer: ' maintainer
renew control 'Homepage: ' home_page
renew control 'Vcs-Browser: ' repository_page
renew control 'Vcs-Git: ' repository
renew copyright 'Source: ' home_page
renew upstream/metadata 'Bug-Database: ' bug_address
renew upstream/metadata 'Bug-Submit: ' bug_address
renew upstream/metadata 'Repository: ' repository
renew upstream/metadata 'Repository-Browse: ' repository_page
# uscan looks into the directory for the names behind it.
value=$(sed -n 's/^releases=//p' "$addresses")
sed "s|^http[^ ]*|$value/|" watch >watch.new
cmp -s watch watch.new || cat watch.new >watch
rm watch.new
