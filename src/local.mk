# SPDX-License-Identifier: MIT
#
# src/local.mk - the library, and its rooms for the tests.

store_sources = \
	src/base/assert.c \
	src/base/assert.h \
	src/base/compiler.h \
	src/base/list.h \
	src/base/lock.c \
	src/base/lock.h \
	src/base/probe.h \
	src/base/result.h \
	src/base/sync.c \
	src/base/sync.h \
	src/base/tool.c \
	src/base/tool.h \
	src/base/treap.c \
	src/base/treap.h \
	src/store/backing.c \
	src/store/backing.h \
	src/store/block.h \
	src/store/blocks.c \
	src/store/blocks.h \
	src/store/extent.c \
	src/store/extent.h \
	src/store/heap.c \
	src/store/heap.h \
	src/store/heap_check.c \
	src/store/heap_index.c \
	src/store/heap_index.h \
	src/store/heap_links.c \
	src/store/heap_links.h \
	src/store/heap_merge.c \
	src/store/heap_parts.h \
	src/store/heap_resize.c \
	src/store/heap_run.c \
	src/store/heap_unused.c \
	src/store/heap_seal.c \
	src/store/heap_seal.h \
	src/store/heap_sweep.c \
	src/store/heap_tree.c \
	src/store/heap_tree.h \
	src/store/heap_type.h \
	src/store/outside.c \
	src/store/outside.h \
	src/store/quota.c \
	src/store/quota.h \
	src/store/quota_lend.c \
	src/store/quota_move.c \
	src/store/quota_parts.h \
	src/store/range.c \
	src/store/range.h \
	src/store/sizes.h \
	src/store/spans.c \
	src/store/spans.h
cache_sources = \
	src/cache/attach.c \
	src/cache/attach.h \
	src/cache/cache.c \
	src/cache/cache.h \
	src/cache/cache_check.c \
	src/cache/cache_check.h \
	src/cache/cache_set.c \
	src/cache/cache_type.h \
	src/cache/credit.c \
	src/cache/credit.h \
	src/cache/depot.c \
	src/cache/depot.h \
	src/cache/handle.c \
	src/cache/handle.h \
	src/cache/middle.c \
	src/cache/middle.h \
	src/cache/pause.c \
	src/cache/pause.h \
	src/cache/resize.c \
	src/cache/resize.h \
	src/cache/thread.c \
	src/cache/thread.h \
	src/cache/user.h \
	src/cache/window.c \
	src/cache/window.h
pool_sources = \
	src/pool/alloc.c \
	src/pool/alloc.h \
	src/pool/callers.c \
	src/pool/callers.h \
	src/pool/cleanup.c \
	src/pool/cleanup.h \
	src/pool/damage.c \
	src/pool/damage.h \
	src/pool/each.c \
	src/pool/each.h \
	src/pool/end.c \
	src/pool/end.h \
	src/pool/fence.c \
	src/pool/fence.h \
	src/pool/fork.c \
	src/pool/fork.h \
	src/pool/found.c \
	src/pool/found.h \
	src/pool/kind.c \
	src/pool/kind.h \
	src/pool/leaks.c \
	src/pool/leave.c \
	src/pool/leaks.h \
	src/pool/life.c \
	src/pool/life.h \
	src/pool/line.c \
	src/pool/line.h \
	src/pool/mark.c \
	src/pool/mark.h \
	src/pool/mode.c \
	src/pool/mode.h \
	src/pool/move.c \
	src/pool/move.h \
	src/pool/object.c \
	src/pool/object.h \
	src/pool/pool.c \
	src/pool/pool.h \
	src/pool/quiet.c \
	src/pool/quiet.h \
	src/pool/recall.c \
	src/pool/recall.h \
	src/pool/record.c \
	src/pool/record.h \
	src/pool/recycle.c \
	src/pool/recycle.h \
	src/pool/rejoin.c \
	src/pool/rejoin.h \
	src/pool/report.c \
	src/pool/report.h \
	src/pool/setting.c \
	src/pool/setting.h \
	src/pool/sweep.c \
	src/pool/sweep.h \
	src/pool/totals.c \
	src/pool/totals.h \
	src/pool/track.c \
	src/pool/track.h \
	src/pool/track_keep.c \
	src/pool/track_mark.c \
	src/pool/track_mark.h \
	src/pool/track_parts.h \
	src/pool/track_rewind.c \
	src/pool/track_view.c \
	src/pool/tree.c \
	src/pool/tree.h \
	src/pool/tree_stage.c \
	src/pool/tree_stage.h \
	src/pool/tree_type.h \
	src/pool/trim.c \
	src/pool/trim.h \
	src/pool/walk.c \
	src/pool/walk.h \
	src/view/check.c \
	src/view/check.h \
	src/view/final.c \
	src/view/final.h \
	src/view/locate.c \
	src/view/locate.h \
	src/view/metrics.c \
	src/view/metrics.h \
	src/view/objects.c \
	src/view/objects.h \
	src/view/picture.c \
	src/view/picture.h \
	src/view/picture_svg.c \
	src/view/picture_svg.h \
	src/view/picture_type.h \
	src/view/stats.c \
	src/view/stats.h \
	src/view/stats_print.c \
	src/view/stats_print.h \
	src/view/text.c \
	src/view/text.h \
	src/api/api.c \
	src/api/append.c \
	src/api/bulk.c \
	src/api/exports.c \
	src/api/fast.h \
	src/api/hooks.c \
	src/api/limits.c \
	src/api/misuse.c \
	src/api/misuse.h \
	src/api/objects.c \
	src/api/options.c \
	src/api/options.h \
	src/api/parents.c \
	src/api/slow.c \
	src/api/slow.h \
	src/api/strings.c \
	src/api/users.c \
	src/api/views.c

