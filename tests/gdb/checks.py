# SPDX-License-Identifier: MIT
#
# checks.py - gdb's commands for pools say what is true of tests/gdb/pools.c.
#
# gdb.sh has gdb read this where that program has crashed: in the process, and
# then with its core.  In the process it goes on to damage what the commands
# read, and then has each of them say so and end.

import gdb

failed = 0


def complain(command, said, what):
    global failed
    failed += 1
    print("checks.py: %s: %s:\n%s" % (command, what, said))


def run(command):
    try:
        said = gdb.execute(command, to_string=True)
    except gdb.error as error:
        said = str(error)
    if "Python" in said or "Traceback" in said:
        complain(command, said, "fails")
    return said


def says(command, *words):
    said = run(command)
    for word in words:
        if word not in said:
            complain(command, said, "does not say '%s'" % word)


def says_not(command, word):
    said = run(command)
    if word in said:
        complain(command, said, "says '%s'" % word)


def at(expression):
    return "%#x" % int(gdb.parse_and_eval("(unsigned long)(%s)" % expression))


def callers(*words):
    """Where the C library has no backtrace(3), nobody is named."""
    return words if gdb.parse_and_eval("$callers") == 1 else ()


def lines():
    """The pools are listed, and the one that was destroyed is not."""
    said = run("mempool list")
    for pool, words in (
            ("server", "cached 5 none \"server\""),
            ("request", "counted 1 4096 \"request\""),
            ("locked", "locked 2 none"),
            ("buffer", "counted 0 none"),
            ("base", "locked 1 %d" % gdb.parse_and_eval("told.capacity")),
            ("tracked", "tracked 1 none \"tracked?\"")):
        row = [line.split() for line in said.split("\n")
               if line.startswith(at("told." + pool) + " ")]
        if len(row) != 1 or " ".join(row[0][1:3] + row[0][4:]) != words:
            complain("mempool list", said, "%s is not %s" % (pool, words))
    if len(said.strip().split("\n")) != 7:
        complain("mempool list", said, "is not 6 pools")


def facts():
    says("mempool info server", "pool %s \"server\"" % at("told.server"),
         "children        1", "caches          3", "open marks      1\n",
         "objects         5, of 1003232 bytes", "resets          1")
    says("mempool info told.request", "capacity        4096",
         "parent          " + at("told.server"),
         "objects         1, of 33 bytes", "0 for size, 1 full, 0 without")
    says("mempool info *told.tracked", "MP_POISON | MP_CALLERS")
    says("mempool info told.live", "is no pool")
    says("mempool info nothing", "No symbol \"nothing\"")
    says("mempool info", "which pool?")
    says("mempool objects told.server", at("told.live") + "         48\n",
         at("told.large") + "    1000000\n",
         at("told.marked") + "        112  mark 1\n",
         "5 objects of 1003232 bytes")
    says("mempool objects told.tracked", at("told.watched") + "         24\n",
         "1 object of 24 bytes")
    says_not("mempool objects /0 told.server", at("told.live"))


def find(expression, *words):
    says("mempool find " + expression, at(expression) + ": ", *words)


def addresses():
    server = "pool %s \"server\"" % at("told.server")
    find("told.live", "the start of the live object of 48 bytes at "
         + at("told.live"), server)
    find("told.live + 47", "offset 47 of the live object of 48 bytes at "
         + at("told.live"))
    find("told.middle + 1", "offset 1 of the live object", server)
    find("told.large + 999999", "offset 999999 of the live object of 1000000")
    find("told.marked + 3", "offset 3 of the live object of 112", "of mark 1")
    find("told.cached + 5", "offset 5 of a chunk of 208 bytes at "
         + at("told.cached"), "freed, in a cache", server)
    find("told.exact", "the start of the live object of 33 bytes", "request")
    find("told.exact + 33", "1 byte behind the live object of 33 bytes")
    find("told.first + 24", "5 bytes behind the live object of 20 bytes")
    for offset in (0, 17, 47):
        find("told.free + %d" % offset, "offset %d of a chunk of 48 bytes at %s"
             % (offset, at("told.free")), "free", at("told.locked"))
    find("told.base_object + 6", "offset 6 of the live object of 7 bytes",
         at("told.base"))
    find("told.watched + 1", "offset 1 of the live object of 24 bytes",
         *callers("allocated by allocate (pools.c:",
                  "             main (pools.c:"))
    find("told.watched_freed", "start of the freed object of 25 bytes",
         *callers("freed by     make_objects (pools.c:"))
    find("told.foreign", "in no pool")
    find("0", "in no pool")
    find("told.server", "in what the pool keeps of itself")
    find("told.locked", "in what the pool keeps of itself", at("told.locked"))
    find("told.gone", "in memory of the library that no pool has")
    find("told.far", "in memory of the library that no pool has")
    says("mempool find", "which address?")


