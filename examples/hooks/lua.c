/* SPDX-License-Identifier: MIT
 *
 * lua.c - Lua in a pool.
 *
 * Each state has a pool of its own, so that a script has a limit.
 */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <memory_pool_hooks.h>
#include <stdlib.h>

int main(void)
{
    const mp_options_t options = {.capacity = 1 << 20};
    memory_pool_t *mp = mp_create(&options);
    mp_stats_t stats;

    lua_State *L = lua_newstate(MP_HOOKS_LUA(mp));

    luaL_openlibs(L);
    bool right = luaL_dostring(L, "local t = {} "
                                  "for i = 1, 1000 do t[i] = tostring(i) end "
                                  "return #table.concat(t)") == 0 &&
                 lua_tointeger(L, -1) == 2893;
    /* A script that wants too much is stopped, and the state lives on. */
    right = right && luaL_dostring(L, "return ('x'):rep(1 << 22)") != 0;
    right = right && luaL_dostring(L, "return 1") == 0;
    lua_close(L);
    mp_stats(mp, &stats);
    mp_destroy(mp);
    return right && stats.live_objects == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
