# SPDX-License-Identifier: MIT
#
# report.awk - tables and goals from raw figures.
#
# usage: awk [-v whole=bench|traces] -f goals.awk -f ratios.awk -f report.awk
#            goals raw
# whole: all goals of such a run are to be there, and one that was not measured
# is an error.
#
# Per work: each peer's median over the rounds, the quartiles as its spread,
# and the ratio to the best peer of those that have a lock or threads of
# their own; the first ones listed below are yardsticks, not peers.

BEGIN {
    yardstick["loop"] = yardstick["call"] = yardstick["bump"] = 1
    unlocked["apr"] = unlocked["obstack"] = unlocked["pmr-monotonic"] = 1
    unlocked["pmr-unsync"] = 1
}

# The lowest median of the peers in list at a work; "" if none was measured.
# best_peer is its name.
function best_of(list, work,    n, i, name, best) {
    best = best_peer = ""
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
            peer_list[i] !~ /^mempool/) {
            list = list (list == "" ? "" : ",") peer_list[i]
        }
    }
    return list
}

function unit_of(work) {
    if (work ~ /^memory/) {
        return work ~ /-(idle|used)/ ? "bytes a pool" : "bytes a byte"
    } else if (work ~ /^instructions/) {
        return "instructions, the loop's own taken off"
    } else if (work ~ /^(pause-|memcheck-time)/) {
        return "ms"
    }
    return work == "memcheck-memory" ? "KiB" : "ns"
}

function print_work(work,    k, best, key) {
    printf "\n%-23s %9s  %-19s %9s   (%s)\n", work, "median", \
        "   quartiles", "of best", unit_of(work)
    best = best_of(all_peers(), work)
    for (k = 1; k <= peers; k++) {
        key = peer_list[k] SUBSEP work
        if (key in median) {
            printf "  %-24s %9.2f  %9.2f-%-9.2f %9s\n", peer_list[k], \
                median[key], low[key], high[key], \
                best == "" || best <= 0 || (peer_list[k] in yardstick) ? \
                    "-" : sprintf("%.2f", median[key] / best)
        }
    }
}

# The recorded programs: a line each, with all peers.
function print_traced(work,    i, k, any, key) {
    printf "\n%-23s", work
    for (k = 1; k <= peers; k++) {
        printf " %13s", substr(peer_list[k], 1, 13)
    }
    print work ~ /^memory/ ? "   (bytes a byte)" : "   (ns a step)"
    for (i = 1; i <= programs; i++) {
        any = ""
        for (k = 1; k <= peers; k++) {
            key = peer_list[k] SUBSEP work ":" program_list[i]
            any = any sprintf(" %13s", (key in median) ? \
                sprintf("%.2f", median[key]) : "-")
        }
        if (any ~ /[0-9]/) {
            printf "  %-21s%s\n", program_list[i], any
        }
    }
}

# Whether a goal belongs to this run.
function in_run(i,    of_traces) {
    of_traces = goal_work[i] ~ /^(mean|worst):/
    return whole == "" || of_traces == (whole == "traces")
}

function print_goal(i, figure) {
    if (goal_name[i] != last_name) {
        print "\n  " goal_name[i]
        last_name = goal_name[i]
    }
    printf "    %-24s %-22s %9.2f <= %-7s %-6s %s\n", goal_peer[i], \
        goal_work[i], figure, goal_limit[i], \
        figure <= goal_limit[i] ? "met" : "MISSED", \
        best_peer == "" ? "" : "(" best_peer ")"
}

# The goals that are missed by most.
function print_missed(    k, i, worst) {
    for (k = 1; k <= 12; k++) {
        worst = ""
        for (i in missed) {
            if (worst == "" || missed[i] > missed[worst]) {
                worst = i
            }
        }
        if (worst == "") {
            return
        }
        if (k == 1) {
            print "\n  missed by most:"
        }
        printf "    %-24s %-22s %9.2f times its limit\n", goal_peer[worst],
            goal_work[worst], missed[worst]
        delete missed[worst]
    }
}

function print_tables(    i, part) {
    for (i = 1; i <= works; i++) {
        if (work_list[i] !~ /:/) {
            print_work(work_list[i])
        } else {
            split(work_list[i], part, ":")
            if (!(part[1] in printed)) {
                printed[part[1]] = 1
                print_traced(part[1])
            }
        }
    }
}

function print_goals(    i, figure) {
    print "\ngoals"
    for (i = 1; i <= goals; i++) {
        figure = goal_figure(i)
        if (figure == "") {
            if (in_run(i)) {
                open++
                names = names "    " goal_peer[i] " " goal_work[i] "\n"
            }
            continue
        }
        print_goal(i, figure)
        shown++
        if (figure > goal_limit[i]) {
            missed[i] = figure / goal_limit[i]
            lost++
        }
    }
    print_missed()
    printf "\n  %d of %d goals are met\n", shown - lost, shown
    if (open > 0) {
        print "  " open " goals were not measured in this run" \
            (whole ? ":" : "")
        printf "%s", whole ? names : ""
    }
}

END {
    if (works == 0) {
        print "nothing was measured"
        exit 1
    }
    summarise_all()
    print_tables()
    print_goals()
    exit whole && open > 0
}
