/* SPDX-License-Identifier: MIT
 *
 * luapool.c - runs a Lua 5.4 script with its whole state in one pool.
 *
 *     luapool [--malloc | --capacity BYTES] SCRIPT [ARGUMENT...]
 *
 * Every string, table and closure of the interpreter is an object of the
 * pool: allocated, resized and freed in whatever order the script and the
 * collector like.  At the end nothing is taken apart: the state goes with
 * the pool.  --capacity is the most that the script may hold; one that wants
 * more gets Lua's own "not enough memory", and the program goes on.  With
 * --malloc the same is done by realloc() and free(), and lua_close().
 *
 * What goes with the pool is memory alone: without lua_close() no __gc
 * method runs, so a file that the script left open stays open until the
 * process ends.
 */
#include <memory_pool.h>

#include <errno.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct luapool {
    memory_pool_t *pool; /* NULL: malloc() */
    uintmax_t allocations, resizes, frees, refused;
    size_t objects; /* held now */
    size_t bytes;
    size_t peak_bytes;
};

struct luapool_command {
    bool use_malloc;
    size_t capacity;
    int argc; /* from the script's name on */
    char **argv;
};

static void *luapool_resize(struct luapool *self, void *object, size_t size)
{
    if (self->pool == NULL) {
        return realloc(object, size);
    }
    return object == NULL ? mp_allocate(self->pool, size)
                          : mp_realloc(self->pool, object, size);
}

/* Lua's allocator: size 0 frees.  old_size is a type where object is NULL. */
static void *luapool_allocate(void *context, void *object, size_t old_size,
                              size_t size)
{
    struct luapool *self = context;
    size_t held = object == NULL ? 0 : old_size;
    void *result = NULL;

    if (size == 0) {
        if (object != NULL) {
            if (self->pool == NULL) {
                free(object);
            } else {
                free_memory(self->pool, object);
            }
            self->frees++;
            self->objects--;
        }
    } else {
        result = luapool_resize(self, object, size);
        if (result == NULL) {
            self->refused++;
            return NULL;
        }
        self->allocations += object == NULL;
        self->objects += object == NULL;
        self->resizes += object != NULL;
    }
    self->bytes += size - held;
    if (self->bytes > self->peak_bytes) {
        self->peak_bytes = self->bytes;
    }
    return result;
}

/* Runs the script; called by Lua, which catches whatever fails in here. */
static int luapool_script(lua_State *lua)
{
    const struct luapool_command *command = lua_touserdata(lua, 1);

    luaL_openlibs(lua);
    lua_createtable(lua, command->argc, 0);
    for (int i = 0; i < command->argc; i++) {
        lua_pushstring(lua, command->argv[i]);
        lua_rawseti(lua, -2, i);
    }
    lua_setglobal(lua, "arg");
    if (luaL_loadfile(lua, command->argv[0]) != LUA_OK) {
        return lua_error(lua);
    }
    lua_call(lua, 0, 0);
    return 0;
}

static bool luapool_run(lua_State *lua, struct luapool_command *command)
{
    lua_pushcfunction(lua, luapool_script);
    lua_pushlightuserdata(lua, command);
    if (lua_pcall(lua, 1, 0, 0) == LUA_OK) {
        return true;
    }
    const char *message = lua_tostring(lua, -1);
    fprintf(stderr, "luapool: %s\n",
            message != NULL ? message : "the script failed");
    return false;
}

static double luapool_milliseconds(const struct timespec *from)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - from->tv_sec) * 1e3 +
           (double)(now.tv_nsec - from->tv_nsec) / 1e6;
}

static void luapool_print(const struct luapool *self, size_t objects,
                          double run, double drop)
{
    printf("\nThe script's memory, %s:\n",
           self->pool != NULL ? "all of it in one pool" : "from malloc");
    printf("%12ju objects allocated\n", self->allocations);
    printf("%12ju objects freed while it ran\n",
           self->allocations - objects);
    printf("%12ju objects resized\n", self->resizes);
    printf("%12zu bytes at once at most\n", self->peak_bytes);
    printf("%12ju allocations refused\n", self->refused);
    printf("%12zu objects dropped at the end\n", objects);
    printf("%12.3f ms for the script\n", run);
    printf("%12.3f ms to drop its state\n", drop);
}

static bool luapool_work(struct luapool *self,
                         struct luapool_command *command)
{
    struct timespec start;
    bool done = false;

    clock_gettime(CLOCK_MONOTONIC, &start);
    lua_State *lua = lua_newstate(luapool_allocate, self);
    if (lua == NULL) {
        fputs("luapool: no memory for a Lua state\n", stderr);
    } else {
        done = luapool_run(lua, command);
    }
    double run = luapool_milliseconds(&start);
    struct luapool seen = *self;

    clock_gettime(CLOCK_MONOTONIC, &start);
    if (self->pool != NULL) {
        destroy_memory_pool(self->pool);
    } else if (lua != NULL) {
        lua_close(lua);
    }
    luapool_print(&seen, seen.objects, run, luapool_milliseconds(&start));
    return done;
}

static bool luapool_arguments(int argc, char **argv,
                              struct luapool_command *command)
{
    int i = 1;

    for (; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "--malloc") == 0) {
            command->use_malloc = true;
        } else if (strcmp(argv[i], "--capacity") == 0 && i + 1 < argc) {
            char *end;
            const char *text = argv[++i];
            errno = 0;
            unsigned long long bytes = strtoull(text, &end, 10);
            if (text[0] < '0' || text[0] > '9' || *end != '\0' ||
                errno != 0 || bytes == 0 || bytes > SIZE_MAX) {
                return false;
            }
            command->capacity = (size_t)bytes;
        } else {
            return false;
        }
    }
    command->argc = argc - i;
    command->argv = argv + i;
    /* malloc() knows no limit. */
    return command->argc > 0 &&
           !(command->use_malloc && command->capacity != 0);
}

int main(int argc, char **argv)
{
    struct luapool_command command = {0};
    struct luapool self = {0};

    if (!luapool_arguments(argc, argv, &command)) {
        fputs("usage: luapool [--malloc | --capacity BYTES] SCRIPT"
              " [ARGUMENT...]\n", stderr);
        return 2;
    }
    if (!command.use_malloc) {
        mp_options_t options = {.capacity = command.capacity,
                                .name = "lua"};
        self.pool = mp_create(&options);
        if (self.pool == NULL) {
            perror("luapool: mp_create");
            return 1;
        }
    }
    bool done = luapool_work(&self, &command);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("luapool: standard output");
        done = false;
    }
    return done ? 0 : 1;
}
