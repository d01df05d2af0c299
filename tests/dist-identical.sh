#!/bin/sh
# SPDX-License-Identifier: MIT
#
# dist-identical.sh - `make dist` gives the same bytes whenever and wherever.
#
# Two tarballs are made from this build, at different times of day, masks,
# time zones and languages, and a third from the second one unpacked
# elsewhere, where no git is.  Run by `make check-dist`, in the build
# directory.  Not part of `make check`, which must work without GNU tar.
set -eu
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
unset SOURCE_DATE_EPOCH MAKEFLAGS MFLAGS || :
build=$PWD

(umask 077 && TZ=UTC-9 LC_ALL=C $MAKE dist) >"$dir/log" 2>&1 ||
    { cat "$dir/log"; exit 1; }
mkdir "$dir/first" "$dir/second" "$dir/third"
mv "$distdir".tar.* "$dir/first"
sleep 2
(umask 022 && TZ=UTC+5 $MAKE dist) >"$dir/log" 2>&1 ||
    { cat "$dir/log"; exit 1; }
mv "$distdir".tar.* "$dir/second"

cd "$dir/third"
gzip -dc "$dir/second/$distdir.tar.gz" | tar -xf -
chmod -R a-w "$distdir"
mkdir build
cd build
("../$distdir/configure" CC="$CC" && $MAKE dist) >"$dir/log" 2>&1 ||
    { cat "$dir/log"; exit 1; }

for kind in gz xz; do
    cmp "$dir/first/$distdir.tar.$kind" "$dir/second/$distdir.tar.$kind"
    cmp "$dir/first/$distdir.tar.$kind" "$distdir.tar.$kind"
done
cp "$dir/second/$distdir".tar.* "$build"
echo "dist-identical: three times the same $distdir.tar.gz and .tar.xz"
