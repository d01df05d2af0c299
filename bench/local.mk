# SPDX-License-Identifier: MIT
#
# bench/local.mk - the benchmarks: not part of "make" nor of "make check".
#
#   make bench                      everything, with the goals; minutes
#   make bench ONLY=lifo            one work, or several with commas
#   make bench PEERS=mempool,apr    some peers (those a goal needs too)
#   make bench ROUNDS=21            more rounds than the driver's own
#   make bench-base                 the base pool beside the plain one
#   make bench-traces               what real programs asked for, done again;
#                                   ONLY=lua,git some programs, TOUCH=1 writes
#                                   to every page of each object
#   make bench-pauses [MIB=1024]    how long calls on a large pool hold up
#                                   other threads
#   make bench-programs             builds what bench/run.sh runs
#   make figures                    measures what README and the guide show
#   make report                     keeps the medians of the last bench and
#                                   bench-traces in doc/report, for make html
#
# configure says which peers are there (m4/bench.m4); "./bootstrap --deps
# --bench" installs them where there are packages.

bench_own = bench/bench-loop bench/bench-bump bench/bench-locked \
	bench/bench-mempool-base bench/bench-mempool \
	bench/bench-mempool-handle bench/bench-mempool-inline \
	bench/bench-mempool-handle-inline \
	bench/bench-mempool-counted-inline bench/bench-pauses
bench_programs = $(bench_own) bench/bench-call $(BENCH_PROGRAMS)

bench_common = bench/measure.h bench/work.h bench/work_grow.h \
	bench/work_main.h bench/work_memory.h bench/work_mix.h \
	bench/work_replay.h bench/work_threads.h bench/work_trace.h \
	bench/record.h
bench_cppflags = $(AM_CPPFLAGS) -D_GNU_SOURCE

EXTRA_DIST += bench/tools.c bench/call.c bench/call_library.c bench/call_library.h \
	bench/pmr.cc bench/goals bench/goals.awk bench/cells.awk \
	bench/ratios.awk bench/report.awk bench/record.c
dist_noinst_SCRIPTS += bench/run.sh bench/traces.sh bench/figures.sh \
	bench/tools.sh
EXTRA_DIST += tests/bench.sh
TESTS += tests/bench.sh
EXTRA_DIST += bench/figures.awk bench/keep.awk doc/figures doc/report

EXTRA_PROGRAMS += $(bench_own) bench/bench-glibc bench/bench-jemalloc \
	bench/bench-arena bench/bench-mimalloc bench/bench-tcmalloc \
	bench/bench-apr bench/bench-slice bench/bench-obstack \
	bench/bench-talloc
CLEANFILES += $(EXTRA_PROGRAMS) bench/bench-pmr-pool \
	bench/bench-pmr-monotonic bench/bench-pmr-new bench/bench-pmr-unsync \
	bench/bench-mempool-pmr bench/bench.raw bench/traces.raw \
	bench/record.so \
	bench/bench-call bench/bench-call.so

bench_bench_loop_SOURCES = bench/loop.c $(bench_common)
bench_bench_loop_CPPFLAGS = $(bench_cppflags)
bench_bench_loop_LDADD = $(PTHREAD_LIBS)

bench_bench_bump_SOURCES = bench/bump.c
bench_bench_bump_CPPFLAGS = $(bench_cppflags)
bench_bench_bump_LDADD = $(PTHREAD_LIBS)

bench_bench_locked_SOURCES = bench/locked.c
bench_bench_locked_CPPFLAGS = $(bench_cppflags)
bench_bench_locked_LDADD = $(PTHREAD_LIBS)

bench_bench_pauses_SOURCES = bench/pauses.c
bench_bench_pauses_CPPFLAGS = $(bench_cppflags)

# Linked to the shared library in its place in the build tree, without the
# script that libtool puts before a program: valgrind must see the program.
bench_bench_mempool_base_SOURCES = bench/mempool.c bench/mempool_kind.h
bench_bench_mempool_base_CPPFLAGS = $(bench_cppflags) -DMEMPOOL_BASE
bench_bench_mempool_base_LDFLAGS = $(AM_LDFLAGS) -no-install

bench_bench_mempool_SOURCES = bench/mempool.c bench/mempool_kind.h
bench_bench_mempool_CPPFLAGS = $(bench_cppflags)
bench_bench_mempool_LDFLAGS = $(AM_LDFLAGS) -no-install

bench_bench_mempool_handle_SOURCES = bench/mempool.c bench/mempool_kind.h
bench_bench_mempool_handle_CPPFLAGS = $(bench_cppflags) -DMEMPOOL_HANDLE
bench_bench_mempool_handle_LDFLAGS = $(AM_LDFLAGS) -no-install

