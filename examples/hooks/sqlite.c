/* SPDX-License-Identifier: MIT
 *
 * sqlite.c - SQLite in a pool.
 *
 * Its functions are the whole process's, and are set before anything else of it.
 * What all connections share is made while no pool is current.  A connection with
 * all that it allocates then lives in a pool, while its thread uses that; the
 * page cache and lookaside memory, which outlive connections, are turned off.
 */
#include <memory_pool_hooks.h>
#include <sqlite3.h>
#include <stdlib.h>

static int sum(void *total, int columns, char **values, char **names)
{
    (void)columns;
    (void)names;
    *(int *)total = atoi(values[0]);
    return 0;
}

int main(void)
{
    memory_pool_t *mp = mp_create(NULL);
    mp_stats_t full, empty;
    sqlite3 *db;
    int total = 0;

    sqlite3_mem_methods memory = MP_HOOKS_SQLITE;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &memory);
    sqlite3_initialize();

    memory_pool_t *outer = mp_use(mp);
    bool right = sqlite3_open(":memory:", &db) == SQLITE_OK &&
                 sqlite3_exec(db,
                              "create table t (n integer, s text);"
                              "with recursive c (i) as (select 1 union all"
                              " select i + 1 from c where i < 1000)"
                              "insert into t select i, hex(i) from c;"
                              "create index x on t (s);"
                              "delete from t where n % 2 = 0;"
                              "select sum(n) from t;",
                              sum, &total, NULL) == SQLITE_OK;
    mp_stats(mp, &full);
    sqlite3_close(db);
    mp_use(outer);
    sqlite3_shutdown();
    mp_stats(mp, &empty);
    mp_destroy(mp);
    return right && total == 250000 && full.live_objects > 50 &&
                   empty.live_objects == 0
               ? EXIT_SUCCESS
               : EXIT_FAILURE;
}
