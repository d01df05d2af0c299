#!/bin/sh
# SPDX-License-Identifier: MIT
#
# debug-rights.sh - a program with more rights than its user ignores
# MEMPOOL_OPTIONS: a set-user-ID and a set-group-ID one, and one with
# capabilities.  Without these rights the same program reads it.
#
# Only root can make such programs, so the test is skipped for others, and where
# files have no such rights.
. "${top_srcdir:-.}/tests/tools.sh"
test "${SANITIZERS:-none}" = none || skip 'a sanitizer may not start so'
test -z "$EMULATOR" || skip 'the emulator has the rights, not the program'
test "$(id -u)" = 0 || skip 'not root'
# The loader of such a program looks only where the system's libraries are.
library=$top_builddir/.libs/libmempool.a
test -f "$library" || skip 'there is no static library'
MEMPOOL_OPTIONS=report
export MEMPOOL_OPTIONS

cat >"$dir/plain.c" <<'CODE'
#include <memory_pool.h>
#include <stdio.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/auxv.h>
#else
#define AT_SECURE 0
#define getauxval(type) 0
#endif

int main(void)
{
    memory_pool_t *mp = mp_create(NULL);

    free_memory(mp, &mp);
    puts(getauxval(AT_SECURE) != 0 || getuid() != geteuid() ||
                 getgid() != getegid()
             ? "more rights" : "no more rights");
    return 0;
}
CODE
$CC -I"$top_builddir/include" -I"$top_srcdir/include" -o "$dir/plain" \
    "$dir/plain.c" "$library" $PTHREAD_FLAGS || {
    complain 'the program does not compile'
    exit $status
}
chmod 755 "$dir"

# Compares what a program says, who has rights or has none: name, command.
expect_ignored()
{
    name=$1
    shift
    said=$("$@" 2>&1)
    case $said in
    'more rights') ;;
    *'no more rights') echo "debug-rights.sh: left out: $name: $said" ;;
    *) complain "$name: says: $said" ;;
    esac
}

said=$("$dir/plain" 2>&1)
case $said in
*'your ptr is not in'*) ;;
*) complain "without more rights: says: $said" ;;
esac
for right in u+s g+s; do
    cp "$dir/plain" "$dir/$right"
    chown 65534:65534 "$dir/$right"
    chmod "$right" "$dir/$right"
    expect_ignored "$right" "$dir/$right"
done
if command -v setcap >/dev/null 2>&1 && command -v setpriv >/dev/null 2>&1; then
    cp "$dir/plain" "$dir/capable"
    setcap cap_net_bind_service+ep "$dir/capable" 2>/dev/null &&
        expect_ignored capabilities \
            setpriv --reuid=65534 --clear-groups "$dir/capable"
else
    echo 'debug-rights.sh: left out: capabilities: no setcap or setpriv'
fi
exit $status