bench_bench_mempool_inline_SOURCES = bench/mempool.c bench/mempool_kind.h
bench_bench_mempool_inline_CPPFLAGS = $(bench_cppflags) -DMEMPOOL_INLINE
bench_bench_mempool_inline_LDFLAGS = $(AM_LDFLAGS) -no-install

# For pools that count to the byte, whose way is compiled in on demand.
bench_bench_mempool_counted_inline_SOURCES = $(bench_bench_mempool_inline_SOURCES)
bench_bench_mempool_counted_inline_CPPFLAGS = \
	$(bench_bench_mempool_inline_CPPFLAGS) -DMEMPOOL_COUNTED
bench_bench_mempool_counted_inline_LDFLAGS = $(AM_LDFLAGS) -no-install

bench_bench_mempool_handle_inline_SOURCES = bench/mempool.c bench/mempool_kind.h
bench_bench_mempool_handle_inline_CPPFLAGS = $(bench_cppflags) \
	-DMEMPOOL_HANDLE -DMEMPOOL_INLINE
bench_bench_mempool_handle_inline_LDFLAGS = $(AM_LDFLAGS) -no-install

# One source, four mallocs.
bench_bench_glibc_SOURCES = bench/malloc.c
bench_bench_glibc_CPPFLAGS = $(bench_cppflags) \
	-DMALLOC_NAME='"glibc"' -DMALLOC_FILE='"/libc."'
bench_bench_glibc_CFLAGS = $(AM_CFLAGS) -fno-builtin
bench_bench_glibc_LDADD = $(PTHREAD_LIBS)

bench_bench_jemalloc_SOURCES = bench/malloc.c
bench_bench_jemalloc_CPPFLAGS = $(bench_cppflags) \
	-DMALLOC_NAME='"jemalloc"' -DMALLOC_FILE='"/libjemalloc"'
bench_bench_jemalloc_CFLAGS = $(AM_CFLAGS) -fno-builtin
bench_bench_jemalloc_LDADD = $(BENCH_JEMALLOC_LIBS) $(PTHREAD_LIBS)

bench_bench_mimalloc_SOURCES = bench/malloc.c
bench_bench_mimalloc_CPPFLAGS = $(bench_cppflags) \
	-DMALLOC_NAME='"mimalloc"' -DMALLOC_FILE='"/libmimalloc"'
bench_bench_mimalloc_CFLAGS = $(AM_CFLAGS) -fno-builtin
bench_bench_mimalloc_LDADD = $(BENCH_MIMALLOC_LIBS) $(PTHREAD_LIBS)

bench_bench_tcmalloc_SOURCES = bench/malloc.c
bench_bench_tcmalloc_CPPFLAGS = $(bench_cppflags) \
	-DMALLOC_NAME='"tcmalloc"' -DMALLOC_FILE='"/libtcmalloc"'
bench_bench_tcmalloc_CFLAGS = $(AM_CFLAGS) -fno-builtin
bench_bench_tcmalloc_LDADD = $(BENCH_TCMALLOC_LIBS) $(PTHREAD_LIBS)

bench_bench_arena_SOURCES = bench/arena.c
bench_bench_arena_CPPFLAGS = $(bench_cppflags) $(BENCH_JEMALLOC_CFLAGS)
bench_bench_arena_LDADD = $(BENCH_JEMALLOC_LIBS) $(PTHREAD_LIBS)

bench_bench_apr_SOURCES = bench/apr.c
bench_bench_apr_CPPFLAGS = $(bench_cppflags) $(BENCH_APR_CFLAGS)
bench_bench_apr_LDADD = $(BENCH_APR_LIBS) $(PTHREAD_LIBS)

bench_bench_slice_SOURCES = bench/slice.c
bench_bench_slice_CPPFLAGS = $(bench_cppflags) $(BENCH_GLIB_CFLAGS)
bench_bench_slice_LDADD = $(BENCH_GLIB_LIBS) $(PTHREAD_LIBS)

bench_bench_obstack_SOURCES = bench/obstack.c
bench_bench_obstack_CPPFLAGS = $(bench_cppflags)
bench_bench_obstack_LDADD = $(PTHREAD_LIBS)

bench_bench_talloc_SOURCES = bench/talloc.c
bench_bench_talloc_CPPFLAGS = $(bench_cppflags) $(BENCH_TALLOC_CFLAGS)
bench_bench_talloc_LDADD = $(BENCH_TALLOC_LIBS) $(PTHREAD_LIBS)

# The build has no C++ of its own, hence rules in full.
bench_cxx = $(CXX) -std=c++17 -O2 -pthread

bench/bench-pmr-pool: bench/pmr.cc $(bench_common) bench/$(am__dirstamp)
	$(AM_V_GEN)$(bench_cxx) -o $@ $(top_srcdir)/bench/pmr.cc

bench/bench-pmr-monotonic: bench/pmr.cc $(bench_common) bench/$(am__dirstamp)
	$(AM_V_GEN)$(bench_cxx) -DPMR_MONOTONIC -o $@ $(top_srcdir)/bench/pmr.cc

