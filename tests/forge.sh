#!/bin/sh
# SPDX-License-Identifier: MIT
#
# forge.sh - a forge runs each step of .ci/run, and names no other.
#
# What it cannot do: see whether a forge understands the rest of the file;
# actionlint does.
. "${top_srcdir:-.}/tests/shell.sh"

workflow=$top_srcdir/.github/workflows/ci.yml
$AWK '/^ *step:$/ { inside = 1; next }
    inside && $1 == "-" { print $2; next }
    { inside = 0 }' "$workflow" | sort >"$dir/jobs"
# What "all" wants: what stands there, and in the variable of two lines.
$AWK '/^all: / || /^builds = / { inside = 1 }
    inside {
        more = /\\$/
        gsub(/^[a-z]+( =|:)|\$\([a-z]*\)|\\/, "")
        for (i = 1; i <= NF; i++) print $i
        inside = more
    }' "$top_srcdir/.ci/steps.mk" | sort >"$dir/steps"
[ -s "$dir/steps" ] || complain 'found no step in .ci/steps.mk'
same "the forge's jobs and the steps of .ci/run" "$dir/jobs" "$dir/steps"
exit "$status"
