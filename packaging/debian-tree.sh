#!/bin/sh
# SPDX-License-Identifier: MIT
#
# debian-tree.sh - installs the packages into a fresh Debian tree that never
# saw the sources, and runs debian/tests there through autopkgtest.
#
# Run by `make check-debian` after the packages are built, as root: debootstrap
# makes a tree, with a compiler, pkg-config and man in it, from $MIRROR or the
# first mirror that this machine's apt uses.  A mount namespace of its own
# keeps /proc of the tree out of this machine.  Takes some minutes, mostly of
# downloading, hence no part of .ci/run.
set -eu
LC_ALL=C.UTF-8
export LC_ALL
if [ "$(id -u)" != 0 ]; then
    echo 'debian-tree: debootstrap and chroot need root' >&2
    exit 1
fi
if [ "${1:-}" != inside ]; then
    exec unshare --mount --propagation private sh "$0" inside
fi

. /etc/os-release
suite=${SUITE:-$VERSION_CODENAME}
mirror=${MIRROR:-$(apt-get indextargets --format '$(SITE)' \
    "Codename: $suite" "Created-By: Packages" | head -n 1)}
dir=$(mktemp -d)
tree=$dir/tree
finish() {
    umount "$tree/proc" 2>/dev/null || :
    rm -rf --one-file-system "$dir"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM

echo "debian-tree: $suite from $mirror"
debootstrap --variant=minbase \
    --include=gcc,libc6-dev,pkgconf,man-db \
    "$suite" "$tree" "$mirror" >"$dir/log" 2>&1 ||
    { tail -n 30 "$dir/log"; exit 1; }
mount -t proc proc "$tree/proc"
mkdir "$tree/tmp/packages"
cp deb/*.deb "$tree/tmp/packages"
cp -R "$top_srcdir/debian/tests" "$tree/tmp/tests"
cp "$top_srcdir/packaging/debian-install.sh" \
    "$top_srcdir/packaging/debian-use.sh" "$top_srcdir/README.md" "$tree/tmp"
chroot "$tree" sh /tmp/debian-install.sh /tmp/packages /tmp/tests \
    /tmp/README.md whole

# The same tests as a distribution runs them.  It tests what is in the tree.
cp /etc/resolv.conf "$tree/etc/resolv.conf" 2>/dev/null || :
autopkgtest deb/libmempool0_*.deb deb/libmempool-dev_*.deb \
    deb/libmempool_*.dsc -- chroot "$tree" >"$dir/log" 2>&1 ||
    { tail -n 60 "$dir/log"; exit 1; }
sed -n 's/^\(autopkgtest .*\] *\)*\([a-z]* *PASS\)/debian-tree: \2/p' "$dir/log"