bench/bench-pmr-new: bench/pmr.cc $(bench_common) bench/$(am__dirstamp)
	$(AM_V_GEN)$(bench_cxx) -DPMR_NEW -o $@ $(top_srcdir)/bench/pmr.cc

bench/bench-pmr-unsync: bench/pmr.cc $(bench_common) bench/$(am__dirstamp)
	$(AM_V_GEN)$(bench_cxx) -DPMR_UNSYNC -o $@ $(top_srcdir)/bench/pmr.cc

# The library is found where it was built.
bench/bench-mempool-pmr: bench/pmr.cc $(bench_common) libmempool.la \
		include/memory_pool.hpp bench/$(am__dirstamp)
	$(AM_V_GEN)$(bench_cxx) -DPMR_MEMPOOL -I$(top_builddir)/include \
	  -I$(top_srcdir)/include -o $@ $(top_srcdir)/bench/pmr.cc \
	  -L.libs -lmempool -Wl,-rpath,$(abs_top_builddir)/.libs

bench_run = AWK='$(AWK)' $(SHELL) $(top_srcdir)/bench/run.sh \
	-b bench -o bench/bench.raw \
	$${PEERS:+-p "$$PEERS"} $${ROUNDS:+-r "$$ROUNDS"}

bench-programs: $(bench_programs)

bench: bench-programs
	@PEERS='$(PEERS)' ROUNDS='$(ROUNDS)' ONLY='$(ONLY)'; \
	$(bench_run) $${ONLY:+-w "$$ONLY"}

bench-base: bench-programs
	@PEERS='$(PEERS)' ROUNDS='$(ROUNDS)'; \
	$(bench_run) -w base,base-idle,base-threads-2,base-threads-4,life

bench-pauses: bench/bench-pauses
	@MIB='$(MIB)'; bench/bench-pauses "$${MIB:-1024}" $(ROUNDS)

# What pools cost under tools that check.
bench-tools: libmempool.la
	@$(if $(TOOLS),TOOLS='$(TOOLS)') CC='$(CC)' PTHREAD_FLAGS='$(PTHREAD_CFLAGS) $(PTHREAD_LIBS)' \
	top_srcdir='$(top_srcdir)' top_builddir='$(top_builddir)' \
	$(SHELL) $(top_srcdir)/bench/tools.sh

# A shared library of the benchmark's own, beside the program that calls it.
bench/bench-call.so: bench/call_library.c bench/call_library.h \
		bench/$(am__dirstamp)
	$(AM_V_GEN)$(CC) -O2 -fPIC -shared -Wl,-soname,bench-call.so -o $@ \
	  $(top_srcdir)/bench/call_library.c

bench/bench-call: bench/call.c bench/bench-call.so $(bench_common)
	$(AM_V_GEN)$(CC) $(C11_CFLAGS) $(bench_cppflags) -O2 -o $@ \
	  $(top_srcdir)/bench/call.c bench/bench-call.so \
	  -Wl,-rpath,'$$ORIGIN' $(PTHREAD_CFLAGS) $(PTHREAD_LIBS)

# Preloaded into programs, so built as they expect it, whatever the library's
# own flags; only where there is glibc.
bench/record.so: bench/record.c bench/record.h bench/$(am__dirstamp)
	$(AM_V_GEN)$(CC) -O2 -fPIC -shared -pthread -o $@ \
	  $(top_srcdir)/bench/record.c

bench-traces: bench-programs bench/record.so
	@PEERS='$(PEERS)' ROUNDS='$(ROUNDS)' ONLY='$(ONLY)' TOUCH='$(TOUCH)' \
	AWK='$(AWK)' CC='$(CC)' \
	CPPFLAGS='$(AM_CPPFLAGS)' top_srcdir='$(top_srcdir)' \
	$(SHELL) $(top_srcdir)/bench/traces.sh

# Writes into the source: doc/figures, and the tables that show them.
figures: bench-programs
	AWK='$(AWK)' ROUNDS='$(ROUNDS)' $(SHELL) \
	  $(top_srcdir)/bench/figures.sh -m $(top_srcdir) bench

report:
	@test -f bench/bench.raw || \
	  { echo 'make bench comes first, and make bench-traces'; exit 1; }
	traces=$$(ls bench/traces.raw 2>/dev/null); \
	$(AWK) -f $(top_srcdir)/bench/goals.awk \
	  -f $(top_srcdir)/bench/ratios.awk -f $(top_srcdir)/bench/keep.awk \
	  $(top_srcdir)/bench/goals bench/bench.raw $$traces >bench/report.new
	mv bench/report.new $(top_srcdir)/doc/report

.PHONY: bench bench-base bench-pauses bench-programs bench-tools bench-traces \
	figures report
