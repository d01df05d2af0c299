# SPDX-License-Identifier: MIT
#
# The manual pages, the programs that their examples come from, and what
# keeps both true.  A page of one .so line is an alias.

dist_man_MANS += \
	man/destroy_memory_pool.3 \
	man/free_all_memory.3 \
	man/free_memory.3 \
	man/init_memory_pool.3 \
	man/is_mp_ptr.3 \
	man/libmempool.7 \
	man/mp_allocate.3

man_examples = \
	examples/man_free_memory \
	examples/man_init_memory_pool \
	examples/man_is_mp_ptr \
	examples/man_libmempool \
	examples/man_mp_allocate

check_PROGRAMS += $(man_examples)
dist_examples_DATA += $(man_examples:=.c)

examples_man_free_memory_SOURCES = examples/man_free_memory.c
examples_man_free_memory_LDADD = libmempool.la
examples_man_init_memory_pool_SOURCES = examples/man_init_memory_pool.c
examples_man_init_memory_pool_LDADD = libmempool.la $(PTHREAD_LIBS)
examples_man_is_mp_ptr_SOURCES = examples/man_is_mp_ptr.c
examples_man_is_mp_ptr_LDADD = libmempool.la
examples_man_libmempool_SOURCES = examples/man_libmempool.c
examples_man_libmempool_LDADD = libmempool.la
examples_man_mp_allocate_SOURCES = examples/man_mp_allocate.c
examples_man_mp_allocate_LDADD = libmempool.la

# man-examples.sh runs the programs, so they are no tests of their own.
man_tests = \
	tests/man-cover.sh \
	tests/man-examples.sh \
	tests/man-lint.sh \
	tests/man-synopsis.sh

TESTS += $(man_tests)
EXTRA_DIST += $(man_tests)
