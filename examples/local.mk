# SPDX-License-Identifier: MIT
#
# examples/local.mk - the programs of this directory that are no page's
# example; those belong to man/local.mk.  All are built by `make`, run by the
# tests and installed as sources.

example_programs = \
	examples/basic \
	examples/functional \
	examples/httpd \
	examples/picture \
	examples/threads \
	examples/wordfreq

noinst_PROGRAMS += $(example_programs)
dist_examples_DATA += $(example_programs:=.c) \
	examples/httpd_answer.h examples/httpd_request.h \
	examples/httpd_server.h examples/wordfreq_index.h

# Only where configure found Lua 5.4; its test says so where it did not.
if HAVE_LUA
noinst_PROGRAMS += examples/luapool
endif
examples_luapool_CPPFLAGS = $(AM_CPPFLAGS) $(LUA_CFLAGS)
examples_luapool_LDADD = libmempool.la $(LUA_LIBS)
EXTRA_PROGRAMS += examples/luapool
dist_examples_DATA += examples/luapool.c examples/luapool.lua

example_tests = \
	tests/examples-basic.sh \
	tests/examples-functional.sh \
	tests/examples-httpd.sh \
	tests/examples-luapool-refuse.sh \
	tests/examples-luapool.sh \
	tests/examples-picture.sh \
	tests/examples-threads.sh \
	tests/examples-wordfreq-first.sh \
	tests/examples-wordfreq-names.sh \
	tests/examples-wordfreq-pool.sh \
	tests/examples-wordfreq-refuse.sh \
	tests/examples-wordfreq.sh

TESTS += $(example_tests)
EXTRA_DIST += $(example_tests) tests/examples-functional.expected \
	tests/wordfreq.awk tests/wordfreq.sh
