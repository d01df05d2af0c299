# SPDX-License-Identifier: MIT
#
# goals.awk - reads bench/goals, for the awk program that is named after it.
#
# A line of that file is one goal for each of its peers and works, and one more
# for the short way that is compiled in.  goal_line() adds them to goal_name[],
# goal_limit[], goal_peer[], goal_work[], goal_others[], which is "-" or peers
# with commas between them, and goal_other_work[]; goals counts them.

# What stands for a name that begins with "@".
function goal_names(text,    i, n, part, list) {
    n = split(text, part, ",")
    for (i = 1; i <= n; i++) {
        list = list (i > 1 ? "," : "") \
            (part[i] ~ /^@/ ? goal_set[part[i]] : part[i])
    }
    return list
}

function goal_add(name, limit, peer, work, others, other_work) {
    if (limit == "-") {
        return
    }
    goals++
    goal_name[goals] = name
    goal_limit[goals] = limit + 0
    goal_peer[goals] = peer
    goal_work[goals] = work
    goal_others[goals] = others
    goal_other_work[goals] = other_work == "" ? work : other_work
}

function goal_line(line,    field, ours, beside, peer, work, n, m, i, k) {
    if (line ~ /^@/) {
        split(line, field, / = /)
        goal_set[field[1]] = field[2]
    } else if (line !~ /^#/ && split(line, field, / *[|] */) == 5) {
        split(field[4], ours, / /)
        split(field[5], beside, / /)
        n = split(goal_names(ours[1]), peer, ",")
        m = split(ours[2], work, ",")
        for (k = 1; k <= m; k++) {
            for (i = 1; i <= n; i++) {
                goal_add(field[1], field[2], peer[i], work[k],
                    goal_names(beside[1]), beside[2])
                goal_add(field[1], field[3], peer[i] "-inline", work[k],
                    goal_names(beside[1]), beside[2])
            }
        }
    }
}
