# SPDX-License-Identifier: MIT
#
# cells.awk - what a run measures: a line for each work, with its peers.
#
# usage: awk -v shown=WORKS -v general=PEERS [-v works=WORKS] [-v peers=PEERS]
#            [-v traces=1] -f goals.awk -f cells.awk goals
#
# A run measures what a goal needs, and the shown works of the general peers.
# works and peers select; a work that is selected and that no goal has is
# measured with all general peers.  traces: the works are those of recorded
# programs, each for the peers of the goals for such works.
#
# The works of bench-pauses come from one run of it, hence one work "pauses".

BEGIN {
    n = split(works, list, " ")
    for (i = 1; i <= n; i++) {
        work_wanted[list[i]] = 1
    }
    n = split(peers, list, " ")
    for (i = 1; i <= n; i++) {
        peer_wanted[list[i]] = 1
    }
}

{ goal_line($0) }

function cell(peer, work) {
    if ((peer, work) in seen || (peers != "" && !(peer in peer_wanted)) ||
        (works != "" && !(work in work_wanted))) {
        return
    }
    seen[peer, work] = 1
    if (!(work in line)) {
        work_list[++work_count] = work
    }
    line[work] = line[work] " " peer
}

function cells(peer_text, separator, work,    i, n, list) {
    n = split(peer_text, list, separator)
    for (i = 1; i <= n; i++) {
        cell(list[i], work)
    }
}

# A goal's own peer, the others, and the loop that is taken off instructions.
function goal_cells(i, work, other_work) {
    if (work ~ /^instructions/) {
        cell("loop", work)
    }
    cell(goal_peer[i], work)
    if (goal_others[i] != "-") {
        cells(goal_others[i], ",", other_work)
    }
}

END {
    n = split(traces ? works : shown " " works, list, " ")
    for (k = 1; k <= n; k++) {
        if (!traces) {
            cells(general, " ", list[k])
        } else if (peers != "") {
            cells(peers, " ", list[k])
        }
        for (i = 1; i <= goals; i++) {
            if (goal_work[i] ~ /^(mean|worst):/) {
                kind = substr(list[k], 1, index(list[k], ":") - 1)
                if (traces && substr(goal_work[i],
                                     index(goal_work[i], ":") + 1) == kind) {
                    goal_cells(i, list[k], list[k])
                }
            }
        }
    }
    for (i = 1; i <= goals && !traces; i++) {
        if (goal_work[i] ~ /^pause-/) {
            cell(goal_peer[i], "pauses")
        } else if (goal_work[i] !~ /^(mean|worst):/) {
            goal_cells(i, goal_work[i], goal_other_work[i])
        }
    }
    for (k = 1; k <= work_count; k++) {
        print work_list[k] line[work_list[k]]
    }
}
