import type { ProgramResult } from '../../spec/uapi/adapter.ts';
import { fromBigInt, toBigInt } from '../../spec/uapi/integer.ts';
import type { ForkOp, Integer, IoctlOp, Op, OpenOp, Outcome, PreadOp, PwriteOp } from '../../spec/uapi/vocabulary.ts';
import { EventCounter, eventNode } from './files/event-counter.ts';
import { type Node, OpenFile } from './files/file-table.ts';
import { standardNode } from './files/foreign-file.ts';
import { close, closesOnExec, dup, ioctl, open, openPipe, seek, transfer } from './files/system-calls.ts';
import { Injector } from './injector.ts';
import type { Kernel } from './kernel.ts';
import { PAGE_SIZE } from './mm/physical-memory.ts';
import type { UserMapping } from './mm/user-mapping.ts';
import { dma } from './ops/dma-op.ts';
import { toNumber, toOffset } from './ops/encoding.ts';
import {
  addressIn,
  discard,
  lock,
  memoryNamed,
  mmap,
  peek,
  protect,
  store,
  truncate,
  unmap,
} from './ops/memory-ops.ts';
import { fdNamed, ProgramProcess } from './ops/program-process.ts';
import { type Errno, ProgramEnd, type Result, unsupported } from './result.ts';
import { drain, type Hook } from './steps.ts';
import { Request } from './vfio/requests.ts';

const MAIN = 'main';
/** Place among the memories, for the executor's own. */
const OWN = -1;
/** Bytes of that memory: more than the longest name that can be spelled. */
const OWN_BYTES = 8 * PAGE_SIZE;

/** Performs the ops of one program on a kernel that has just come up. */
export class Executor {
  private readonly processes = new Map<string, ProgramProcess>();
  private readonly injector = new Injector();
  private readonly main: ProgramProcess;
  private memories = 0;
  private forks = 0;

  constructor(
    private readonly kernel: Kernel,
    /** Slot of the program -> slot of the machine. */
    private readonly slots: Readonly<Record<string, string>>,
  ) {
    const standard = new OpenFile('read-write');
    drain(standardNode.open(standard), undefined);
    this.main = new ProgramProcess(MAIN, 0, kernel, standard);
    this.processes.set(MAIN, this.main);
  }

  /** Performs the ops in order, as far as they go. */
  run(ops: readonly Op[]): ProgramResult {
    const outcomes: Outcome[] = [];
    try {
      for (const op of ops) {
        const process = op.actor === undefined ? this.main : this.processOf(op.actor);
        const outcome = this.perform(process, op);
        const changed = this.kernel.journal.collect(process);
        if (changed !== undefined) outcome.changed = changed;
        outcomes.push(outcome);
      }
    } catch (error) {
      if (error instanceof ProgramEnd) return { end: error.end, outcomes, detail: error.message };
      throw error;
    }
    return { end: 'completed', outcomes };
  }

