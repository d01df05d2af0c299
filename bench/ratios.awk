# SPDX-License-Identifier: MIT
#
# ratios.awk - medians of raw figures, and the figures of goals.
#
# For the awk program that is named after goals.awk and this; its arguments are
# the goals and then raw figures: round, peer, work, figure.  It calls
# summarise_all() at the end.
#
# A goal's figure is the median, over the rounds, of the ratio of two figures
# of one round; of several others the one beside which that is the highest
# counts.  bench/run.sh says why.  POSIX awk, hence the sort.

BEGIN { FS = "\t" }

FNR == NR {
    goal_line($0)
    next
}

{
    if (!($3 in work_seen)) {
        work_seen[$3] = 1
        work_list[++works] = $3
        if (split($3, part, ":") == 2) {
            if (!(part[2] in program_seen)) {
                program_seen[part[2]] = 1
                program_list[++programs] = part[2]
            }
            traced[part[1]] = 1
        }
    }
    if (!($2 in peer_seen)) {
        peer_seen[$2] = 1
        peer_list[++peers] = $2
    }
    key = $2 SUBSEP $3
    if (!(key in count)) {
        keys[++key_count] = key
    }
    value[key, ++count[key]] = $4
    at_round[key, $1] = $4
    rounds = $1 > rounds ? $1 : rounds
}

# Sorts list[key, 1] to list[key, n].
function sorted(list, key, n,    i, k, v) {
    for (i = 2; i <= n; i++) {
        v = list[key, i] + 0
        for (k = i - 1; k > 0 && list[key, k] + 0 > v; k--) {
            list[key, k + 1] = list[key, k]
        }
        list[key, k + 1] = v
    }
}

function quantile(list, key, n, q,    at, below) {
    at = 1 + (n - 1) * q
    below = int(at)
    if (below == n) {
        return list[key, n] + 0
    }
    return list[key, below] + \
        (at - below) * (list[key, below + 1] - list[key, below])
}

# The median, over the rounds, of the ratio to one other peer; "" if no round
# has both.
function ratio_to(peer, work, other, other_work,    r, m) {
    for (r = 1; r <= rounds; r++) {
        if (((peer, work, r) in at_round) &&
            at_round[other, other_work, r] > 0) {
            pairs["", ++m] = at_round[peer, work, r] / \
                at_round[other, other_work, r]
        }
    }
    if (m == 0) {
        return ""
    }
    sorted(pairs, "", m)
    return quantile(pairs, "", m, 0.5)
}

# The ratio to the best of the others, which is best_peer then; the median
# itself if there are none to be beside; "" if either side was not measured.
function ratio(peer, work, others, other_work,    n, i, r, name, worst) {
    best_peer = ""
    if (others == "-") {
        return ((peer, work) in median) ? median[peer, work] : ""
    }
    worst = ""
    n = split(others, name, ",")
    for (i = 1; i <= n; i++) {
        r = ratio_to(peer, work, name[i], other_work)
        if (r != "" && (worst == "" || r > worst)) {
            worst = r
            best_peer = name[i]
        }
    }
    return worst
}

# Over all recorded programs: the geometric mean, or the worst.
function over_programs(i, how, work,    k, r, sum, n, worst, at) {
    for (k = 1; k <= programs; k++) {
        r = ratio(goal_peer[i], work ":" program_list[k], goal_others[i],
            work ":" program_list[k])
        if (r != "" && r > 0) {
            sum += log(r)
            n++
            if (r > worst) {
                worst = r
                at = program_list[k]
            }
        }
    }
    if (n == 0) {
        return ""
    }
    best_peer = how == "mean" ? n " programs" : at
    return how == "mean" ? exp(sum / n) : worst
}

function goal_figure(i,    part) {
    if (split(goal_work[i], part, ":") == 2) {
        return over_programs(i, part[1], part[2])
    }
    return ratio(goal_peer[i], goal_work[i], goal_others[i],
        goal_other_work[i])
}

# Instructions: what the loop itself takes is in every peer's figure.
function take_loop_off(peer, work) {
    if (work ~ /^instructions-/ && peer != "loop" &&
        ((peer, work) in median) && (("loop", work) in median)) {
        median[peer, work] -= median["loop", work]
        low[peer, work] -= median["loop", work]
        high[peer, work] -= median["loop", work]
    }
}

function summarise_all(    i, k) {
    for (i = 1; i <= key_count; i++) {
        sorted(value, keys[i], count[keys[i]])
        median[keys[i]] = quantile(value, keys[i], count[keys[i]], 0.5)
        low[keys[i]] = quantile(value, keys[i], count[keys[i]], 0.25)
        high[keys[i]] = quantile(value, keys[i], count[keys[i]], 0.75)
    }
    for (i = 1; i <= works; i++) {
        for (k = 1; k <= peers; k++) {
            take_loop_off(peer_list[k], work_list[i])
        }
    }
}
