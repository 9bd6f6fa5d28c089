import type { Rule, RuleOutcome } from '../../spec/contract/types.ts';
import { deviceOf } from '../../spec/uapi/emulated-machine.ts';
import { toBigInt } from '../../spec/uapi/integer.ts';
import { opNames } from '../../spec/uapi/op-names.ts';
import type { Changed, IoctlOp, MmapOp, Name, Op, RlimitOp } from '../../spec/uapi/vocabulary.ts';
import { Call } from '../call/call.ts';
import type { Chooser } from '../call/chooser.ts';
import type { IoctlCall } from '../call/families.ts';
import {
  addressIn,
  discard,
  followsAll,
  lock,
  peek,
  poke,
  protect,
  reaches,
  region,
  removePages,
  save,
  truncate,
} from '../memory/memory-ops.ts';
import { type Overwritten, PAGE } from '../memory/user-memory.ts';
import { drop, hasFreeDescriptor, install } from '../state/descriptors.ts';
import { Device } from '../state/device.ts';
import { nameDescriptor, nameMemory, numberOf } from '../state/names.ts';
import { type Foreign, newProcess, type OpenFileDescription, type Process, type World } from '../state/state.ts';
import type { Contract, HandlerFunction } from './contract.ts';
import type { Decision, Expectation, Output, UnspecifiedMemory } from './expectation.ts';
import { MalformedProgram } from './malformed-program.ts';
import { descriptor, errno, undecided, zero } from './rule-outcome.ts';

/** Most ops change no memory. */
const unchanged: Changed[] = [];

const noOutput: Output = { kind: 'none' };

/** Performs an op on the model: the state changes in place. Throws a MalformedProgram for what no program may do. */
export function execute(contract: Contract, world: World, op: Op, index: number, chooser: Chooser): Expectation {
  const process = world.processes.get(op.actor === undefined ? 'main' : op.actor.split('/')[0]!);
  if (!process) throw new MalformedProgram(`op ${index}: there is no process ${op.actor}`);
  const call = new Call(world, process, op, chooser, contract);
  const effects: string[] = [];
  const note = (rule: string) => {
    effects.push(rule);
    world.history.push({ op: index, rule });
  };
  const { rule, outcome: general } = failsToAllocate(call)
    ? allocationFailure(call, contract, note)
    : vocabulary(call, contract, note);
  if (op.op !== 'inject') process.injections = [];
  if (world.left.length > 0) {
    contract.groupsLeft(call, note);
    world.left = [];
  }
  const outcome = named(
    call,
    general.kind === 'value' && general.value === 'result' ? { ...general, value: call.result } : general,
  );
  const looked = call.stored || op.op === 'protect';
  const { handler } = call;
  const extent = op.op === 'ioctl' ? call.argument.extent : 0;
  if (op.op === 'open' && outcome.kind === 'fd') {
    const { created, closeOnExec } = call.opening;
    if (created) install(process, op.as, { object: created, refs: 0, pathOnly: false, mode: modeOf(op) });
    if (created && closeOnExec) process.closeOnExec.add(numberOf(process, op.as));
  }
  const gives = op.op === 'dma' || (outcome.kind !== 'errno' && outcome.kind !== 'undefined');
  const output = gives ? outputOf(call) : noOutput;
  const changed = looked ? [] : unchanged;
  const expectation: Expectation = { rule, outcome, handler, extent, changed, effects, output };
  if (call.unspecified.length > 0) {
    expectation.unspecified = call.unspecified
      .filter(({ length }) => length > 0)
      .map(({ address, ...one }) => {
        const { region } = process.memory.find(address)!;
        return { process, region, at: Number(address - region.base), ...one };
      });
  }
  if (looked) {
    const overwritten: Overwritten[] = [];
    process.memory.collectNews(undefined, expectation.changed, overwritten);
    if (overwritten.length > 0)
      expectation.unspecified = [
        ...(expectation.unspecified ?? []),
        ...overwritten.map((one) => asFarAsKnown(process, one)),
      ];
    for (const other of world.processes.values())
      if (other !== process) other.memory.collectNews(other.name, expectation.changed);
    for (const one of world.processes.values()) one.memory.clearChanges();
  }
  return expectation;
}

/** Bytes that are known now and were not before: those that were the same before are not reported as changed. */
function asFarAsKnown(process: Process, { region, at, length }: Overwritten): UnspecifiedMemory {
  const now = new Uint8Array(length);
  process.memory.read(region.base + BigInt(at), now, 0, length);
  return { process, region, at, length, accepts: (bytes) => bytes.every((byte, i) => byte === now[i]) };
}

