# SPDX-License-Identifier: MIT
#
# MP_BENCH_PEERS: which allocators the benchmarks can be run beside.
#
# Looked for without pkg.m4, so that the macro stands alone; each is a header
# and a link, none is needed, and nothing of it reaches the library.  The driver
# names what is missing; BENCH_PROGRAMS lists the programs of the peers that
# are there.

# MP_BENCH_PEER(VARIABLE, pkg-config name or empty, default flags, default
#               libraries, peers, program text)
AC_DEFUN([MP_BENCH_PEER], [
  AC_MSG_CHECKING([for $5 to benchmark beside])
  BENCH_$1_CFLAGS="$3"
  BENCH_$1_LIBS="$4"
  m4_ifval([$2], [
  if ${PKG_CONFIG-pkg-config} --exists $2 2>/dev/null; then
    BENCH_$1_CFLAGS=`${PKG_CONFIG-pkg-config} --cflags $2`
    BENCH_$1_LIBS=`${PKG_CONFIG-pkg-config} --libs $2`
  fi
  ])
  mp_bench_cppflags=$CPPFLAGS
  mp_bench_libs=$LIBS
  CPPFLAGS="$CPPFLAGS $BENCH_$1_CFLAGS"
  LIBS="$BENCH_$1_LIBS $LIBS"
  AC_LINK_IFELSE([AC_LANG_SOURCE([$6])], [
    mp_bench_found=yes
    for mp_bench_peer in $5; do
      BENCH_PROGRAMS="$BENCH_PROGRAMS bench/bench-$mp_bench_peer"
    done
  ], [mp_bench_found=no])
  CPPFLAGS=$mp_bench_cppflags
  LIBS=$mp_bench_libs
  AC_MSG_RESULT([$mp_bench_found])
  AC_SUBST([BENCH_$1_CFLAGS])
  AC_SUBST([BENCH_$1_LIBS])
])

# C++ is not otherwise part of the build, so this asks the compiler itself.
AC_DEFUN([MP_BENCH_PMR], [
  AC_MSG_CHECKING([for std::pmr to benchmark beside])
  cat >conftest.cc <<_MP_EOF
#include <memory_resource>
int main() { std::pmr::synchronized_pool_resource r; r.release(); }
_MP_EOF
  if test -n "$CXX" &&
     $CXX -std=c++17 -o conftest$EXEEXT conftest.cc -pthread \
       >&AS_MESSAGE_LOG_FD 2>&1; then
    BENCH_PROGRAMS="$BENCH_PROGRAMS bench/bench-pmr-pool"
    BENCH_PROGRAMS="$BENCH_PROGRAMS bench/bench-pmr-monotonic"
    BENCH_PROGRAMS="$BENCH_PROGRAMS bench/bench-pmr-new"
    BENCH_PROGRAMS="$BENCH_PROGRAMS bench/bench-pmr-unsync"
    BENCH_PROGRAMS="$BENCH_PROGRAMS bench/bench-mempool-pmr"
    AC_MSG_RESULT([yes])
  else
    AC_MSG_RESULT([no])
  fi
  rm -f conftest.cc conftest$EXEEXT
])

AC_DEFUN([MP_BENCH_PEERS], [
  BENCH_PROGRAMS=
  MP_BENCH_PEER([GLIBC], [], [], [], [glibc], [
#include <stdlib.h>
#ifndef __GLIBC__
#error
#endif
int main(void) { return 0; }])
  MP_BENCH_PEER([JEMALLOC], [jemalloc], [], [-ljemalloc], [jemalloc arena], [
#include <jemalloc/jemalloc.h>
int main(void) { return mallocx(8, 0) == 0; }])
  MP_BENCH_PEER([MIMALLOC], [], [], [-lmimalloc], [mimalloc], [
char mi_malloc(void);
int main(void) { return mi_malloc(); }])
  MP_BENCH_PEER([TCMALLOC], [], [], [-ltcmalloc_minimal], [tcmalloc], [
char tc_malloc(void);
int main(void) { return tc_malloc(); }])
  MP_BENCH_PEER([APR], [apr-1], [], [-lapr-1], [apr], [
#include <apr_pools.h>
int main(void) { return apr_palloc(0, 8) == 0; }])
  MP_BENCH_PEER([GLIB], [glib-2.0], [], [-lglib-2.0], [slice], [
#include <glib.h>
int main(void) { return g_slice_alloc(8) == 0; }])
  MP_BENCH_PEER([OBSTACK], [], [], [], [obstack], [
#include <obstack.h>
int main(void) { struct obstack o; return obstack_object_size(&o) != 0 ||
                 _obstack_begin == 0; }])
  MP_BENCH_PEER([TALLOC], [talloc], [], [-ltalloc], [talloc], [
#include <stdarg.h>
#include <sys/types.h>
#include <talloc.h>
int main(void) { return talloc_new(0) == 0; }])
  MP_BENCH_PMR
  AC_SUBST([BENCH_PROGRAMS])
])
