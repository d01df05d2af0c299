# SPDX-License-Identifier: MIT
#
# report.awk - tables and goals from raw figures.
#
# usage: awk [-v whole=1] -f report.awk goals raw
# whole: nothing was deselected, so goals left open are named.
#
# Per work: each peer's median over the rounds, the quartiles as its spread,
# and the ratio to the best peer of those that have a lock or threads of
# their own (the first ones listed below are yardsticks, not peers).  Goals
# are ratios of medians.  POSIX awk, hence the sort.

BEGIN {
    FS = "\t"
    yardstick["loop"] = yardstick["call"] = yardstick["bump"] = 1
    unlocked["apr"] = unlocked["obstack"] = unlocked["pmr-monotonic"] = 1
    unlocked["pmr-unsync"] = ours["mempool-pmr"] = 1
    ours["mempool"] = ours["mempool-base"] = ours["mempool-handle"] = 1
    ours["mempool-inline"] = ours["mempool-handle-inline"] = 1
}

FNR == NR {
    if ($0 !~ /^#/ && split($0, field, / *\| */) == 4) {
        goal_name[++goals] = field[1]
        goal_limit[goals] = field[2]
        goal_ours[goals] = field[3]
        goal_beside[goals] = field[4]
    }
    next
}

{
    if (!($3 in work_seen)) {
        work_seen[$3] = 1
        work_list[++works] = $3
    }
    if (!($2 in peer_seen)) {
        peer_seen[$2] = 1
        peer_list[++peers] = $2
    }
    key = $2 SUBSEP $3
    value[key, ++count[key]] = $4
}

# Sorts the figures of a key, then finds median and quartiles.
function summarise(key,    i, k, v, n) {
    n = count[key]
    for (i = 2; i <= n; i++) {
        v = value[key, i]
        for (k = i - 1; k > 0 && value[key, k] > v; k--) {
            value[key, k + 1] = value[key, k]
        }
        value[key, k + 1] = v
    }
    median[key] = quantile(key, n, 0.5)
    low[key] = quantile(key, n, 0.25)
    high[key] = quantile(key, n, 0.75)
}

function quantile(key, n, q,    at, whole) {
    at = 1 + (n - 1) * q
    whole = int(at)
    if (whole == n) {
        return value[key, n]
    }
    return value[key, whole] + \
        (at - whole) * (value[key, whole + 1] - value[key, whole])
}

# The lowest median of the peers in list at a work; "" if none was measured.
# best_peer is its name.
function best_of(list, work,    n, i, name, best) {
    best = ""
    n = split(list, name, ",")
    for (i = 1; i <= n; i++) {
        if (((name[i], work) in median) &&
            (best == "" || median[name[i], work] < best)) {
            best = median[name[i], work]
            best_peer = name[i]
        }
    }
    return best
}

function all_peers(    i, list) {
    for (i = 1; i <= peers; i++) {
        if (!(peer_list[i] in yardstick) && !(peer_list[i] in unlocked) &&
            !(peer_list[i] in ours)) {
            list = list (list == "" ? "" : ",") peer_list[i]
        }
    }
    return list
}

function take_loop_off(    i, k, work) {
    for (i = 1; i <= works; i++) {
        work = work_list[i]
        if (work !~ /^instructions-/ || !(("loop", work) in median)) {
            continue
        }
        for (k = 1; k <= peers; k++) {
            if (peer_list[k] != "loop" && ((peer_list[k], work) in median)) {
                median[peer_list[k], work] -= median["loop", work]
                low[peer_list[k], work] -= median["loop", work]
                high[peer_list[k], work] -= median["loop", work]
            }
        }
    }
}

function of_best(figure, best, peer) {
    if (best == "" || best <= 0 || (peer in yardstick)) {
        return "-"
    }
    return sprintf("%.2f", figure / best)
}

function print_work(work,    k, best, key, unit) {
    unit = "ns"
    if (work ~ /^memory/) {
        unit = work ~ /-(idle|used)/ ? "bytes a pool" : "bytes a byte"
    } else if (work ~ /^instructions/) {
        unit = "instructions, the loop's own taken off"
    } else if (work == "trace") {
        unit = "ns an event"
    }
    printf "\n%-23s %9s  %-19s %9s   (%s)\n", work, "median", \
        "   quartiles", "of best", unit
    best = best_of(all_peers(), work)
    for (k = 1; k <= peers; k++) {
        key = peer_list[k] SUBSEP work
        if (!(key in median)) {
            continue
        }
        printf "  %-21s %9.2f  %9.2f-%-9.2f %9s\n", peer_list[k], \
            median[key], low[key], high[key], \
            of_best(median[key], best, peer_list[k])
    }
}

# The right side of a goal: its figure, "" if it was not measured.
function beside(text,    part, n) {
    best_peer = ""
    if (text == "-") {
        return 1
    }
    split(text, part, / /)
    return best_of(part[1] == "*" ? all_peers() : part[1], part[2])
}

function print_goal(i,    part, figure, other, n) {
    n = split(goal_ours[i], part, / /)
    other = beside(goal_beside[i])
    if (!((part[1], part[2]) in median) || other == "") {
        return 0
    }
    figure = median[part[1], part[2]] * (n == 4 ? part[4] : 1) / other
    printf "  %-52s %8.2f <= %-7s %-6s %s\n", goal_name[i], figure, \
        goal_limit[i], figure <= goal_limit[i] + 0 ? "met" : "MISSED", \
        best_peer == "" ? "" : "(" best_peer ")"
    return 1
}

END {
    if (works == 0) {
        print "nothing was measured"
        exit 1
    }
    for (key in count) {
        summarise(key)
    }
    take_loop_off()
    for (i = 1; i <= works; i++) {
        print_work(work_list[i])
    }
    print "\ngoals"
    for (i = 1; i <= goals; i++) {
        if (!print_goal(i)) {
            open++
            names = names "    " goal_name[i] "\n"
        }
    }
    if (open > 0) {
        print "  " open " goals were not measured in this run" (whole ? ":" : "")
        printf "%s", whole ? names : ""
    }
}
