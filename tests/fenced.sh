# SPDX-License-Identifier: MIT
#
# fenced.sh - tests of caches and threads, as on a system without
# membarrier(2).
#
# There the caches of each pool are fenced.  Where the system has that call, no
# other test but unit/test_pause meets such pools.
set -u
without=$top_builddir/tests/without_membarrier
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
status=0

${EMULATOR:-} "$without" /bin/true
if [ $? -eq 77 ]; then
    exit 77
fi
# They run as often as they are in the suite, but for fewer rounds.  With a
# sanitizer those are few anyway.
MP_STRESS_SECONDS=2
export MP_STRESS_SECONDS
if [ -z "${SANITIZE_CFLAGS-}" ]; then
    : "${MP_TEST_SCALE:=4}"
    export MP_TEST_SCALE
fi
for test in unit/test_pause unit/test_attach check_caches check_pause \
    check_handles check_processes stress; do
    program=$top_builddir/tests/$test
    test -x "$program" || continue # Check is not there
    ${EMULATOR:-} "$without" "$program" >"$dir/out" 2>&1
    code=$?
    if [ $code -eq 77 ]; then
        echo "fenced: $test is left out"
    elif [ $code -ne 0 ]; then
        echo "fenced: $test fails:"
        cat "$dir/out"
        status=1
    fi
done
exit $status
