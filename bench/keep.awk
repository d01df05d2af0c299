# SPDX-License-Identifier: MIT
#
# keep.awk - the medians of raw figures, for doc/report.
#
# usage: awk -f keep.awk bench.raw trace-NAME.raw ...
#
# The works of a trace get the program's name: trace:NAME, memory-trace:NAME.

BEGIN {
    FS = "\t"
    print "# SPDX-License-Identifier: MIT"
    print "# report - made by \"make report\", never by hand: peer, work, median."
}

FNR == 1 {
    program = FILENAME
    if (sub(/^.*trace-/, "", program)) {
        sub(/\.raw$/, "", program)
        program = ":" program
    } else {
        program = ""
    }
}

{
    key = $2 "\t" $3 program
    if (!(key in count)) {
        keys[++n] = key
    }
    value[key, ++count[key]] = $4
}

function median(key,    i, k, v, m) {
    m = count[key]
    for (i = 2; i <= m; i++) {
        v = value[key, i]
        for (k = i - 1; k > 0 && value[key, k] + 0 > v + 0; k--) {
            value[key, k + 1] = value[key, k]
        }
        value[key, k + 1] = v
    }
    return value[key, int((m + 1) / 2)]
}

END {
    for (i = 1; i <= n; i++) {
        printf "%s\t%.2f\n", keys[i], median(keys[i])
    }
}
