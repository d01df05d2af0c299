# SPDX-License-Identifier: MIT
#
# figures.awk - from raw figures to doc/figures, and from there to a page.
#
# usage: awk -v make=1 -f figures.awk raw       writes doc/figures
#        awk -f figures.awk doc/figures page    writes the page
#
# A row of a page begins with the label of a row of doc/figures: after ".It "
# in the manual's markup, or after four spaces in plain text.

BEGIN {
    columns = split("mempool mempool-inline glibc apr", peer, " ")
    # An APR pool frees no object alone: its LIFO work is another.
    skip["apr", "lifo"] = 1
    add("lifo", "one object, freed again")
    add("replace-10000", "one of 10,000, at random")
    add("threads-2", "one object, two threads")
    add("fill-1000", "one of 1,000, freed at once")
    add("life", "one pool with 10 objects")
    FS = make ? "\t" : " [|] "
}

function add(work, label) {
    work_name[++works] = work
    label_of[works] = label
}

# Raw figures: round, peer, work, figure.
make { value[$2, $3, ++count[$2, $3]] = $4; next }

FNR == NR {
    if ($0 !~ /^#/) {
        labels[++rows] = $1
        row[rows] = $0
    }
    next
}

{ print figures_of($0) }

# The line with the figures of its row, or as it is.
function figures_of(line,    i, n, k, field, text, label) {
    for (i = 1; i <= rows; i++) {
        label = labels[i]
        n = split(row[i], field, / [|] /)
        if (index(line, ".It " label " Ta ") == 1) {
            text = ".It " label
            for (k = 2; k <= n; k++) {
                text = text " Ta " (field[k] == "-" ? "\\-" : field[k])
            }
            return text
        }
        if (index(line, "    " label "  ") == 1) {
            text = sprintf("    %-40s", label)
            for (k = 2; k <= n; k++) {
                text = text sprintf("%8s", field[k])
            }
            return text
        }
    }
    return line
}

# The median of what one peer took for a work; "-" if it does not do it.
function median(name, work,    n, i, k, v) {
    n = count[name, work]
    if (n == 0 || (name, work) in skip) {
        return "-"
    }
    for (i = 2; i <= n; i++) {
        v = value[name, work, i]
        for (k = i - 1; k > 0 && value[name, work, k] > v; k--) {
            value[name, work, k + 1] = value[name, work, k]
        }
        value[name, work, k + 1] = v
    }
    v = value[name, work, int((n + 1) / 2)]
    return sprintf(v < 99.5 ? "%.1f" : "%.0f", v)
}

END {
    if (make) {
        print "# SPDX-License-Identifier: MIT"
        print "# figures - made by \"make figures\", never by hand: nanoseconds."
        print "# what | libmempool | compiled in | malloc | APR pool"
        for (i = 1; i <= works; i++) {
            line = label_of[i]
            for (k = 1; k <= columns; k++) {
                line = line " | " median(peer[k], work_name[i])
            }
            print line
        }
    }
}
