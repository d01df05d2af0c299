# SPDX-License-Identifier: MIT
#
# mp_compiler.m4 - what the compiler, the linker and the C library can do.
#
# Each macro puts its result into a variable of the project's own and leaves
# the user's flags as they were.

# MP_C11
# Stops where the compiler is older than C11.  AC_PROG_CC of autoconf 2.69
# does not ask for C11 by itself, so that is tried here.  The headers are asked
# for all that they have in AC_USE_SYSTEM_EXTENSIONS, which stands before this:
# with -std=c11 many of them declare nothing beyond C.
AC_DEFUN([MP_C11],
[AC_CACHE_CHECK([for the compiler's C11 option], [mp_cv_c11],
  [mp_cv_c11=no
   mp_save_CFLAGS=$CFLAGS
   for mp_flag in '' -std=gnu11 -std=c11; do
     CFLAGS="$mp_save_CFLAGS $mp_flag"
     AC_COMPILE_IFELSE([AC_LANG_PROGRAM(
[[#if !defined __STDC_VERSION__ || __STDC_VERSION__ < 201112L
#error not C11
#endif
_Static_assert(_Alignof(long) > 0, "C11");]], [])],
       [mp_cv_c11=${mp_flag:-none needed}; break])
   done
   CFLAGS=$mp_save_CFLAGS])
 AS_CASE([$mp_cv_c11],
   [no], [AC_MSG_ERROR([a C11 compiler is needed; name one with CC=...])],
   ['none needed'], [C11_CFLAGS=],
   [C11_CFLAGS=$mp_cv_c11])
 AC_SUBST([C11_CFLAGS])])

# MP_CXX
# HAVE_CXX where there is a C++11 compiler that links what the C compiler
# made: AC_PROG_CXX names one even where none is installed, and this machine's
# own where only the C compiler is for another machine.
AC_DEFUN([MP_CXX],
[AC_CACHE_CHECK([for a C++11 compiler], [mp_cv_cxx],
  [mp_cv_cxx=no
   AC_COMPILE_IFELSE([AC_LANG_SOURCE([[int answer(void);
int answer(void) { return 0; }]])],
     [mv conftest.$ac_objext conftest-c.$ac_objext
      mp_save_LIBS=$LIBS
      LIBS="conftest-c.$ac_objext $LIBS"
      AC_LANG_PUSH([C++])
      AC_LINK_IFELSE([AC_LANG_PROGRAM(
[[#if __cplusplus < 201103L
#error not C++11
#endif
#include <cstddef>
extern "C" int answer(void);]], [[return answer();]])],
        [mp_cv_cxx=yes])
      AC_LANG_POP([C++])
      LIBS=$mp_save_LIBS
      rm -f conftest-c.$ac_objext])])
 AM_CONDITIONAL([HAVE_CXX], [test "$mp_cv_cxx" = yes])
 AS_IF([test "$mp_cv_cxx" = no], [CXX=])])

# MP_CXX17
# CXX17_FLAGS: what makes the C++ compiler one for C++17 with std::pmr; empty
# where nothing does, and what needs it is left out then.
AC_DEFUN([MP_CXX17],
[AC_REQUIRE([MP_CXX])
 CXX17_FLAGS=
 AS_IF([test "$mp_cv_cxx" = yes],
   [AC_CACHE_CHECK([how to compile C++17], [mp_cv_cxx17],
     [mp_cv_cxx17=no
      mp_save_CXXFLAGS=$CXXFLAGS
      AC_LANG_PUSH([C++])
      for mp_flag in -std=c++17 -std=gnu++17; do
        CXXFLAGS="$mp_save_CXXFLAGS $mp_flag"
        AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <memory_resource>]],
          [[return std::pmr::new_delete_resource() == 0;]])],
          [mp_cv_cxx17=$mp_flag; break])
      done
      AC_LANG_POP([C++])
      CXXFLAGS=$mp_save_CXXFLAGS])
    AS_IF([test "$mp_cv_cxx17" != no], [CXX17_FLAGS=$mp_cv_cxx17])])
 AC_SUBST([CXX17_FLAGS])
 AM_CONDITIONAL([HAVE_CXX17], [test -n "$CXX17_FLAGS"])])

# MP_PTHREAD
# PTHREAD_CFLAGS and PTHREAD_LIBS: -pthread for both steps where the compiler
# takes it, else whatever library has the functions.
AC_DEFUN([MP_PTHREAD],
[AC_CACHE_CHECK([how to use POSIX threads], [mp_cv_pthread],
  [mp_cv_pthread=no
   mp_save_CFLAGS=$CFLAGS
   mp_save_LIBS=$LIBS
   for mp_flag in -pthread -lpthread none; do
     AS_CASE([$mp_flag],
       [-pthread], [CFLAGS="$mp_save_CFLAGS -pthread"
                    LIBS="-pthread $mp_save_LIBS"],
       [-lpthread], [CFLAGS=$mp_save_CFLAGS
                     LIBS="-lpthread $mp_save_LIBS"],
       [CFLAGS=$mp_save_CFLAGS
        LIBS=$mp_save_LIBS])
     AC_LINK_IFELSE([AC_LANG_PROGRAM(
[[#include <pthread.h>
static void *run(void *argument) { return argument; }]],
[[pthread_t thread;
pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
pthread_mutex_lock(&mutex);
pthread_mutex_unlock(&mutex);
return pthread_create(&thread, 0, run, 0) || pthread_join(thread, 0);]])],
       [mp_cv_pthread=$mp_flag; break])
   done
   CFLAGS=$mp_save_CFLAGS
   LIBS=$mp_save_LIBS])
 PTHREAD_CFLAGS= PTHREAD_LIBS=
 AS_CASE([$mp_cv_pthread],
   [no], [AC_MSG_ERROR([POSIX threads are needed and were not found])],
   [-pthread], [PTHREAD_CFLAGS=-pthread PTHREAD_LIBS=-pthread],
   [-lpthread], [PTHREAD_LIBS=-lpthread])
 AC_SUBST([PTHREAD_CFLAGS])
 AC_SUBST([PTHREAD_LIBS])])

