/* SPDX-License-Identifier: MIT
 *
 * libmempool.c - the library as one unit.
 *
 * Every inner function is static here, so neither the shared library nor the
 * archive shows a name that is not public, and a debugger and a profiler know
 * each function by the name that it has in its file.  The order is that of
 * the floors, lowest first.
 *
 * What it cannot do: show a call from a lower floor to an upper one.  Tests
 * compile each file separately, too, and tests/layers.sh reads those objects.
 */
#define MP_ONE_UNIT
#define MP_DECLARATIONS_ONLY /* all that is public is defined here */

/* What systems declare beyond C when a compiler is told -std=c11. */
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE
#endif
#ifndef _DARWIN_C_SOURCE
#define _DARWIN_C_SOURCE
#endif
#ifndef _NETBSD_SOURCE
#define _NETBSD_SOURCE
#endif
#ifndef __EXTENSIONS__
#define __EXTENSIONS__
#endif

#include "base/assert.c"
#include "base/lock.c"
#include "base/sync.c"
#include "base/tool.c"
#include "base/treap.c"

#include "store/backing.c"
#include "store/outside.c"
#include "store/blocks.c"
#include "store/heap_seal.c"
#include "store/heap_index.c"
#include "store/heap_tree.c"
#include "store/heap_links.c"
#include "store/heap_check.c"
#include "store/heap.c"
#include "store/heap_merge.c"
#include "store/heap_resize.c"
#include "store/heap_run.c"
#include "store/heap_sweep.c"
#include "store/heap_unused.c"
#include "store/quota.c"
#include "store/quota_lend.c"
#include "store/quota_move.c"
#include "store/extent.c"
#include "store/spans.c"
#include "store/range.c"

#include "cache/attach.c"
#include "cache/cache.c"
#include "cache/cache_check.c"
#include "cache/cache_set.c"
#include "cache/credit.c"
#include "cache/depot.c"
#include "cache/handle.c"
#include "cache/middle.c"
#include "cache/pause.c"
#include "cache/resize.c"
#include "cache/thread.c"
#include "cache/window.c"

#include "pool/alloc.c"
#include "pool/callers.c"
#include "pool/cleanup.c"
#include "pool/damage.c"
#include "pool/each.c"
#include "pool/end.c"
#include "pool/fence.c"
#include "pool/fork.c"
#include "pool/found.c"
#include "pool/kind.c"
#include "pool/leaks.c"
#include "pool/leave.c"
#include "pool/life.c"
#include "pool/line.c"
#include "pool/mark.c"
#include "pool/mode.c"
#include "pool/move.c"
#include "pool/object.c"
#include "pool/pool.c"
#include "pool/quiet.c"
#include "pool/recall.c"
#include "pool/record.c"
#include "pool/recycle.c"
#include "pool/rejoin.c"
#include "pool/report.c"
#include "pool/setting.c"
#include "pool/sweep.c"
#include "pool/totals.c"
#include "pool/track.c"
#include "pool/track_keep.c"
#include "pool/track_mark.c"
#include "pool/track_rewind.c"
#include "pool/track_view.c"
#include "pool/tree.c"
#include "pool/tree_stage.c"
#include "pool/trim.c"
#include "pool/walk.c"

#include "view/check.c"
#include "view/final.c"
#include "view/locate.c"
#include "view/metrics.c"
#include "view/objects.c"
#include "view/picture.c"
#include "view/picture_svg.c"
#include "view/stats.c"
#include "view/stats_print.c"
#include "view/text.c"

#include "api/api.c"
#include "api/append.c"
#include "api/bulk.c"
#include "api/exports.c"
#include "api/hooks.c"
#include "api/limits.c"
#include "api/misuse.c"
#include "api/objects.c"
#include "api/options.c"
#include "api/parents.c"
#include "api/slow.c"
#include "api/strings.c"
#include "api/users.c"
#include "api/views.c"
