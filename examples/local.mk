# SPDX-License-Identifier: MIT
#
# examples/local.mk - the programs of this directory that are no page's
# example; those belong to man/local.mk.  All are run by the tests and
# installed as sources; all but httpd, which is long, are built by `make`.

example_programs = \
	examples/basic \
	examples/functional \
	examples/picture \
	examples/threads \
	examples/wordfreq

noinst_PROGRAMS += $(example_programs)
dist_examples_DATA += $(example_programs:=.c) \
	examples/httpd.c examples/wordfreq_index.h

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

# One for each library that memory_pool_hooks.h has a table for.  The test
# builds those whose libraries are there.
hooks_examples = \
	examples/hooks/cjson.c \
	examples/hooks/curl.c \
	examples/hooks/expat.c \
	examples/hooks/gmp.c \
	examples/hooks/jansson.c \
	examples/hooks/libuv.c \
	examples/hooks/libxml2.c \
	examples/hooks/lua.c \
	examples/hooks/nghttp2.c \
	examples/hooks/openssl.c \
	examples/hooks/pcre2.c \
	examples/hooks/sqlite.c \
	examples/hooks/zlib.c \
	examples/hooks/zstd.c

hooksdir = $(examplesdir)/hooks
dist_hooks_DATA = $(hooks_examples)
TESTS += tests/hooks.sh
EXTRA_DIST += tests/hooks.sh

# Built on request, and for its tests, which are clients in C, where configure
# found libmicrohttpd; the tests say so where it did not.
examples_httpd_CPPFLAGS = $(AM_CPPFLAGS) $(MICROHTTPD_CFLAGS)
examples_httpd_LDADD = libmempool.la $(MICROHTTPD_LIBS) $(PTHREAD_LIBS)
EXTRA_PROGRAMS += examples/httpd
if HAVE_CHECK
check_LIBRARIES += tests/libhttp.a
tests_libhttp_a_SOURCES = tests/http.c tests/http.h
tests_libhttp_a_CPPFLAGS = $(AM_CPPFLAGS) \
	-DHTTP_PROGRAM='"$(abs_top_builddir)/examples/httpd"'

if HAVE_MICROHTTPD
check_PROGRAMS += examples/httpd
endif
httpd_tests = tests/check_httpd tests/check_httpd_load
check_PROGRAMS += $(httpd_tests)
TESTS += $(httpd_tests)
tests_check_httpd_LDADD = tests/libhttp.a $(tests_shared)
tests_check_httpd_load_LDADD = tests/libhttp.a $(tests_shared)
endif
