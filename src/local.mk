# SPDX-License-Identifier: MIT
#
# src/local.mk - the library.

mempool_sources = \
	src/base/lock.c \
	src/base/lock.h \
	src/base/private.h \
	src/base/sync.c \
	src/base/sync.h \
	src/store/backing.c \
	src/store/backing.h \
	src/store/block.h \
	src/store/blocks.c \
	src/store/blocks.h \
	src/store/heap.c \
	src/store/heap.h \
	src/store/range.c \
	src/store/range.h \
	src/cache/cache.c \
	src/cache/cache.h \
	src/cache/handle.c \
	src/cache/handle.h \
	src/cache/thread.c \
	src/cache/thread.h \
	src/pool/fork.c \
	src/pool/mark.c \
	src/pool/mark.h \
	src/pool/object.c \
	src/pool/object.h \
	src/pool/pool.c \
	src/pool/pool.h \
	src/pool/recycle.c \
	src/pool/recycle.h \
	src/pool/report.c \
	src/pool/report.h \
	src/pool/tree.c \
	src/pool/tree.h \
	src/pool/walk.c \
	src/pool/walk.h \
	src/view/check.c \
	src/view/check.h \
	src/view/picture.c \
	src/view/picture.h \
	src/view/stats.c \
	src/view/stats.h \
	src/view/text.c \
	src/view/text.h \
	src/api/api.c \
	src/api/options.c \
	src/api/options.h \
	src/api/strings.c

lib_LTLIBRARIES += libmempool.la
libmempool_la_SOURCES = $(mempool_sources)
libmempool_la_CPPFLAGS = $(AM_CPPFLAGS)
libmempool_la_CFLAGS = $(AM_CFLAGS) $(VISIBILITY_CFLAGS)
libmempool_la_LDFLAGS = $(AM_LDFLAGS) -no-undefined \
	-version-info $(MP_VERSION_INFO)
libmempool_la_LIBADD = $(PTHREAD_LIBS)
EXTRA_libmempool_la_DEPENDENCIES = $(srcdir)/src/libmempool.map
EXTRA_DIST += src/libmempool.map

if HAVE_VISIBILITY
libmempool_la_CPPFLAGS += -DMP_API='__attribute__((visibility("default")))'
endif

# A thread may end after the library was let go by dlclose(): the function
# that its key's destructor is has to stay.
# Where the linker takes no version script, the same names are exported,
# without versions.
if HAVE_VERSION_SCRIPT
libmempool_la_LDFLAGS += \
	-Wl,--version-script=$(srcdir)/src/libmempool.map \
	-Wl,-z,nodelete
else
libmempool_la_LDFLAGS += -export-symbols src/libmempool.sym
EXTRA_libmempool_la_DEPENDENCIES += src/libmempool.sym
endif

src/libmempool.sym: $(srcdir)/src/libmempool.map
	$(AM_V_GEN)$(SED) -n 's/^ *\([a-z_][a-z_0-9]*\);.*/\1/p' \
		$(srcdir)/src/libmempool.map >$@.tmp && mv $@.tmp $@
CLEANFILES += src/libmempool.sym src/libmempool.sym.tmp

# The same sources with nothing hidden, for tests of inner functions; only
# ever linked as an archive, so libtool compiles each source once and not
# twice.
check_LTLIBRARIES += libmempool-internal.la
libmempool_internal_la_SOURCES = $(mempool_sources)
libmempool_internal_la_CPPFLAGS = $(AM_CPPFLAGS)
libmempool_internal_la_CFLAGS = $(AM_CFLAGS) -static
libmempool_internal_la_LIBADD = $(PTHREAD_LIBS)