  private perform(process: ProgramProcess, op: Op): Outcome {
    const actor = op.actor ?? MAIN;
    if (op.op === 'inject') {
      this.injector.arm(actor, op);
      return { value: 0 };
    }
    const hook = this.injector.take(actor);
    switch (op.op) {
      case 'open':
        return this.open(process, op, hook);
      case 'close':
        return outcomeOf(drain(close(process, this.takeFd(process, op.fd)), hook));
      case 'dup':
        return newFd(process, op.as, dup(process, fdNamed(process, op.fd)));
      case 'ioctl':
        return this.ioctl(process, op, hook);
      case 'mmap':
        return outcomeOf(mmap(process, op, this.memories++));
      case 'protect':
        return outcomeOf(protect(process, op));
      case 'unmap':
        return outcomeOf(drain(unmap(process, op), hook));
      case 'discard':
        return outcomeOf(discard(process, op));
      case 'poke':
        return outcomeOf(store(process, memoryNamed(process, op.memory), op) ? 0 : 'EFAULT');
      case 'peek':
        return peek(process, op);
      case 'pread':
        return this.transfer('read', process, op, hook);
      case 'pwrite':
        return this.transfer('write', process, op, hook);
      case 'dma':
        return dma(process, op, (register, value) => this.setRegister(process, op.device, register, value));
      case 'fork':
        return this.fork(process, op);
      case 'exit':
        return this.exit(process, hook);
      case 'rlimit':
        return outcomeOf(process.setLimit(op.resource, toNumber(op.value)) ?? 0);
      case 'drop_capability':
        process.dropCapability(op.capability);
        return { value: 0 };
      case 'set_parameter':
        return outcomeOf(this.kernel.setParameter(op.module, op.parameter, op.value));
      case 'bind_driver':
        return outcomeOf(this.kernel.bindDriver(this.slot(op.slot), op.device, op.driver));
      case 'unbind_driver':
        return outcomeOf(drain(this.kernel.unbindDriver(this.slot(op.slot), op.device), hook));
      case 'plug':
        this.kernel.plug(this.slot(op.slot));
        return { value: 0 };
      case 'barrier':
        return { value: 0 };
      case 'seek':
        return outcomeOf(seek(process, fdNamed(process, op.fd), toOffset(op.offset)));
      case 'close_on_exec':
        return outcomeOf(closesOnExec(process, fdNamed(process, op.fd)));
      case 'read_event':
        return outcomeOf(readEvent(process, fdNamed(process, op.fd)));
      case 'truncate':
        return outcomeOf(truncate(process, op));
      case 'lock':
        return outcomeOf(lock(process, op));
      default:
        return unsupported(`the op ${(op satisfies never as Op).op}`);
    }
  }

  private open(process: ProgramProcess, op: OpenOp, hook: Hook | undefined): Outcome {
    if (op.what === 'pipe') return newFd(process, op.as, drain(openPipe(process), hook));
    if (op.what !== 'device') {
      return newFd(process, op.as, drain(open(process, this.node(op), op.access ?? 'read-write'), hook));
    }
    const name = this.kernel.deviceName(this.slot(op.slot), op.device ?? 0);
    const spelled = (op.spelling ?? '{name}').replace('{name}', name).replace('{cut}', name.slice(0, -1));
    const address = this.ownMemory(process, Buffer.from(`${spelled}\0`));
    const steps = ioctl(process, fdNamed(process, op.group ?? ''), Request.GROUP_GET_DEVICE_FD, address);
    return newFd(process, op.as, drain(steps, hook));
  }

  private node(op: OpenOp): Node | undefined {
    switch (op.what) {
      case 'container':
        return this.kernel.containerNode;
      case 'group':
        return this.kernel.groupNode(this.slot(op.slot));
      case 'event':
        return eventNode;
      default:
        return this.kernel.nodeAt(op.path ?? '');
    }
  }

  private ioctl(process: ProgramProcess, op: IoctlOp, hook: Hook | undefined): Outcome {
    const { argument } = op;
    let address: number;
    let mapping: UserMapping | undefined;
    if ('memory' in argument) {
      mapping = memoryNamed(process, argument.memory);
      const { at, bytes, relocations } = argument;
      address = addressIn(mapping, at);
      if (bytes !== undefined && !store(process, mapping, { at, bytes, relocations })) return { errno: 'EFAULT' };
    } else address = toNumber(argument.value);
    const request = typeof op.number === 'number' ? op.number >>> 0 : Number(toBigInt(op.number) & 0xffff_ffffn);
    const result = drain(ioctl(process, fdNamed(process, op.fd), request, address), hook);
    const outcome = op.as === undefined ? outcomeOf(result) : newFd(process, op.as, result);
    if (op.save !== undefined && op.save.length > 0 && outcome.errno === undefined)
      this.save(process, op, mapping, address, outcome);
    return outcome;
  }

