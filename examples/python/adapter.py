"""An adapter to start from: descriptors, names and memory of one process as docs/protocol.md has them. Of VFIO it has a
container without groups: replace Container, and what else FILES opens, by your implementation."""
import errno, json, sys

PAGE, READABLE, WRITABLE = 4096, ("read", "write", "read-write"), ("write", "read-write")
DEVICE = {"regions": [], "interrupts": [], "config": "", "configWritable": "", "configUnknown": "", "registers": [],
          "interruptCause": {"raise": 0, "acknowledge": 0}}
OPS = "open close dup ioctl mmap protect unmap poke peek pread".split()
DESCRIPTION = {"name": "python", "version": "1", "ops": OPS, "environment": {
    "id": "container", "machine": {}, "slots": {}, "pageSize": PAGE, "apertureLast": "0x7fffffffff", "reserved": [],
    "pageSizes": PAGE, "userAddressEnd": "0x7ffffffff000", "dmaEntryLimit": 65535, "memlockExempt": True,
    "dmaAddressBits": 28, "dmaBufferBytes": 4095, "device": DEVICE}}

class Unsupported(Exception): "Ends the program: something is not there."
def fail(name): raise OSError(getattr(errno, name), name)
def integer(value): return value % 2 ** 64 if isinstance(value, int) else int(value, 16)

class File:
    def ioctl(self, request, argument): fail("ENOTTY")
    def pread(self, length): fail("ESPIPE")
class Zero(File):
    def pread(self, length): return bytes(length)
class Container(File):
    def ioctl(self, request, argument):
        if request == 0x3b64: return 0  # VFIO_GET_API_VERSION
        if request == 0x3b65: return int(argument in (1, 3, 6, 9))  # VFIO_CHECK_EXTENSION
        fail("EINVAL")
    def pread(self, length): fail("EINVAL")
FILES = {"container": Container, "pipe": File, "/dev/zero": Zero}

