#!/bin/sh
# SPDX-License-Identifier: MIT
#
# debian-install.sh - installs the Debian packages as README says, has them
# used and takes them away again.
#
# debian-install.sh PACKAGES TESTS README [whole]: the .deb files are in
# PACKAGES, debian/tests is TESTS.  Runs as root, with apt-get, on the machine
# itself or in a chroot.  The packages are purged at the end, however it ends.
# Then nothing that they brought may be there, nor any file that has "mempool"
# in its name; with "whole", no file at all may have come or gone, which only a
# tree that nothing else changes can promise.
set -eu
LC_ALL=C
DEBIAN_FRONTEND=noninteractive
export LC_ALL DEBIAN_FRONTEND
packages=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
whole=${4:-}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM

said() {
    echo "debian-install: $*"
}

installed() {
    dpkg-query -W -f '${Package} ${db:Status-Status}\n' 'libmempool*' \
        2>/dev/null | sed -n 's/ installed$//p'
}

[ "$(id -u)" = 0 ] || { said 'must be root'; exit 1; }
[ -z "$(installed)" ] || { said "here already:" $(installed); exit 1; }
trap 'dpkg --purge $(installed) >/dev/null 2>&1 || :; rm -rf "$dir"' EXIT

# What is in the tree, but for the system's own records of what it did.
listing() {
    if [ -n "$whole" ]; then
        find / -xdev \( -path /proc -o -path /sys -o -path /dev -o \
            -path /tmp -o -path /var/log -o -path /var/cache -o \
            -path /var/lib/apt -o -path /var/lib/dpkg/triggers \) -prune -o \
            ! -name '*-old' -print
    else
        find /etc /usr /var /opt -xdev -name '*mempool*' -print
    fi | sort
}

listing >"$dir/before"
# Slim systems leave manuals and documentation out of what they install.
apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 \
    -o DPkg::Options::='--path-include=/usr/share/man/*' \
    -o DPkg::Options::='--path-include=/usr/share/doc/*' \
    $(sed -n "s|\./deb/|$packages/|g; s/^ *apt install //p" "$3") \
    >"$dir/apt" 2>&1 || { cat "$dir/apt"; exit 1; }
if [ "$(echo $(installed))" != 'libmempool-dev libmempool0' ]; then
    said "README's command installs:" $(installed)
    exit 1
fi
dpkg-query -L $(installed) | sed '/^$/d' | sort -u >"$dir/brought"
said "installed $(wc -l <"$dir/brought") paths"

sh "$here/debian-use.sh" "$2" "$3"

dpkg --purge $(installed) >"$dir/purge" 2>&1 || { cat "$dir/purge"; exit 1; }
listing >"$dir/after"
grep -e mempool -e memory_pool "$dir/brought" | while read -r path; do
    [ ! -e "$path" ] && [ ! -L "$path" ] || echo "$path"
done >"$dir/left"
if ! diff "$dir/before" "$dir/after" || [ -s "$dir/left" ]; then
    said 'the purge left, or took, more than it should:' $(cat "$dir/left")
    exit 1
fi
said 'purged, and nothing is left'
