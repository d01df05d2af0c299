#!/bin/sh
# SPDX-License-Identifier: MIT
#
# openmetrics.sh - Prometheus' own tool takes what MP_OPENMETRICS writes.
#
# tests/check_gone.c reads that text, too, by the rules of OpenMetrics, and
# needs no other program.
set -u
top_builddir=${top_builddir:-.}

command -v promtool >/dev/null 2>&1 || {
    echo 'openmetrics: promtool, of the package prometheus, is missing'
    exit 77
}
text=$(mktemp) || exit 99
trap 'rm -f "$text"' EXIT
"$top_builddir/tests/metrics" >"$text" || {
    echo 'openmetrics: the program fails'
    exit 1
}
# It prints what it dislikes, and fails.
promtool check metrics <"$text" || {
    cat "$text"
    exit 1
}