/** The result of an ioctl to which the program gives a name is a descriptor for it, whatever it is for others. */
function named({ op, process }: Call, outcome: RuleOutcome): RuleOutcome {
  if (op.op !== 'ioctl' || op.as === undefined || outcome.kind !== 'value') return outcome;
  nameDescriptor(process, op.as, Number(outcome.value));
  return descriptor;
}

/** What an op gives beside its result, if it succeeds; a transfer in any case. */
function outputOf(call: Call): Output {
  const { op, process } = call;
  if (op.op === 'dma') return call.dma.fault ? { kind: 'fault', fault: call.dma.fault } : noOutput;
  if (op.op === 'peek') return { kind: 'bytes', bytes: peek(process, op.memory, op.at, op.length) };
  if (op.op !== 'ioctl' || !op.save) return noOutput;
  if (op.save.length === 0) return noOutput;
  // The op may have given the name of that memory away.
  const target = 'memory' in op.argument ? process.memory.find(call.argument.value)?.region : undefined;
  const again = call.unspecified.length > 0 ? () => save(process, op, target) : undefined;
  return { kind: 'saved', saved: save(process, op, target), again };
}

/** Ops that are system calls of the process, whose allocations can fail. */
const allocating = new Set(['open', 'close', 'dup', 'ioctl', 'pread', 'pwrite', 'fork']);

/** Whether the op fails for want of memory: after an injected fault it may, or may not. */
function failsToAllocate(call: Call): boolean {
  const { process, op, chooser } = call;
  const injected = process.injections.find(({ fault }) => fault === 'allocation');
  if (!injected || !allocating.has(op.op)) return false;
  // The first allocation is mostly the op's own; later ones may be the IOMMU driver's.
  if (chooser.choose(2, injected.nth === 1 ? 1 : 0) === 1) return true;
  call.allocationMayFail = true;
  return false;
}

/** A system call ends for want of memory; what is passed to it is in place by then. */
function allocationFailure(call: Call, contract: Contract, note: Note): Decision {
  const { op } = call;
  if (op.op === 'ioctl' && !storeArgument(call, op)) return plain('ioctl', errno('EFAULT'));
  return perform(contract.ops.get('allocation failure')!, call, note);
}

function perform(handler: HandlerFunction, call: Call, note: Note): Decision {
  call.handler = handler.handler;
  return handler(call, note);
}

/** Ops other than ioctls that may copy memory of the process. */
const copying = new Set(['open', 'pread', 'pwrite']);

type Note = (rule: string) => void;

/** How a file was opened; a device always is for reading and writing. */
function modeOf(op: Op): OpenFileDescription['mode'] {
  if (op.op !== 'open') return 'read-write';
  const { what, access = 'read-write' } = op;
  return what === 'device' || access === 'path' ? 'read-write' : access;
}

/** What a descriptor refers to, for operations on the file; one that was opened for its path only is as good as none. */
function look(call: Call, name: Name): void {
  const description = call.process.descriptors.get(numberOf(call.process, name));
  if (!description || description.pathOnly) return;
  call.object = description.object;
  call.mode = description.mode;
}

