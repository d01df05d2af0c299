#!/bin/sh
# SPDX-License-Identifier: MIT
#
# hooks.sh - libraries that take allocators work in a pool and leave nothing.
#
# Each program of examples/hooks is compiled and run with the library that it
# is about; it compares what the library did, and the pool's objects before and
# after.  Those whose libraries are not installed are left out, and the output
# says which.
. "${top_srcdir:-.}/tests/shell.sh"
missing=
count=0

echo '#include <memory_pool_hooks.h>' >"$dir/alone.c"
for standard in c99 c11; do
    $CC -std=$standard -pedantic -Wall -Wextra -Wundef -Wconversion -Wshadow \
        -Werror -I"$top_builddir/include" -I"$top_srcdir/include" \
        -c "$dir/alone.c" -o "$dir/alone.o" ||
        complain "memory_pool_hooks.h does not compile as $standard"
done

pkg_config=${PKG_CONFIG:-pkg-config}
command -v "$pkg_config" >/dev/null 2>&1 || skip 'no pkg-config'

while read -r name package; do
    if ! $pkg_config --exists "$package"; then
        missing="$missing $name"
        continue
    fi
    echo "hooks: $name $($pkg_config --modversion "$package")"
    # shellcheck disable=SC2046,SC2086 # the flags are lists
    $CC -Wall -Wextra -Werror $SANITIZE_CFLAGS -I"$top_builddir/include" \
        -I"$top_srcdir/include" $($pkg_config --cflags "$package") \
        -o "$dir/$name" "$top_srcdir/examples/hooks/$name.c" \
        -L"$top_builddir/.libs" -lmempool \
        $($pkg_config --libs "$package") $PTHREAD_FLAGS || {
        complain "$name does not build"
        continue
    }
    LD_LIBRARY_PATH=$top_builddir/.libs ${EMULATOR:-} "$dir/$name" ||
        complain "$name fails"
    count=$((count + 1))
done <<'END'
cjson libcjson
curl libcurl
expat expat
gmp gmp
jansson jansson
libuv libuv
libxml2 libxml-2.0
lua lua5.4
nghttp2 libnghttp2
openssl libcrypto
pcre2 libpcre2-8
sqlite sqlite3
zlib zlib
zstd libzstd
END
test -z "$missing" || echo "hooks: not installed, so left out:$missing"
test $status -ne 0 || test $count -gt 0 || skip 'none of the libraries is there'
exit $status
