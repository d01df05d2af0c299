#!/bin/sh
# SPDX-License-Identifier: MIT
#
# installcheck.sh - builds the installed examples as a user would, and runs
# one, from a directory that knows nothing of the source tree.
#
# Flags come from the installed libmempool.pc alone.  Without pkg-config the
# directories are taken as configure knew them, and the output says so.
# Run by `make installcheck`; DESTDIR is honoured.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
: "${DESTDIR:=}"

if [ "$cross_compiling" != no ]; then
    echo 'installcheck: built for another machine, nothing to run here'
    exit 0
fi

cd "$dir"
if [ -n "$PKG_CONFIG" ]; then
    PKG_CONFIG_PATH=$DESTDIR$pkgconfigdir
    PKG_CONFIG_SYSROOT_DIR=$DESTDIR
    export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR
    found=$($PKG_CONFIG --modversion libmempool)
    if [ "$found" != "$version" ]; then
        echo "installcheck: libmempool.pc says $found, not $version"
        exit 1
    fi
    flags=$($PKG_CONFIG --cflags --libs libmempool)
    static=$($PKG_CONFIG --static --cflags --libs libmempool)
else
    echo 'installcheck: no pkg-config, libmempool.pc not tried'
    flags="-I$DESTDIR$includedir -L$DESTDIR$libdir -lmempool"
    static="$flags $PTHREAD_FLAGS"
fi

LD_LIBRARY_PATH=$DESTDIR$libdir${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
DYLD_LIBRARY_PATH=$LD_LIBRARY_PATH
export LD_LIBRARY_PATH DYLD_LIBRARY_PATH

for source in "$DESTDIR$examplesdir"/*.c; do
    name=$(basename "$source" .c)
    more=
    have=yes
    case $name in
    luapool) have=$have_lua more=$LUA_FLAGS ;;
    httpd) have=$have_microhttpd more=$MICROHTTPD_FLAGS ;;
    esac
    if [ "$have" != yes ]; then
        echo "installcheck: configure found no library for $name: not tried"
        continue
    fi
    echo "installcheck: $name"
    $CC $SANITIZE_CFLAGS -o "$name" "$source" $flags $more $PTHREAD_FLAGS
done
for source in "$DESTDIR$examplesdir"/*.cc; do
    [ -n "${CXX:-}" ] || { echo 'installcheck: no C++ compiler'; break; }
    name=$(basename "$source" .cc)
    echo "installcheck: $name"
    $CXX $SANITIZE_CFLAGS -std=c++17 -o "$name" "$source" $flags \
        $PTHREAD_FLAGS
    status=0
    "./$name" || status=$?
    case $status in
    0) ;;
    77) echo "installcheck: $name lacks something and was not tried" ;;
    *) exit $status ;;
    esac
done
./basic

# And once more with the archive in place of the shared library.
if [ -f "$DESTDIR$libdir/libmempool.a" ]; then
    echo 'installcheck: basic, static'
    static=$(echo " $static " |
        sed "s| -lmempool | $DESTDIR$libdir/libmempool.a |")
    $CC $SANITIZE_CFLAGS -o basic-static "$DESTDIR$examplesdir/basic.c" \
        $static
    ./basic-static
fi
