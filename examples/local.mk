# SPDX-License-Identifier: MIT
#
# examples/local.mk - the programs of this directory that are no page's
# example; those belong to man/local.mk.  All are built by `make`, run by the
# tests and installed as sources.

example_programs = \
	examples/basic \
	examples/functional \
	examples/threads \
	examples/wordfreq

noinst_PROGRAMS += $(example_programs)
dist_examples_DATA += $(example_programs:=.c)

examples_basic_SOURCES = examples/basic.c
examples_basic_LDADD = libmempool.la
examples_functional_SOURCES = examples/functional.c
examples_functional_LDADD = libmempool.la $(PTHREAD_LIBS)
examples_threads_SOURCES = examples/threads.c
examples_threads_LDADD = libmempool.la $(PTHREAD_LIBS)
examples_wordfreq_SOURCES = examples/wordfreq.c
examples_wordfreq_LDADD = libmempool.la

example_tests = \
	tests/examples-run.sh \
	tests/examples-wordfreq.sh

TESTS += $(example_tests)
EXTRA_DIST += $(example_tests)
