#!/bin/sh
# SPDX-License-Identifier: MIT
#
# debian-build.sh - builds the Debian packages from the tarball and has
# lintian look at them.
#
# Run by `make deb`, in the build directory, where the tarball is.  What it
# makes goes into the directory "deb" there.  The tests run as well, unless
# DEB_BUILD_OPTIONS holds nocheck; nothing needs to be installed and no root.
#
# lintian may say one thing: that debian/watch checks no signature.  A key for
# signatures is the releaser's to give, and there is none yet.  debian/ follows
# the rules of Debian 12 and its lintian; a newer one asks for a newer
# Standards-Version and debian/watch, which this one would refuse.
set -eu
LC_ALL=C.UTF-8
export LC_ALL
# Inner builds are make's children, and not of this makefile.
unset MAKEFLAGS MFLAGS MAKELEVEL CFLAGS CXXFLAGS CPPFLAGS LDFLAGS || :

if [ ! -d "$top_srcdir/debian" ]; then
    echo 'debian-build: debian/ is in git, not in the tarball' >&2
    exit 1
fi
upstream=$(sed -n '1s/^[^(]*(\([^)]*\)-[^-)]*).*/\1/p' \
    "$top_srcdir/debian/changelog")
if [ "$upstream" != "$version" ]; then
    echo "debian-build: debian/changelog is of $upstream, not $version" >&2
    exit 1
fi

rm -rf deb
mkdir deb
cp "libmempool-$version.tar.xz" "deb/libmempool_$version.orig.tar.xz"
(cd deb && tar -xf "libmempool_$version.orig.tar.xz")
cp -R "$top_srcdir/debian" "deb/libmempool-$version/debian"
if ! (cd "deb/libmempool-$version" &&
    exec dpkg-buildpackage -us -uc) >deb/log 2>&1; then
    tail -n 60 deb/log >&2
    echo 'debian-build: dpkg-buildpackage failed; deb/log has it all' >&2
    exit 1
fi

root=
[ "$(id -u)" != 0 ] || root=--allow-root
lintian $root -EIL +pedantic deb/*.changes >deb/lintian 2>&1 || :
expected='X: libmempool source: debian-watch-does-not-check-openpgp-signature'
if ! grep -qF "$expected" deb/lintian ||
    [ "$(grep -c . deb/lintian)" != 1 ]; then
    echo 'debian-build: lintian says more, or less, than of the signature:' >&2
    cat deb/lintian >&2
    exit 1
fi
ls deb/*.deb
echo 'debian-build: built; lintian misses the signature alone'
