# SPDX-License-Identifier: MIT
#
# abi-setup.sh - what the tests share that run a program of the first release
# on today's library.  They source it, and call oldest_runs().
#
# packaging/abi has each release's header and list of symbols.  From the first
# one a library of empty functions is made, with the soname and the version
# node of that time, and tests/abi_oldest.c is linked with that; then it is run
# with the real one.  Where there is no shared library with version nodes, all
# this is left out.
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
    ! $NM -D -P "$library" 2>/dev/null | grep '@@LIBMEMPOOL_' >/dev/null; then
    echo 'abi: no shared library with version nodes here'
    exit 77
fi

fail()
{
    echo "abi: $*"
    exit 1
}

oldest=$top_srcdir/packaging/abi/$(ls "$top_srcdir/packaging/abi" |
    sed -n 's/\.info$//p' | sort -t. -k1,1n -k2,2n -k3,3n | head -n 1)
soname=libmempool.so.$(sed -n 's/^version-info //p' "$oldest.info" |
    $AWK -F : '{ print $1 - $3 }')
test "$soname" = "$dlname" ||
    fail "programs of $oldest ask for $soname, which this library is not"
sed 1d "$oldest.info" | sort >"$dir/symbols"

# The library of that time, for the linker only.
mkdir "$dir/old" "$dir/new" "$dir/include"
while read -r name node kind words; do
    case $kind in
    function) echo "void $name(void) {}" ;;
    object) echo "const void *const $name[$words] = {0};" ;;
    thread) echo "__thread void *$name[$words];" ;;
    esac
done <"$dir/symbols" >"$dir/stub.c"
$AWK '{ names[$2] = names[$2] " " $1 ";" }
    END { for (node in names) print node " { global:" names[node] " };" }' \
    "$dir/symbols" >"$dir/stub.map"
$CC -w -fno-builtin -shared -fPIC -o "$dir/old/$soname" "$dir/stub.c" \
    -Wl,-soname,"$soname" -Wl,--version-script="$dir/stub.map" ||
    fail 'the library of that time cannot be made'
ln -s "$soname" "$dir/old/libmempool.so"
cp "$library" "$dir/new/$soname" || exit 99

# oldest_runs EDIT FLAGS...: with the header as the sed script makes it.
oldest_runs()
{
    # What configure was told of base pools is no matter of releases.
    most=$(sed -n 's/^#define MP_MAX_BLOCK_SIZE //p' \
        "$top_builddir/include/memory_pool.h")
    sed "$1
s/^\(#define MAX_BLOCK_SIZE\) .*/\1 $most/" "$oldest.h" \
        >"$dir/include/memory_pool.h"
    cp "$oldest.inline.h" "$dir/include/memory_pool_inline.h"
    shift
    $CC $SANITIZE_CFLAGS "$@" -I"$dir/include" -o "$dir/program" \
        "$top_srcdir/tests/abi_oldest.c" -L"$dir/old" -lmempool \
        $PTHREAD_FLAGS || fail 'does not build'
    LD_LIBRARY_PATH=$dir/new ${EMULATOR:-} "$dir/program" >"$dir/log" 2>&1 &&
        grep 'as it was' "$dir/log" && return
    cat "$dir/log"
    fail "a program of $oldest does not run"
}
