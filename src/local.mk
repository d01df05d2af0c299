# SPDX-License-Identifier: MIT
#
# src/local.mk - the library.

mempool_sources = \
	src/api.c \
	src/backing.c \
	src/backing.h \
	src/block.h \
	src/cache.c \
	src/cache.h \
	src/fork.c \
	src/handle.c \
	src/handle.h \
	src/heap.c \
	src/heap.h \
	src/inspect.c \
	src/inspect.h \
	src/lock.c \
	src/lock.h \
	src/object.c \
	src/object.h \
	src/options.c \
	src/options.h \
	src/picture.c \
	src/picture.h \
	src/pool.c \
	src/pool.h \
	src/private.h \
	src/range.c \
	src/range.h \
	src/report.c \
	src/report.h \
	src/scope.c \
	src/scope.h \
	src/stats.c \
	src/stats.h \
	src/strings.c \
	src/supply.c \
	src/supply.h \
	src/sync.c \
	src/sync.h \
	src/text.c \
	src/text.h \
	src/thread.c \
	src/thread.h \
	src/tree.c \
	src/tree.h \
	src/walk.c \
	src/walk.h

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

# The same sources with nothing hidden, for tests of inner functions; made for
# the tests alone.
check_LTLIBRARIES += libmempool-internal.la
libmempool_internal_la_SOURCES = $(mempool_sources)
libmempool_internal_la_CPPFLAGS = $(AM_CPPFLAGS)
libmempool_internal_la_LIBADD = $(PTHREAD_LIBS)
