#!/bin/sh
# SPDX-License-Identifier: MIT
#
# reproduce.sh - two builds of what is committed give the same bytes.
#
# Run by `make check-reproducible`.  The builds differ in directory, user,
# umask, locale, time zone, number of processes, shell's environment and, where
# faketime is installed, date and time.  Compared are the tarballs, the shared
# library stripped of what debuggers read, and the Debian packages; diffoscope
# tells what differs.  In the second bootstrap automake believes what was seen
# of the macros before, as it does where that was in the same second.  The
# second user is nobody, if this one is root; else both are this one, and the
# output says so.
set -eu
unset MAKEFLAGS MFLAGS MAKELEVEL CFLAGS CXXFLAGS CPPFLAGS LDFLAGS || :
unset SOURCE_DATE_EPOCH || :
tree=$(cd "$top_srcdir" && git rev-parse --show-toplevel)
here=$PWD
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
chmod 755 "$dir"

# In a clone, with the variations set: makes everything, into ../made.
cat >"$dir/build" <<'EOS'
set -eu
cd "$1"
AUTOMAKE=$3 ./bootstrap
mkdir build
cd build
# The build directory is mapped away, as Debian's flags do: the library's
# build-id is of what debuggers read too.
../configure -q CFLAGS="-g -O2 -ffile-prefix-map=$1=."
make -s -j"$2" libmempool.la
make -s dist
version=$(sed -n 's/^VERSION = //p' Makefile)
mkdir ../made
cp libmempool-"$version".tar.?z ../made
cp .libs/libmempool.so ../made
strip --strip-all ../made/libmempool.so
tar -xf libmempool-"$version".tar.xz
cp libmempool-"$version".tar.xz "libmempool_$version.orig.tar.xz"
cp -R ../debian libmempool-"$version"
cd libmempool-"$version"
DEB_BUILD_OPTIONS="nocheck parallel=$2" dpkg-buildpackage -us -uc
cd ..
cp ./*.deb ./*.dsc ./*.debian.tar.* ../made
EOS

cat >"$dir/automake" <<'EOS'
#!/bin/sh
touch -d '+1 hour' autom4te.cache/traces.* autom4te.cache/output.*
exec automake "$@"
EOS
chmod 755 "$dir/automake"

# made DIRECTORY PROCESSES AUTOMAKE COMMAND...: a build whose command brings
# the variations.
made() {
    place=$1
    processes=$2
    automake=$3
    shift 3
    if ! "$@" sh "$dir/build" "$place" "$processes" "$automake" \
        >"$place.log" 2>&1; then
        tail -n 60 "$place.log"
        echo 'reproduce: the build failed'
        exit 1
    fi
}

first=$dir/one
second=$dir/another-and-much-longer/directory
mkdir -p "$(dirname "$second")"
git clone -q "$tree" "$first"
git clone -q "$tree" "$second"
made "$first" 1 automake env TZ=UTC LC_ALL=C USER=one HOME="$dir"

umask 002
set -- env TZ=Asia/Tokyo LC_ALL=C.UTF-8 LANGUAGE=fr USER=two ANOTHER=yes \
    HOME=/nonexistent
if command -v faketime >/dev/null 2>&1; then
    set -- "$@" faketime -f '+400d'
else
    echo 'reproduce: faketime is missing, both builds are of today'
fi
if [ "$(id -u)" = 0 ]; then
    chown -R nobody "$(dirname "$second")"
    set -- setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"
else
    echo 'reproduce: not root, both builds are of the same user'
fi
made "$second" 2 "$dir/automake" "$@"

status=0
for file in "$first"/made/*; do
    name=$(basename "$file")
    if cmp "$file" "$second/made/$name"; then
        echo "reproduce: the same twice: $name"
    else
        status=1
        ! command -v diffoscope >/dev/null 2>&1 ||
            diffoscope "$file" "$second/made/$name" || :
    fi
done
[ "$(ls "$first/made")" = "$(ls "$second/made")" ] || status=1
cd "$here"
exit $status