  private save(
    process: ProgramProcess,
    op: IoctlOp,
    mapping: UserMapping | undefined,
    address: number,
    outcome: Outcome,
  ): void {
    const saved: [string, Integer][] = [];
    for (const { name, at, width } of op.save ?? []) {
      const bytes = process.mm.copyBytesFromUser(address + at, width);
      if (bytes === undefined || mapping === undefined) unsupported('saving what cannot be read');
      process.setName(name, fromBytes(bytes));
      mapping.relocated.hide(bytes, address + at - mapping.base);
      saved.push([name, fromBigInt(fromBytes(bytes))]);
    }
    outcome.saved = Object.fromEntries(saved);
  }

  private transfer(
    direction: 'read' | 'write',
    process: ProgramProcess,
    op: PreadOp | PwriteOp,
    hook: Hook | undefined,
  ): Outcome {
    const address = addressIn(memoryNamed(process, op.memory), op.at);
    const fd = fdNamed(process, op.fd);
    return outcomeOf(drain(transfer(direction, process, fd, toOffset(op.offset), address, op.length), hook));
  }

  private setRegister(process: ProgramProcess, device: string, register: number, value: number): Errno | undefined {
    const bytes = Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);
    const address = this.ownMemory(process, bytes);
    const written = drain(transfer('write', process, fdNamed(process, device), register, address, 4), undefined);
    return typeof written === 'string' ? written : undefined;
  }

  private fork(process: ProgramProcess, op: ForkOp): Outcome {
    if (this.processes.get(op.as)?.gone === false) unsupported(`two processes with the name ${op.as}`);
    this.processes.set(op.as, process.fork(op.as, ++this.forks));
    return { value: 0 };
  }

  private exit(process: ProgramProcess, hook: Hook | undefined): Outcome {
    if (process === this.main) unsupported('the exit of main');
    process.gone = true;
    drain(process.mm.dispose(), hook);
    drain(process.files.closeAll(), hook);
    return { value: 0 };
  }

  private processOf(actor: string): ProgramProcess {
    const slash = actor.indexOf('/');
    const process = this.processes.get(slash < 0 ? actor : actor.slice(0, slash));
    if (process === undefined || process.gone) unsupported(`ops of ${actor}, which does not run`);
    return process;
  }

  private slot(name: string | undefined): string {
    if (name === undefined || !Object.hasOwn(this.slots, name))
      return unsupported(`an op on slot ${name}, which the program does not have`);
    return this.slots[name]!;
  }

  private takeFd(process: ProgramProcess, name: string): number {
    const fd = fdNamed(process, name);
    if (fd >= 0) process.removeName(name);
    return fd;
  }

  /** Address of bytes that the executor itself keeps in the process, until the next time. */
  private ownMemory(process: ProgramProcess, bytes: Uint8Array): number {
    const own =
      process.mm.mappings.find(({ order }) => order === OWN) ??
      process.mm.map('', OWN, { length: OWN_BYTES, access: 3, backing: 'private', untouched: false, watched: false });
    process.mm.programStore(own, 0, bytes, Math.min(bytes.length, OWN_BYTES));
    return own.base;
  }
}

/** 4 or 8 bytes as a number, little endian. */
function fromBytes(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

/** What a counter has counted since the last time. */
function readEvent(process: ProgramProcess, fd: number): Result {
  const file = process.files.get(fd);
  if (file === undefined) return 'EBADF';
  if (file.access === 'write') return 'EBADF';
  const operations = file.operations!;
  if (operations instanceof EventCounter) return operations.take();
  return operations.readNext?.() ?? 'EINVAL';
}

function outcomeOf(result: Result): Outcome {
  return typeof result === 'string' ? { errno: result } : { value: result };
}

function newFd(process: ProgramProcess, name: string, result: Result): Outcome {
  if (typeof result === 'string') return { errno: result };
  process.setName(name, result);
  return { fd: name };
}
