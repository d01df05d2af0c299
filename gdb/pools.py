# SPDX-License-Identifier: MIT
#
# pools.py - the pools of a process, and what they hold.
#
# What it cannot do: change anything.


class Copy:
    """A copy of the library.  A process can have several."""

    def __init__(self, symbol):
        self.block = symbol.symtab.static_block()
        self.objfile = symbol.symtab.objfile
        self.threads = symbol.value()
        self.place = self.offset("memory_pool", "place")

    def type(self, name):
        return gdb.lookup_type("struct " + name, self.block)

    def offset(self, structure, member):
        return offset_of(self.type(structure), member)

    def holder(self, part, structure, member):
        """The structure that has that part as a member."""
        return self.at(number(part.address) - self.offset(structure, member),
                       structure)

    def at(self, address, structure):
        pointer = gdb.Value(address).cast(self.type(structure).pointer())
        return pointer.dereference()

    def has_code(self, address):
        """The address is of the library's code."""
        block = gdb.block_for_pc(address)
        symtab = gdb.find_pc_line(address).symtab
        if block is None or symtab is None:
            return False
        if self.objfile.filename == gdb.current_progspace().filename:
            return block.static_block.start == self.block.start
        return symtab.objfile == self.objfile

    def pools(self, trouble):
        threads = chain(self.threads, "next", "threads")
        for thread in guarded(threads, trouble):
            made = chain(thread["made"]["first"], "next", "pools")
            for link in guarded(made, trouble):
                address = number(link.address) - self.place
                for pool in guarded(self.pool(address), trouble):
                    yield pool

    def pool(self, address):
        """The pool at an address; none where it is one that was destroyed and
        is kept to be made again."""
        pool = Pool(self, address)
        if not pool.value["place"]["kept"]:
            yield pool

    def owner(self, address):
        """The address of the pool that the range names for an address; None:
        that is not in the range."""
        extent = self.variable("extent")
        offset = address - number(extent["base"])
        if not 0 <= offset < number(extent["bytes"]):
            return None
        row = self.row(offset // SPAN)
        slot = offset // SLOT if row is None else row * (SPAN // SLOT)
        # The lowest bit says that caches keep away.
        return number(extent["owners"][slot]) & ~1

    def variable(self, name):
        return next(symbol.value() for symbol in variables(name)
                    if symbol.symtab.objfile == self.objfile)

    def row(self, span):
        """The first span of the row that has a span, of which that alone is
        named; None: it is in no row."""
        spans = self.variable("range_spans")
        for word in range(span // 64, -1, -1):
            starts = number(spans["starts"][word])
            if word == span // 64:
                starts &= (2 << span % 64) - 1
            if starts:
                first = word * 64 + starts.bit_length() - 1
                length = number(spans["cuts"][first]["row"])
                return first if span - first < length else None
        return None


def copies():
    """All copies of the library whose structures gdb knows."""
    if gdb.selected_inferior().pid == 0:
        raise gdb.GdbError("mempool: there is no process and no core")
    found = {}
    for symbol in variables("thread_list"):
        kind = symbol.type.strip_typedefs()
        # A program may have a variable of that name, too.
        if kind.code == gdb.TYPE_CODE_PTR and \
                {"made", "attached"} <= members(kind.target()):
            found[symbol.symtab.objfile] = Copy(symbol)
    if not found:
        raise gdb.GdbError(
            "mempool: gdb has no debugging information of libmempool.\n"
            "A package has it, such as libmempool0-dbgsym; or try"
            " \"set debuginfod enabled on\".")
    return list(found.values())


def variables(name):
    """Of a library that was optimised as a whole gdb knows some twice, once
    without a value."""
    for symbol in gdb.lookup_static_symbols(name):
        if symbol.is_variable and not symbol.value().is_optimized_out:
            yield symbol


def offset_of(kind, member):
    """Where a member is, which may be one of a union without a name."""
    for field in kind.fields():
        if field.name == member:
            return field.bitpos // 8
        if not field.name:
            inner = offset_of(field.type, member)
            if inner is not None:
                return field.bitpos // 8 + inner
    return None


def members(kind):
    kind = kind.strip_typedefs()
    return {field.name for field in kind.fields()} \
        if kind.code == gdb.TYPE_CODE_STRUCT else set()


class Record:
    """An object of a tracked pool, live or freed."""

    def __init__(self, record):
        self.address = number(~record["hidden"])
        self.size = number(record["size"])
        self.freed = bool(record["freed"])
        more = record["more"]
        front = 0
        self.callers = 0
        if number(more) != 0:
            front = number(more["fence"]["front"])
            self.callers = more["callers"]
        self.begin = self.address - front
        self.end = max(self.begin + number(record["bytes"]),
                       self.address + self.size)

    def has(self, address):
        return self.begin <= address < self.end

    def locate(self, address):
        return offset_text(address, self.address, self.size,
                           "freed object" if self.freed else "live object")

    def calls(self, copy):
        """Who allocated the object, and who freed it, if that was noted."""
        if number(self.callers) == 0:
            return
        for member in ("allocated", "freed"):
            frames = self.callers.dereference()[member]
            addresses = (number(frames[n])
                         for n in range(frames.type.range()[1] + 1))
            callers = [caller_text(address)
                       for address in itertools.takewhile(bool, addresses)
                       if not copy.has_code(address - 1)]
            word = member + " by"
            for caller in callers:
                yield "%-12s %s" % (word, caller)
                word = ""
                if caller.startswith("main "):
                    break


class Pool:
    """A pool, which is only looked at."""

    def __init__(self, copy, address):
        self.copy = copy
        self.address = address
        self.value = copy.at(address, "memory_pool")
        # Each pool names itself at three places.
        if number(self.value["blocks"]["owner"]) != address or \
                number(self.value["caches"]["pool"]) != address or \
                self.value["heap"]["first"] != self.value["first"].address:
            raise Damage("%#x is no pool, or it is damaged" % address)

    def name(self):
        """The name in quotes; empty: it has none."""
        pointer = self.value["settings"]["name"]
        if number(pointer) == 0:
            return ""
        try:
            name = read(number(pointer), 64).split(b"\0")[0]
        except Damage:
            return "(unreadable)"
        text = name.decode("utf-8", "replace")
        return '"%s"' % "".join(c if c.isprintable() else "?" for c in text)

    def text(self):
        return ("%#x %s" % (self.address, self.name())).strip()

    def tracked(self):
        return number(self.value["track"]) != 0

    def kind(self):
        mode = self.value["mode"]
        if self.tracked():
            return "tracked"
        if mode["caches"] and not self.value["caches"]["retired"]:
            return "counted" if mode["counts"] else "cached"
        return "locked"

    def capacity(self):
        capacity = self.value["quota"]["capacity"]
        return "none" if is_most(capacity) else "%d" % number(capacity)

    def marks(self):
        for link in chain(self.value["marks"]["open"]["first"], "next",
                          "marks"):
            yield self.copy.holder(link, "mark", "link")

    def parent(self):
        """The parent's address; 0: it has none."""
        tree = self.value["tree"]
        return number(tree["parent"]) if number(tree) != 0 else 0

    def children(self):
        tree = self.value["tree"]
        if number(tree) != 0:
            lists = tree["children"]
            for stage in range(lists.type.range()[1] + 1):
                yield from chain(lists[stage]["first"], "next", "children")

    def caches(self):
        return chain(self.value["caches"]["caches"], "next", "caches")

    def blocks(self, trouble):
        """Those of marks come first: they may lie in chunks of others."""
        heaps = [(mark["heap"], number(mark["number"]))
                 for mark in guarded(self.marks(), trouble)]
        for heap, mark in heaps + [(self.value["heap"], 0)]:
            for block in guarded(self.blocks_of(heap, mark, trouble), trouble):
                yield block

    def blocks_of(self, heap, mark, trouble):
        # The first block is in no tree, and its links mean nothing.
        yield Block(heap, mark, heap["first"].dereference())
        index = nodes([heap["index"]], "left", "right", "blocks", trouble)
        for node in index:
            try:
                yield Block(heap, mark,
                            self.copy.holder(node, "block", "own"))
            except (Damage, gdb.MemoryError) as damage:
                trouble.append(str(damage))

    def records(self, trouble):
        if self.tracked():
            table = self.value["track"]["table"]
            for i in range(min(number(table["room"]), LIMIT)):
                for record in guarded(
                        chain(table["buckets"][i], "chain", "objects"),
                        trouble):
                    yield Record(record)

    def objects(self, trouble):
        for record in guarded(self.records(trouble), trouble):
            if not record.freed:
                yield record.address, record.size, 0
        for block in self.blocks(trouble):
            yield from guarded(block.objects(), trouble)

    def count(self, trouble):
        """Live objects."""
        count = 0
        for record in guarded(self.records(trouble), trouble):
            count += not record.freed
        for block in self.blocks(trouble):
            try:
                count += block.count()
            except Damage as damage:
                trouble.append(str(damage))
        return count

    def bytes(self):
        """Bytes that the pool has from its backing, but for its marks'."""
        return number(self.value["settings"]["bytes"]) + \
            number(self.value["blocks"]["bytes"])

    def locate(self, address, trouble):
        """Lines that say what an address is to the pool; none: it is not the
        pool's."""
        for record in guarded(self.records(trouble), trouble):
            if record.has(address):
                return [record.locate(address), "pool " + self.text()] + \
                    list(record.calls(self.copy))
        for block in self.blocks(trouble):
            if block.has(address):
                try:
                    what = block.locate(address)
                except Damage as damage:
                    what = str(damage)
                mark = ", of mark %d" % block.mark if block.mark else ""
                return [what, "pool %s, block %#x%s"
                        % (self.text(), block.address, mark)]
        if 0 <= address - self.address < number(self.value["settings"]
                                                ["bytes"]):
            return ["in what the pool keeps of itself", "pool " + self.text()]
        return []

    def facts(self, trouble):
        """What "mempool info" prints: words and what they are."""
        value = self.value
        settings = value["settings"]
        yield "kind", self.kind()
        yield "capacity", self.capacity()
        yield "largest object", "no limit" \
            if is_most(settings["max_object"]) \
            else "%d" % number(settings["max_object"])
        yield "flags", flags_text(number(settings["flags"]))
        yield "parent", "%#x" % self.parent() if self.parent() else "none"
        yield "children", sum(1 for _ in guarded(self.children(), trouble))
        objects = total = 0
        for _, size, _ in self.objects(trouble):
            objects += 1
            total += size
        yield "objects", "%d, of %s" % (objects, count_text(total, "byte"))
        blocks = sum(1 for _ in self.blocks(trouble))
        yield "memory", "%s, in %s" % (count_text(self.bytes(), "byte"),
                                       count_text(blocks, "block"))
        yield "kept empty", count_text(number(value["blocks"]["stock_bytes"]),
                                       "byte")
        yield "caches", sum(1 for _ in guarded(self.caches(), trouble))
        yield "open marks", ", ".join(
            "%d" % number(mark["number"])
            for mark in guarded(self.marks(), trouble)) or "none"
        counters = value["counters"]
        yield "resets", number(counters["resets"])
        yield "refused", "%d for size, %d full, %d without memory" % tuple(
            number(counters["refused"][n]) for n in range(3))