/** What the vocabulary itself says, where no handler of the contract speaks. */
function vocabulary(call: Call, contract: Contract, note: Note): Decision {
  const { op, process, world } = call;
  // Which copies there are is known of ioctls only.
  if (copying.has(op.op) && process.injections.some(({ fault }) => fault === 'copy')) return plain(op.op, undecided);
  const handle = (name: string): Decision => perform(contract.ops.get(name)!, call, note);
  switch (op.op) {
    case 'open':
      // A descriptor for the path only never reaches the driver.
      if (op.what === 'path' && !present.has(op.path ?? '')) return plain('open', undecided);
      if (!['container', 'group', 'device'].includes(op.what) || op.access === 'path') {
        // A pipe has two ends, of which one is thrown away.
        if (!hasFreeDescriptor(process, op.what === 'pipe' ? 2 : 1)) return plain('open', errno('EMFILE'));
        const object: Foreign = { kind: 'foreign', ...(op.what === 'event' && { event: { count: 0 } }) };
        install(process, op.as, { object, refs: 0, pathOnly: op.access === 'path', mode: modeOf(op) });
        return plain('open', descriptor);
      }
      if (op.what === 'device') {
        call.object = process.descriptors.get(numberOf(process, op.group!))?.object;
        if (!call.object) return plain('open', errno('EBADF'));
        if (call.object.kind !== 'group') return plain('open', undecided);
      }
      if (op.what !== 'container' && !world.slots.has(op.slot ?? ''))
        throw new MalformedProgram(`there is no slot ${op.slot}`);
      return handle(`open ${op.what}`);
    case 'seek':
      look(call, op.fd);
      return handle('seek');
    case 'close_on_exec':
      call.object = process.descriptors.get(numberOf(process, op.fd))?.object;
      return handle('close_on_exec');
    case 'truncate':
      truncate(world, region(process, op.memory), op.length);
      return plain('truncate', zero);
    case 'lock':
      return plain('lock', lock(process, region(process, op.memory), op));
    case 'inject':
      return handle('inject');
    case 'plug':
      plug(world, op.slot);
      return plain('plug', zero);
    case 'close':
      call.object = process.descriptors.get(numberOf(process, op.fd))?.object;
      return handle('close');
    case 'dup': {
      const description = process.descriptors.get(numberOf(process, op.fd));
      if (!description) return plain('dup', errno('EBADF'));
      if (!hasFreeDescriptor(process)) return plain('dup', errno('EMFILE'));
      install(process, op.as, description);
      return plain('dup', descriptor);
    }
    case 'ioctl':
      return ioctl(call, op, contract, note);
    case 'mmap':
      return mmap(call, op, handle);
    case 'protect':
      return plain('protect', protect(world, region(process, op.memory), op));
    case 'unmap':
      return plain('unmap', removePages(process, region(process, op.memory), op));
    case 'discard':
      return plain('discard', discard(region(process, op.memory), op));
    case 'poke':
      return plain(
        'poke',
        poke(process, region(process, op.memory), op.at, op.bytes, op.relocations) ? zero : errno('EFAULT'),
      );
    case 'peek': {
      const readable = reaches(process, region(process, op.memory), op.at, op.length, 'read');
      return plain('peek', readable ? zero : errno('EFAULT'));
    }
    case 'pread':
    case 'pwrite':
      look(call, op.fd);
      addressIn(region(process, op.memory), op.at);
      return handle(op.op);
    case 'dma':
      look(call, op.device);
      if (op.length === 0 || (op.at ?? 0) + op.length > world.environment.dmaBufferBytes)
        return plain('dma', errno('EINVAL'));
      if (call.object && call.object.kind !== 'device') return plain('dma', undecided);
      return handle('dma');
    case 'fork':
      fork(world, process, op.as);
      return plain('fork', zero);
    case 'exit':
      if (process.name === 'main') throw new MalformedProgram('main cannot exit');
      for (const description of process.descriptors.values()) drop(world, description);
      world.processes.delete(process.name);
      return plain('exit', zero);
    case 'rlimit':
      return rlimit(process, op);
    case 'drop_capability':
      if (op.capability === 'ipc_lock' || op.capability === 'all') process.ipcLock = false;
      if (op.capability === 'sys_resource' || op.capability === 'all') process.sysResource = false;
      return plain('drop_capability', zero);
    case 'set_parameter':
      if (!/^\d+$/.test(op.value) || op.module !== 'vfio_iommu_type1' || !parameters.has(op.parameter))
        return plain('set_parameter', undecided);
      world.parameters.set(`${op.module}.${op.parameter}`, op.value);
      return plain('set_parameter', zero);
    case 'bind_driver':
    case 'unbind_driver':
      if (op.device !== 'bound_to_host_driver' && !world.slots.get(op.slot)?.devices[op.device]) {
        throw new MalformedProgram(`there is no device ${op.device} in a slot ${op.slot}`);
      }
      if (!world.slots.has(op.slot)) throw new MalformedProgram(`there is no slot ${op.slot}`);
      return handle(op.op);
    case 'barrier':
      return plain('barrier', zero);
    case 'read_event':
      look(call, op.fd);
      return readEvent(call.object);
    default:
      return op satisfies never;
  }
}

/** Paths that every target has; of others the vocabulary knows nothing. */
const present = new Set(['/', '/dev/null', '/dev/zero']);

/** Parameters of the type1 module that a program may set to a number. */
const parameters = new Set(['dma_entry_limit', 'disable_hugepages', 'allow_unsafe_interrupts', 'pasid_quota']);

/** The vocabulary's own rules, one for each op; most ops have a handler that speaks of them instead. */
const plainRules: ReadonlyMap<string, Rule> = new Map(
  opNames.map((op) => [
    op,
    {
      id: `vocabulary_${op}`,
      level: 'MUST',
      sentence: `The op ${op} does what the vocabulary of programs says.`,
      sources: [{ source: 'project', at: 'spec/uapi/schema/program.schema.json' }],
    },
  ]),
);

function plain(op: Op['op'], outcome: RuleOutcome): Decision {
  return { rule: plainRules.get(op)!, outcome };
}

