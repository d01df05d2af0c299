# SPDX-License-Identifier: MIT
#
# mp_lua.m4 - finds Lua 5.4, which one of the examples runs in a pool.
#
# pkg-config is asked by each name that systems give it, and the usual
# library names are tried where it is not there.  The version is seen in the
# header: "lua" may be any.  Nothing of it reaches the library.

# MP_LUA
# LUA_CFLAGS, LUA_LIBS and HAVE_LUA; to be called after MP_CHECK, which
# finds pkg-config.
AC_DEFUN([MP_LUA],
[AC_REQUIRE([MP_CHECK])
 AC_ARG_VAR([LUA_CFLAGS], [compiler flags for Lua 5.4])
 AC_ARG_VAR([LUA_LIBS], [linker flags for Lua 5.4])
 mp_lua_cflags=
 mp_lua_asked=
 for mp_lua_name in lua5.4 lua-5.4 lua54 lua; do
   AS_IF([test -z "$LUA_LIBS" && test -n "$PKG_CONFIG" &&
          "$PKG_CONFIG" --exists "$mp_lua_name >= 5.4" 2>/dev/null],
     [mp_lua_cflags=`"$PKG_CONFIG" --cflags $mp_lua_name`
      mp_lua_asked=`"$PKG_CONFIG" --libs $mp_lua_name`
      break])
 done
 AC_MSG_CHECKING([for Lua 5.4])
 mp_have_lua=no
 mp_save_CPPFLAGS=$CPPFLAGS
 mp_save_LIBS=$LIBS
 LUA_CFLAGS=${LUA_CFLAGS:-$mp_lua_cflags}
 CPPFLAGS="$CPPFLAGS $LUA_CFLAGS"
 for mp_libs in "$LUA_LIBS" "$mp_lua_asked" '-llua5.4 -lm' '-llua -lm'; do
   AS_IF([test -z "$mp_libs"], [continue])
   LIBS="$mp_libs $mp_save_LIBS"
   AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <lua.h>
#include <lauxlib.h>
#if LUA_VERSION_NUM < 504
#error too old
#endif]],
     [[lua_close(lua_newstate(0, 0)); luaL_newstate();]])],
     [mp_have_lua=yes; LUA_LIBS=$mp_libs; break])
 done
 CPPFLAGS=$mp_save_CPPFLAGS
 LIBS=$mp_save_LIBS
 AC_MSG_RESULT([$mp_have_lua])
 AM_CONDITIONAL([HAVE_LUA], [test "$mp_have_lua" = yes])
 AS_IF([test "$mp_have_lua" = no],
   [mp_have_lua='no: examples/luapool is left out; install Lua 5.4'])])