def printers():
    says("print told.server", at("told.server") + " \"server\" (cached)")
    says("print told.gone", "(destroyed)")
    says("print *told.request", "capacity = 4096", "objects = 1, of 33 bytes")
    says("print told.handle", "of pool %s \"server\"" % at("told.server"))
    says("print told.mark", "mark 1\n")
    says("print told.no_mark", "no mark")
    says("print told.string", "\"grown\"")
    says("print told.options", "{flags = MP_POISON | MP_CALLERS, name = ")
    says("print told.stats", "live_objects = 5", "class_live[2] = 1")
    says_not("print told.stats", "refused_size")
    says("print (memory_pool_t *)0", "0x0")
    says("print (memory_pool_t *)8", "0x8")
    says("print told.locked->lock", "word")


COMMANDS = ("mempool list", "mempool info server", "mempool objects server",
            "mempool find told.live", "mempool find told.foreign",
            "mempool find told.base_object", "print told.server",
            "print *told.server")


def damaged(expression, value, *words):
    """With a wrong value there, no command fails or goes on for ever."""
    try:
        kind = gdb.parse_and_eval(expression)
        kind.fetch_lazy()
    except gdb.error as error:
        if "optimized out" not in str(error):
            raise
        return
    if kind.address is None:
        return  # the compiler has put it elsewhere
    where = int(kind.address)
    inferior = gdb.selected_inferior()
    before = bytes(inferior.read_memory(where, kind.type.sizeof))
    value = int(gdb.parse_and_eval("(unsigned long)(%s)" % value))
    mask = (1 << 8 * len(before)) - 1
    inferior.write_memory(where, (value & mask).to_bytes(len(before), ORDER))
    said = "".join(run(command) for command in COMMANDS)
    for word in words:
        if word not in said:
            complain("%s = %#x" % (expression, value), said,
                     "nothing says '%s'" % word)
    inferior.write_memory(where, before)


def damage():
    pool = "told.server->"
    damaged(pool + "place.link.next", "&told.server->place.link",
            "damaged: the list of pools leads back to")
    damaged(pool + "place.link.next", "16", "damaged: the list of pools leads")
    damaged(pool + "blocks.owner", "0", "is no pool, or it is damaged")
    damaged(pool + "mode", "8", "damaged: Cannot access memory")
    damaged(pool + "settings.name", "16", "(unreadable)")
    damaged(pool + "heap.index", "24", "the tree of blocks leads to 0x18")
    damaged(pool + "heap.index->left", "told.server->heap.index")
    damaged(pool + "first.granules", "-1", "damaged: ")
    damaged(pool + "heap.current->base", "8", "damaged: the block at")
    damaged(pool + "heap.current->map", "0", "bytes at 0x0 cannot be read")
    damaged(pool + "heap.top", "-1", "damaged: the block at")
    damaged(pool + "first.map[4]", "0xff")
    damaged(pool + "marks.open.first->next", "told.server->marks.open.first",
            "the list of marks leads back to")
    damaged(pool + "caches.caches", "16", "the list of caches leads to 0x10")
    damaged(pool + "tree", "16", "Cannot access memory")
    damaged("told.tracked->track", "16", "Cannot access memory")
    damaged("told.tracked->track->table.buckets", "16", "Cannot access memory")
    record = "((struct record *)((char *)told.tracked->track->live.first - " \
        "sizeof(void *)))"
    damaged(record + "->chain", record, "the list of objects leads back to")
    damaged("thread_list->next", "thread_list",
            "the list of threads leads back to")
    damaged("thread_list", "16", "the list of threads leads to 0x10")
    damaged("extent.owners", "16", "Cannot access memory")
    damaged("extent.bytes", "0")


ORDER = "big" if "big" in run("show endian").split("currently")[-1] \
    else "little"
lines()
facts()
addresses()
printers()
if gdb.parse_and_eval("$damage") == 1:
    damage()
print("checks.py: %d wrong" % failed)
