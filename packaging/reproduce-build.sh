#!/bin/sh
# SPDX-License-Identifier: MIT
#
# reproduce-build.sh - in a clone, makes all that packaging/reproduce.sh
# compares, into the directory "made".
#
# reproduce-build.sh PROCESSES: run in the clone, with the variations set.
set -eu
clone=$PWD
./bootstrap
mkdir build made
cd build
# The build directory is mapped away, as Debian's flags do: the library's
# build-id is of what debuggers read too.
../configure -q CFLAGS="-g -O2 -ffile-prefix-map=$clone=."
make -s -j"$1" libmempool.la
make -s dist
version=$(sed -n 's/^VERSION = //p' Makefile)
cp libmempool-"$version".tar.?z ../made
cp .libs/libmempool.so ../made
strip --strip-all ../made/libmempool.so
tar -xf libmempool-"$version".tar.xz
cp libmempool-"$version".tar.xz "libmempool_$version.orig.tar.xz"
cp -R ../debian libmempool-"$version"
cd libmempool-"$version"
DEB_BUILD_OPTIONS="nocheck parallel=$1" dpkg-buildpackage -us -uc
cd ..
cp ./*.deb ./*.dsc ./*.debian.tar.* ../made
