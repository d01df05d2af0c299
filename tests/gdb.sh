#!/bin/sh
# SPDX-License-Identifier: MIT
#
# gdb.sh - gdb shows pools, of a process and of its core.
#
# gdb finds the script by itself, by the name of the shared library.  The
# program crashes, is looked at, and leaves a core, which is looked at with the
# same result.  What mempool_debug(7) shows of a session is what gdb says.
. "${top_srcdir:-.}/tests/shell.sh"
command -v gdb >/dev/null 2>&1 || skip 'there is no gdb'
test "${SANITIZERS:-none}" = none || skip 'a sanitizer watches the program'
test -z "${EMULATOR:-}" || skip 'the program is for another machine'
DEBUGINFOD_URLS= MALLOC_ARENA_MAX=1
export DEBUGINFOD_URLS MALLOC_ARENA_MAX
unset MEMPOOL_OPTIONS
gdb -nx -batch -ex 'python print(gdb.lookup_static_symbols)' 2>&1 |
    grep '^<built-in' >/dev/null || skip 'gdb has no Python, or is too old'
gdb -nx -batch -ex starti "$(command -v true)" 2>&1 |
    grep 'Program stopped' >/dev/null || skip 'gdb may start no program here'

libs=$(cd "$top_builddir/.libs" && pwd -P)
if test -f "$libs/libmempool.so"; then
    library=$libs/libmempool.so
else
    library=$libs/libmempool.a
fi
real=$(cd "$libs" && readlink "$library" || echo libmempool.a)
# shellcheck disable=SC2086 # flags
$CC -g -I"$top_builddir/include" -I"$top_srcdir/include" \
    -o "$dir/pools" "$top_srcdir/tests/gdb/pools.c" "$library" \
    -Wl,-rpath,"$libs" $PTHREAD_FLAGS || exit 99
test "$real" = libmempool.a && known=$dir/pools || known=$libs/$real
gdb -nx -batch -ex 'ptype struct memory_pool' "$known" 2>&1 |
    grep 'struct quota' >/dev/null ||
    skip 'the library has no debugging information'

# As src/pool/callers.c has it.
callers=0
echo '#include <execinfo.h>' | $CC -E - >/dev/null 2>&1 && callers=1

# The directory that gdb looks into, as `make install` fills it.
script=$(ls "$top_builddir"/gdb/*-gdb.py) || exit 99
mkdir -p "$dir/auto-load$libs"
cp "$script" "$dir/auto-load$libs"
source="echo loaded\\n"
test "$real" != libmempool.a || source="source $script"
look()
{
    gdb -nx -batch -iex "add-auto-load-safe-path $dir" \
        -iex "add-auto-load-scripts-directory $dir/auto-load" \
        -ex "set \$callers = $callers" "$@" \
        </dev/null 2>&1
}

look -ex run -ex "$source" -ex "generate-core-file $dir/core" \
    -ex 'set $damage = 1' -ex "source $top_srcdir/tests/gdb/checks.py" \
    "$dir/pools" >"$dir/process"
grep '^checks.py: 0 wrong' "$dir/process" >/dev/null ||
    complain "in the process: $(cat "$dir/process")"

look -ex "$source" -ex 'set $damage = 0' \
    -ex "source $top_srcdir/tests/gdb/checks.py" \
    "$dir/pools" "$dir/core" >"$dir/of_core"
grep '^checks.py: 0 wrong' "$dir/of_core" >/dev/null ||
    complain "with the core: $(cat "$dir/of_core")"

# Without what it needs it says so.
look -ex "source $script" -ex 'mempool list' >"$dir/none"
grep 'no process and no core' "$dir/none" >/dev/null ||
    complain "without a program: $(cat "$dir/none")"
look -ex "source $script" -ex starti -ex 'mempool list' "$(command -v true)" \
    >"$dir/other"
grep 'no debugging information of libmempool' "$dir/other" >/dev/null ||
    complain "in a program without pools: $(cat "$dir/other")"

# The flags are those of the header.
sed -n 's/^#define \(MP_[A-Z_]*\) \(0x[0-9a-f]*\)u.*/    (\2, "\1"),/p' \
    "$top_srcdir/include/memory_pool.h.in" >"$dir/flags"
sed -n '/^FLAGS = ($/,/^)/s/^    (/&/p' "$top_srcdir/gdb/memory.py" \
    >"$dir/known"
test -s "$dir/flags" || complain 'the header has no flags'
same 'the flags of the header and of gdb/memory.py' "$dir/flags" "$dir/known"

# The session of the manual, without the addresses.
plain()
{
    sed 's/0x[0-9a-f]*/0x/g; s/  */ /g' "$1"
}
$AWK '/^\.\\" SESSION of gdb/ { on = 1; next } /^\.Ed/ { on = 0 }
      on && !/^\./ { print }' "$top_srcdir/man/mempool_debug.7" >"$dir/page"
test $callers = 1 || sed -i.old '/(pools\.c:/d' "$dir/page"
grep '^(gdb)' "$dir/page" >/dev/null || complain 'the page has no session'
sed -n 's/^(gdb) //p' "$dir/page" | while read -r line; do
    printf 'echo (gdb) %s\\n\n%s\n' "$line" "$line"
done >"$dir/commands"
look -ex "$source" -x "$dir/commands" "$dir/pools" "$dir/core" |
    sed -n '/^(gdb)/,$p' >"$dir/session"
plain "$dir/session" >"$dir/said"
plain "$dir/page" >"$dir/printed"
same 'what gdb says and the page' "$dir/said" "$dir/printed"
exit $status
