import type { Op, Program } from './vocabulary.ts';

/**
 * The first name of a memory, a slot or an actor that a program uses without saying what it stands for, in one clause;
 * undefined if there is none. A name of a descriptor may be unknown: it stands for one that is not open.
 */
export function unknownName({ topology, changes = [], ops }: Program): string | undefined {
  const isSlot = (name: string | undefined) => name !== undefined && Object.hasOwn(topology.slots, name);
  for (const [i, change] of changes.entries()) {
    if ('slot' in change && !isSlot(change.slot))
      return `/changes/${i} names the slot ${change.slot}, which topology does not have`;
  }
  /** Process -> its memories. */
  const processes = new Map<string, Set<string>>([['main', new Set()]]);
  for (const [i, op] of ops.entries()) {
    const process = (op.actor ?? 'main').split('/')[0]!;
    const memories = processes.get(process);
    if (!memories) return `/ops/${i} names the actor ${op.actor}, of a process that no fork before it makes`;
    const memory = memoryOf(op);
    if (memory !== undefined && !memories.has(memory))
      return `/ops/${i} names the memory ${memory}, which no mmap of ${process} before it makes`;
    if (wantsSlot(op) && !isSlot(op.slot))
      return `/ops/${i} ${op.slot === undefined ? 'names no slot' : `names the slot ${op.slot}, which topology does not have`}`;
    if (op.op === 'mmap') memories.add(op.as);
    else if (op.op === 'fork') processes.set(op.as, new Set(memories));
    else if (op.op === 'exit') processes.delete(process);
  }
  return undefined;
}

function memoryOf(op: Op): string | undefined {
  if (op.op === 'ioctl') return 'memory' in op.argument ? op.argument.memory : undefined;
  return 'memory' in op ? op.memory : undefined;
}

function wantsSlot(op: Op): op is Op & { slot?: string } {
  return op.op === 'open' ? op.what === 'group' || op.what === 'device' : 'slot' in op;
}
