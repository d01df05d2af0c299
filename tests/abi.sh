#!/bin/sh
# SPDX-License-Identifier: MIT
#
# abi.sh - a program built with the first release runs on today's library.
#
# packaging/abi has each release's header and list of symbols.  From the first
# one a library of empty functions is made, with the soname and the version
# node of that time, and tests/abi_oldest.c is linked with that; then it is run
# with the real one.  It is run again with structures shorter and longer than
# the library's, which is how programs of other releases look to it.  Where
# there is no shared library with version nodes, all this is left out.
set -u
LC_ALL=C
export LC_ALL
top_srcdir=${top_srcdir:-.}
top_builddir=${top_builddir:-.}
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT

dlname=
. "$top_builddir/libmempool.la"
library=$top_builddir/.libs/$dlname
if test -z "$dlname" ||
    ! $NM -D "$library" 2>/dev/null | grep '@@LIBMEMPOOL_' >/dev/null; then
    echo 'abi: no shared library with version nodes here'
    exit 77
fi

fail()
{
    echo "abi: $*"
    exit 1
}

oldest=$(for file in "$top_srcdir"/packaging/abi/*.info; do
    basename "$file" .info
done | sort -t. -k1,1n -k2,2n -k3,3n | head -n 1)
echo "abi: a program of $oldest on $dlname"
info=$top_srcdir/packaging/abi/$oldest.info
soname=libmempool.so.$(sed -n 's/^version-info //p' "$info" | tr : ' ' | {
    read -r current revision age
    echo $((current - age))
})
test "$soname" = "$dlname" ||
    fail "programs of $oldest ask for $soname, which this library is not"

# The library of that time, for the linker only.
sed 1d "$info" | while read -r name node kind words; do
    case $kind in
    function) echo "void $name(void) {}" ;;
    object) echo "const void *const $name[$words] = {0};" ;;
    thread) echo "__thread void *$name[$words];" ;;
    esac
done >"$dir/stub.c"
for node in $(sed 1d "$info" | $AWK '{ print $2 }' | sort -u); do
    echo "$node { global: $(sed 1d "$info" |
        $AWK -v node="$node" '$2 == node { print $1 "; " }' |
        tr -d '\n') };"
done >"$dir/stub.map"
mkdir "$dir/old" "$dir/new"
$CC -w -fno-builtin -shared -fPIC -o "$dir/old/$soname" "$dir/stub.c" \
    -Wl,-soname,"$soname" -Wl,--version-script="$dir/stub.map" ||
    fail 'the library of that time cannot be made'
ln -s "$soname" "$dir/old/libmempool.so"
cp "$library" "$dir/new/$soname" || exit 99

most=$(grep '^#define MAX_BLOCK_SIZE ' "$top_builddir/include/memory_pool.h")
# run NAME EDIT FLAGS...: with the header as the sed script makes it.
run()
{
    name=$1
    edit=$2
    shift 2
    mkdir "$dir/$name"
    # What configure was told of base pools is no matter of releases.
    sed "$edit
s/^#define MAX_BLOCK_SIZE .*/$most/" "$top_srcdir/packaging/abi/$oldest.h" \
        >"$dir/$name/memory_pool.h"
    cp "$top_srcdir/packaging/abi/$oldest.inline.h" \
        "$dir/$name/memory_pool_inline.h"
    $CC $SANITIZE_CFLAGS "$@" -I"$dir/$name" -o "$dir/$name/program" \
        "$top_srcdir/tests/abi_oldest.c" -L"$dir/old" -lmempool \
        $PTHREAD_FLAGS || fail "$name: does not build"
    # What it asks of the library is of that time's nodes, all of them.
    $NM -D "$dir/$name/program" | $AWK '/@LIBMEMPOOL_/ {
        sub(/@+/, " ", $NF); print $NF }' | sort >"$dir/$name/asks"
    sed 1d "$info" | $AWK '{ print $1, $2 }' | sort >"$dir/$name/has"
    cmp -s "$dir/$name/asks" "$dir/$name/has" || {
        diff "$dir/$name/asks" "$dir/$name/has"
        fail "$name: it should use each symbol of $oldest (>) and no other"
    }
    LD_LIBRARY_PATH=$dir/new ${EMULATOR:-} "$dir/$name/program" \
        >"$dir/$name/log" 2>&1
    found=$?
    test $found -eq 0 || {
        cat "$dir/$name/log"
        fail "$name: exit status $found"
    }
    grep 'as it was' "$dir/$name/log" >/dev/null || fail "$name: says nothing"
    echo "abi: $name: as it was"
}

run same ''
shorter='/^    memory_pool_t \*parent;/,/^} mp_options_t;/{
/^} mp_options_t;/!d
}
/^    size_t children;/,/^} mp_stats_t;/{
/^} mp_stats_t;/!d
}'
run shorter "$shorter" -DABI_SHORTER
longer='/^} mp_options_t;/i\
    size_t abi_later;
/^} mp_stats_t;/i\
    size_t abi_later[8];'
run longer "$longer" -DABI_LONGER
grep parent "$dir/shorter/memory_pool.h" | grep ';' &&
    fail 'the shorter header is not shorter'
exit 0
