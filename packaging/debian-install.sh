#!/bin/sh
# SPDX-License-Identifier: MIT
#
# debian-install.sh - installs the Debian packages as a user would, uses them
# and takes them away again.
#
# debian-install.sh PACKAGES TESTS [whole]: the .deb files are in PACKAGES,
# debian/tests is TESTS.  Runs as root, with apt-get, on the machine itself or
# in a chroot, and needs gcc, pkg-config and man there.  The packages are
# purged at the end, however it ends.  Then nothing that they brought may be
# there, nor any file that has "mempool" in its name; with "whole", no file at
# all may have come or gone, which only a tree that nothing else changes can
# promise.
set -eu
LC_ALL=C
DEBIAN_FRONTEND=noninteractive
# With a width of its own, man keeps no formatted page in its cache, as it
# does when root reads.
MANWIDTH=79
export LC_ALL DEBIAN_FRONTEND MANWIDTH
packages=$(cd "$1" && pwd)
tests=$(cd "$2" && pwd)
whole=${3:-}
names='libmempool-dev libmempool0'

if [ "$(id -u)" != 0 ]; then
    echo 'debian-install: must be root' >&2
    exit 1
fi
for name in $names; do
    if dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q ' installed'
    then
        echo "debian-install: $name is installed here already" >&2
        exit 1
    fi
done

purge() {
    dpkg --purge $names >/dev/null 2>&1 || :
}

dir=$(mktemp -d)
trap 'purge; rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM

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

said() {
    echo "debian-install: $*"
}

listing >"$dir/before"

# Slim systems leave manuals and documentation out of what they install.
apt-get install -y --no-install-recommends \
    -o DPkg::Lock::Timeout=300 \
    -o DPkg::Options::='--path-include=/usr/share/man/*' \
    -o DPkg::Options::='--path-include=/usr/share/doc/*' \
    "$packages"/libmempool0_*.deb "$packages"/libmempool-dev_*.deb \
    >"$dir/apt" 2>&1 || { cat "$dir/apt"; exit 1; }
for name in $names; do
    dpkg-query -L "$name"
done | sort -u >"$dir/brought"
said "installed $(wc -l <"$dir/brought") paths"

# README's program, built as README says.
cat >"$dir/hello.c" <<'EOF'
#include <memory_pool.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    memory_pool_t *mp = init_memory_pool();
    char *word = mp_allocate(mp, 6);
    if (word != NULL)
        puts(strcpy(word, "hello"));
    free_memory(mp, word);
    destroy_memory_pool(mp);
}
EOF
(cd "$dir" && cc hello.c $(pkg-config --cflags --libs libmempool))
[ "$("$dir/a.out")" = hello ]
said 'hello.c says hello'

MANPAGER=cat man mp_allocate >"$dir/page"
grep -q 'mp_allocate' "$dir/page"
said "man mp_allocate: $(wc -l <"$dir/page") lines"

for test in examples manual; do
    mkdir "$dir/$test"
    AUTOPKGTEST_TMP=$dir/$test "$tests/$test"
done

dpkg --purge $names >"$dir/purge" 2>&1 || { cat "$dir/purge"; exit 1; }
listing >"$dir/after"
status=0
if ! cmp -s "$dir/before" "$dir/after"; then
    said 'the purge left, or took, more than it should:'
    diff "$dir/before" "$dir/after" || :
    status=1
fi
while read -r path; do
    case $path in *mempool* | *memory_pool*)
        if [ -e "$path" ] || [ -L "$path" ]; then
            said "the purge left $path"
            status=1
        fi
    esac
done <"$dir/brought"
[ $status != 0 ] || said 'purged, and nothing is left'
exit $status