# MP_TLS
# HAVE_EMULATED_TLS where the compiler calls a function for each thread-local
# variable.  Such a variable is known by a symbol of another name, and cannot be
# an alias of another one.
AC_DEFUN([MP_TLS],
[AC_CACHE_CHECK([whether thread-local variables are emulated],
  [mp_cv_emulated_tls],
  [mp_cv_emulated_tls=no
   AC_COMPILE_IFELSE([AC_LANG_SOURCE([[static __thread int own;
int *at(void);
int *at(void) { return &own; }]])],
     [AS_IF([grep __emutls_ conftest.$ac_objext >/dev/null 2>&1],
        [mp_cv_emulated_tls=yes])])])
 AS_IF([test "$mp_cv_emulated_tls" = yes],
   [AC_DEFINE([MP_EMULATED_TLS], [1],
      [the compiler emulates thread-local variables])])
 AM_CONDITIONAL([HAVE_EMULATED_TLS], [test "$mp_cv_emulated_tls" = yes])])

# MP_VISIBILITY
# VISIBILITY_CFLAGS, and HAVE_VISIBILITY where symbols can be hidden.
AC_DEFUN([MP_VISIBILITY],
[AC_CACHE_CHECK([for -fvisibility=hidden], [mp_cv_visibility],
  [mp_save_CFLAGS=$CFLAGS
   CFLAGS="$CFLAGS -Werror -fvisibility=hidden"
   AC_COMPILE_IFELSE([AC_LANG_SOURCE(
[[int shown(void);
__attribute__((visibility("default"))) int shown(void) { return 0; }]])],
     [mp_cv_visibility=yes], [mp_cv_visibility=no])
   CFLAGS=$mp_save_CFLAGS])
 VISIBILITY_CFLAGS=
 AS_IF([test "$mp_cv_visibility" = yes],
   [VISIBILITY_CFLAGS=-fvisibility=hidden])
 AC_SUBST([VISIBILITY_CFLAGS])
 AM_CONDITIONAL([HAVE_VISIBILITY], [test "$mp_cv_visibility" = yes])])

# MP_EXCEPTIONS
# EXCEPTIONS_CFLAGS: a C++ exception of the program's own function passes
# through the library, and ends there what the function was called for.  On some
# machines, such as ARM with 32 bits, C code has what that needs only if it is
# asked for.  The compiler may be there without a library that it then calls: so
# musl-gcc is, which wraps a compiler for another C library.
AC_DEFUN([MP_EXCEPTIONS],
[AC_CACHE_CHECK([for -fexceptions], [mp_cv_exceptions],
  [mp_save_CFLAGS=$CFLAGS
   CFLAGS="$CFLAGS -Werror -fexceptions"
   AC_LINK_IFELSE([AC_LANG_PROGRAM(
     [[#include <stdio.h>
static int (*volatile call)(const char *) = puts; /* it may throw, then */
static void leave(int *left)
{
    *left = call("");
}]],
     [[int left __attribute__((__cleanup__(leave))) = 0;
call("")]])],
     [mp_cv_exceptions=yes], [mp_cv_exceptions=no])
   CFLAGS=$mp_save_CFLAGS])
 EXCEPTIONS_CFLAGS=
 AS_IF([test "$mp_cv_exceptions" = yes], [EXCEPTIONS_CFLAGS=-fexceptions])
 AC_SUBST([EXCEPTIONS_CFLAGS])])

# MP_VERSION_SCRIPT
# HAVE_VERSION_SCRIPT where the linker takes a map with version nodes.
AC_DEFUN([MP_VERSION_SCRIPT],
[AC_CACHE_CHECK([for the linker's version scripts], [mp_cv_version_script],
  [echo 'CONFTEST_1 { global: main; local: *; };' >conftest.map
   mp_save_LDFLAGS=$LDFLAGS
   LDFLAGS="$LDFLAGS -Wl,--version-script=conftest.map"
   AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
     [mp_cv_version_script=yes], [mp_cv_version_script=no])
   LDFLAGS=$mp_save_LDFLAGS
   rm -f conftest.map])
 AM_CONDITIONAL([HAVE_VERSION_SCRIPT],
   [test "$mp_cv_version_script" = yes])])

# MP_WRAP
# HAVE_WRAP where the linker's --wrap leads calls of a function to another:
# a test counts calls by it.
AC_DEFUN([MP_WRAP],
[AC_CACHE_CHECK([for the linker's --wrap], [mp_cv_wrap],
  [mp_save_LDFLAGS=$LDFLAGS
   LDFLAGS="$LDFLAGS -Wl,--wrap=answer"
   AC_LINK_IFELSE([AC_LANG_PROGRAM([[int answer(void);
int __wrap_answer(void);
int __wrap_answer(void) { return 0; }]], [[return answer();]])],
     [mp_cv_wrap=yes], [mp_cv_wrap=no])
   LDFLAGS=$mp_save_LDFLAGS])
 AM_CONDITIONAL([HAVE_WRAP], [test "$mp_cv_wrap" = yes])])
