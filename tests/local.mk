# SPDX-License-Identifier: MIT
#
# tests/local.mk - the test programs.  The check_*.c ones need Check; each
# runs with its own pools, so they may run side by side.

tests_support = tests/support.c tests/support.h tests/shadow.c
tests_cflags = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_libs = $(CHECK_LIBS) $(PTHREAD_LIBS)

if HAVE_CHECK
tests_programs = tests/check_capacity tests/check_misuse \
	tests/check_threads tests/check_memory
check_PROGRAMS += $(tests_programs)
TESTS += $(tests_programs)

tests_check_capacity_SOURCES = tests/check_capacity.c $(tests_support)
tests_check_capacity_CFLAGS = $(tests_cflags)
tests_check_capacity_LDADD = libmempool.la $(tests_libs)

tests_check_misuse_SOURCES = tests/check_misuse.c $(tests_support)
tests_check_misuse_CFLAGS = $(tests_cflags)
tests_check_misuse_LDADD = libmempool.la $(tests_libs)

tests_check_threads_SOURCES = tests/check_threads.c $(tests_support)
tests_check_threads_CFLAGS = $(tests_cflags)
tests_check_threads_LDADD = libmempool.la $(tests_libs)

# Linked statically, so that the library's requests for memory go through
# the test's own functions.
tests_wrap = -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc \
	-Wl,--wrap=aligned_alloc -Wl,--wrap=posix_memalign -Wl,--wrap=free \
	-Wl,--wrap=mmap -Wl,--wrap=munmap -Wl,--wrap=pthread_mutex_init
tests_check_memory_SOURCES = tests/check_memory.c $(tests_support)
tests_check_memory_CFLAGS = $(tests_cflags)
tests_check_memory_LDFLAGS = $(AM_LDFLAGS) $(tests_wrap)
tests_check_memory_LDADD = libmempool-internal.la $(tests_libs)
endif

if HAVE_CXX
check_PROGRAMS += tests/check_cxx
TESTS += tests/check_cxx
tests_check_cxx_SOURCES = tests/check_cxx.cc
tests_check_cxx_LDADD = libmempool.la $(PTHREAD_LIBS)
endif