/** Further requests that no driver sees, because every descriptor has them: FIOASYNC, FIBMAP and their like. */
const handledAbove = new Set([0x1, 0x2, 0x5452, 0x5460, 0x4020940b, 0xc020660b]);

/** Puts the argument of an ioctl in place; false if the process may not store there. */
function storeArgument(call: IoctlCall, { argument }: IoctlOp): boolean {
  if ('value' in argument) call.argument.value = toBigInt(argument.value);
  else {
    const { memory, at, bytes, relocations } = argument;
    const target = region(call.process, memory);
    call.argument.value = addressIn(target, at);
    if (bytes !== undefined && !poke(call.process, target, at, bytes, relocations)) return false;
  }
  return true;
}

function ioctl(call: Call, op: IoctlOp, contract: Contract, note: Note): Decision {
  const { process } = call;
  const description = process.descriptors.get(numberOf(process, op.fd));
  if (!storeArgument(call, op)) return plain('ioctl', errno('EFAULT'));
  if (!description || description.pathOnly) return plain('ioctl', errno('EBADF'));
  call.object = description.object;
  if (description.object.kind === 'foreign') return plain('ioctl', undecided);
  // The kernel takes the request as 32 bits.
  const number = typeof op.number === 'number' ? op.number >>> 0 : Number(BigInt.asUintN(32, toBigInt(op.number)));
  if (handledAbove.has(number)) return plain('ioctl', undecided);
  const kind = description.object.kind;
  return perform(contract.ioctls[kind].get(number) ?? contract.unknown[kind], call, note);
}

/** Reads and clears a counter: what was signalled before has arrived. */
function readEvent(object: OpenFileDescription['object'] | undefined): Decision {
  if (!object) return plain('read_event', errno('EBADF'));
  if (object.kind !== 'foreign' || !object.event) return plain('read_event', undecided);
  const { count } = object.event;
  object.event.count = 0;
  return plain('read_event', { kind: 'value', value: count });
}

/** Maps memory of the program's own, or that of a device; containers and groups have none. */
function mmap(call: Call, op: MmapOp, handle: (name: string) => Decision): Decision {
  const { process } = call;
  let decision = plain('mmap', zero);
  if (op.backing === 'fd') {
    // Of a range that goes on behind the last place of any file the contract says nothing.
    if (toBigInt(op.offset ?? 0) + BigInt(op.length) >= 1n << 64n) return plain('mmap', undecided);
    look(call, op.fd!);
    decision = handle('mmap');
    if (decision.outcome.kind !== 'value') return decision;
  }
  if (op.length % PAGE !== 0) throw new MalformedProgram(`memory ${op.as} is no whole number of pages`);
  process.memory.map(op, op.backing === 'fd');
  nameMemory(process, op.as);
  return decision;
}

/** Descriptors that Linux lets a process have at most, unless its administrator says otherwise. */
const MOST_DESCRIPTORS = 2n ** 20n;

/** Sets a limit, hard and soft; raising it takes a privilege. */
function rlimit(process: Process, { resource, value }: RlimitOp): Decision {
  const limit = toBigInt(value);
  if (resource === 'nofile' && limit > MOST_DESCRIPTORS) return plain('rlimit', undecided);
  const now = resource === 'memlock' ? process.memlockBytes : BigInt(process.openFiles);
  if (limit > now && !process.sysResource) return plain('rlimit', errno('EPERM'));
  if (resource === 'memlock') process.memlockBytes = limit;
  else process.openFiles = Number(limit);
  return plain('rlimit', zero);
}

function plug(world: World, name: Name): void {
  const slot = world.slots.get(name);
  if (!slot) throw new MalformedProgram(`there is no slot ${name}`);
  const device = new Device(slot.properties, deviceOf(world.environment, slot.properties));
  device.bound = false;
  slot.devices.push(device);
}

function fork(world: World, parent: Process, name: Name): void {
  if (world.processes.has(name)) throw new MalformedProgram(`there is a process ${name} already`);
  const child = newProcess(name, parent.memory.fork());
  for (const [key, number] of parent.names) child.names.set(key, number);
  for (const [key, value] of parent.saved) child.saved.set(key, value);
  for (const [number, description] of parent.descriptors) {
    child.descriptors.set(number, description);
    description.refs++;
  }
  child.memlockBytes = parent.memlockBytes;
  child.ipcLock = parent.ipcLock;
  child.sysResource = parent.sysResource;
  child.openFiles = parent.openFiles;
  for (const number of parent.closeOnExec) child.closeOnExec.add(number);
  world.processes.set(name, child);
  for (const region of child.memory.regions.values()) followsAll(world, region);
}