class Memory:
    """Pages. `known` is what the program stored or was told, `hidden` are the bytes of addresses that are not shown."""
    address = 2 ** 40
    def __init__(self, length, protection, untouched):
        self.address = Memory.address = Memory.address + 2 ** 28
        self.data, self.pages = bytearray((b"\0" if untouched else b"\xff") * length), [protection] * (length // PAGE)
        self.known, self.hidden, self.untouched = self.data[:], set(), set(range(len(self.pages) if untouched else 0))
    def reach(self, at, length, kinds):
        """How many bytes from `at` on may be accessed. Behind the last page there is none."""
        may = lambda byte: byte < len(self.data) and self.pages[byte // PAGE] in kinds
        return next((byte - at for byte in range(at, at + length) if not may(byte)), length)
    def store(self, at, stored, hidden):
        """The program stores all or nothing. Of pages that were untouched it then knows what is there."""
        if self.reach(at, len(stored), WRITABLE) < len(stored): fail("EFAULT")
        self.data[at:at + len(stored)] = stored
        touched = [page for page in self.untouched if page * PAGE - len(stored) < at < (page + 1) * PAGE]
        self.untouched.difference_update(touched)
        for start, end in [(at, at + len(stored))] + [(page * PAGE, (page + 1) * PAGE) for page in touched]:
            self.known[start:end] = self.data[start:end]
        self.hidden = self.hidden - set(range(at, at + len(stored))) | hidden
    def receive(self, at, received):
        """A call stores as much as fits."""
        count = self.reach(at, len(received), WRITABLE)
        if received and not count: fail("EFAULT")
        self.data[at:at + count] = received[:count]
        return count
    def changes(self):
        """Runs of bytes that are not as known; they are known then."""
        runs = []
        for at in range(len(self.data) if self.data != self.known else 0):
            page = at // PAGE
            if self.data[at] == self.known[at] or page in self.untouched or self.pages[page] not in READABLE: continue
            if not runs or at != runs[-1][0] + len(runs[-1][1]): runs.append((at, bytearray()))
            runs[-1][1].append(self.data[at])
            self.known[at] = self.data[at]
            self.hidden.discard(at)
        return runs

class Program:
    """Each op is a method. It gives an outcome, or nothing for the value 0, or fails with an errno."""
    def __init__(self):
        self.files = {number: File() for number in range(3)}
        self.names = {}  # Numbers of descriptors, and memories in the order in which they were made.
    def file(self, name):
        """A name that stands for no descriptor stands for -1, with which every call fails so."""
        number = self.names.get(name)
        return self.files[number] if isinstance(number, int) else fail("EBADF")
    def add(self, name, file):
        number = min(set(range(len(self.files) + 1)) - set(self.files))
        self.files[number], self.names[name] = file, number
        return {"fd": name}
    def memory(self, op):
        if isinstance(self.names.get(op["memory"]), Memory): return self.names[op["memory"]]
        raise Unsupported(f"there is no memory {op['memory']}")
    def store(self, op):
        """The bytes of a poke or an ioctl, with relocations resolved."""
        stored, hidden = bytearray.fromhex(op["bytes"]), set()
        for one in op.get("relocations", []):
            thing, start, end = self.names.get(one["ref"], -1), one["at"], one["at"] + one["width"]
            value = (thing.address if isinstance(thing, Memory) else thing) + integer(one.get("add", 0))
            stored[start:end] = (value % 256 ** one["width"]).to_bytes(one["width"], "little")
            hidden |= set(range(op["at"] + start, op["at"] + end))
        self.memory(op).store(op["at"], stored, hidden)
    def run(self, ops):
        outcomes = []
        try:
            for op in ops:
                if op["op"] not in OPS or op.get("actor", "main") != "main": raise Unsupported(f"no {op['op']}")
                try: outcome = getattr(self, op["op"])(op) or {"value": 0}
                except OSError as error: outcome = {"errno": errno.errorcode[error.errno]}
                changed = [{"memory": name, "at": at, "bytes": run.hex()} for name, memory in self.names.items()
                           if isinstance(memory, Memory) for at, run in memory.changes()]
                outcomes.append({**outcome, "changed": changed} if changed else outcome)
        except Unsupported as reason: return {"end": "unsupported", "outcomes": outcomes, "detail": f"{reason}."}
        return {"end": "completed", "outcomes": outcomes}
    def open(self, op):
        what = op["path"] if op["what"] == "path" else op["what"]
        if what not in FILES: raise Unsupported(f"there is no {what}")
        return self.add(op["as"], FILES[what]())
    def close(self, op): self.file(op["fd"]); del self.files[self.names.pop(op["fd"])]
    def dup(self, op): return self.add(op["as"], self.file(op["fd"]))
    def ioctl(self, op):
        argument = op["argument"]
        if op.get("save") or "as" in op: raise Unsupported("no ioctl here gives an output or a descriptor")
        value = self.memory(argument).address + argument["at"] if "memory" in argument else integer(argument["value"])
        if "bytes" in argument: self.store(argument)
        return {"value": self.file(op["fd"]).ioctl(integer(op["number"]), value)}
    def mmap(self, op):
        if op.get("backing") == "fd": self.file(op["fd"]) and fail("ENODEV")
        self.names.pop(op["as"], None)  # The newest memory is the last.
        self.names[op["as"]] = Memory(op["length"], op.get("protection", "read-write"), op.get("fill") == "untouched")
    def pages(self, op):
        """The memory of an op, and the numbers of the pages that it is about: None for each that is not there."""
        memory, at = self.memory(op), op["at"]
        if at % PAGE: fail("EINVAL")
        numbers = range(at // PAGE, (at + op["length"] + PAGE - 1) // PAGE)
        return memory, [page if page < len(memory.pages) and memory.pages[page] else None for page in numbers]
    def protect(self, op):
        memory, pages = self.pages(op)
        for page in pages: memory.pages[page] = op["protection"] if page is not None else fail("ENOMEM")
    def unmap(self, op):
        memory, pages = self.pages(op)
        if not pages: fail("EINVAL")
        for page in set(pages) - {None}: memory.pages[page] = None
    def poke(self, op): self.store(op)
    def peek(self, op):
        memory, where = self.memory(op), range(op["at"], op["at"] + op["length"])
        if memory.reach(op["at"], op["length"], READABLE) < op["length"]: fail("EFAULT")
        return {"value": 0, "bytes": bytes(0 if at in memory.hidden else memory.data[at] for at in where).hex()}
    def pread(self, op): return {"value": self.memory(op).receive(op["at"], self.file(op["fd"]).pread(op["length"]))}

for line in sys.stdin:
    message = json.loads(line)
    if message["type"] == "stop": break
    if message["type"] == "describe":
        answer = {"type": "description", "protocol": 1, **DESCRIPTION}
    elif message["type"] == "run":
        answer = {"type": "result", "id": message["id"], **Program().run(message["program"]["ops"])}
    else: answer = {"type": "error", "message": f"{message['type']} is no request"}
    print(json.dumps(answer), flush=True)