# One unit, which includes all of the others: see src/libmempool.c.
lib_LTLIBRARIES += libmempool.la
libmempool_la_SOURCES = src/libmempool.c
libmempool_la_CPPFLAGS = $(AM_CPPFLAGS)
libmempool_la_CFLAGS = $(AM_CFLAGS) $(VISIBILITY_CFLAGS) \
	$(EXCEPTIONS_CFLAGS)
libmempool_la_LDFLAGS = $(AM_LDFLAGS) -no-undefined \
	-version-info $(MP_VERSION_INFO)
libmempool_la_LIBADD = $(PTHREAD_LIBS)
EXTRA_libmempool_la_DEPENDENCIES =
EXTRA_DIST += src/README src/libmempool.map $(store_sources) \
	$(cache_sources) $(pool_sources)

if HAVE_VISIBILITY
libmempool_la_CPPFLAGS += -DMP_API='__attribute__((visibility("default")))'
endif

# A thread may end after the library was let go by dlclose(): the function
# that its key's destructor is has to stay.
# Where the linker takes no version script, the same names are exported,
# without versions.
if HAVE_VERSION_SCRIPT
libmempool_la_LDFLAGS += -Wl,--version-script=$(library_map) -Wl,-z,nodelete
EXTRA_libmempool_la_DEPENDENCIES += $(library_map)
else
libmempool_la_LDFLAGS += -export-symbols src/libmempool.sym
EXTRA_libmempool_la_DEPENDENCIES += src/libmempool.sym
endif

src/libmempool.sym: $(library_map)
	$(AM_V_GEN)$(SED) -n 's/^ *\([a-z_][a-z_0-9.]*\);.*/\1/p' \
		$(library_map) >$@.tmp && mv $@.tmp $@
CLEANFILES += src/libmempool.sym src/libmempool.sym.tmp

# An emulated thread-local variable is found by this symbol.
if HAVE_EMULATED_TLS
library_map = src/emulated.map
src/emulated.map: $(srcdir)/src/libmempool.map
	$(AM_V_GEN)$(SED) 's/^\( *\)\(mp_inline_thread_.*\)/\1__emutls_v.\2/' \
		$(srcdir)/src/libmempool.map >$@.tmp && mv $@.tmp $@
CLEANFILES += src/emulated.map src/emulated.map.tmp
else
library_map = $(srcdir)/src/libmempool.map
endif

# The same, file by file and with nothing hidden, for tests of inner rooms,
# which can refuse these the memory that they ask for: see tests/redirect.h.
# A test of a room links the floors up to that room, and so shows that the
# room needs no other.  Only ever archives, so libtool compiles each file once
# and not twice.
inner_cppflags = $(AM_CPPFLAGS) -include $(srcdir)/tests/redirect.h
check_LTLIBRARIES += libmempool-store.la libmempool-cache.la \
	libmempool-internal.la
libmempool_store_la_SOURCES = $(store_sources)
libmempool_store_la_CPPFLAGS = $(inner_cppflags)
libmempool_store_la_CFLAGS = $(AM_CFLAGS) -static
libmempool_store_la_LIBADD = $(PTHREAD_LIBS)
libmempool_cache_la_SOURCES = $(cache_sources)
libmempool_cache_la_CPPFLAGS = $(inner_cppflags)
libmempool_cache_la_CFLAGS = $(AM_CFLAGS) -static
libmempool_cache_la_LIBADD = libmempool-store.la
libmempool_internal_la_SOURCES = $(pool_sources)
libmempool_internal_la_CPPFLAGS = $(inner_cppflags)
libmempool_internal_la_CFLAGS = $(AM_CFLAGS) -static
libmempool_internal_la_LIBADD = libmempool-cache.la
