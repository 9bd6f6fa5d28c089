import type { ContractData } from '../../spec/contract/types.ts';
import { Problem } from '../../spec/uapi/problem.ts';
import { uapi } from '../../spec/uapi/uapi.ts';
import type { Call, Manner } from '../call/call.ts';
import { ArgumentBuffer } from '../memory/argument-buffer.ts';
import { Compiler } from './compiler.ts';
import type { Defect } from './defect.ts';
import type { Decision } from './expectation.ts';
import type { DriverTable } from './fan-out.ts';

/** What one ioctl or op does, always a decision in the end, and the id of the handler that says so. */
export type HandlerFunction = ((call: Call, note: (rule: string) => void) => Decision) & { readonly handler: string };

/** The contract at one setting of its parameters. */
export interface Contract extends Manner {
  data: ContractData;
  parameters: Record<string, string>;
  /** Handler of an op: `open container`, `close`, ... */
  ops: Map<string, HandlerFunction>;
  /** Handlers of ioctls by kind of descriptor and number. */
  ioctls: Record<Kind, Map<number, HandlerFunction>>;
  /** Handlers of numbers that nobody knows. */
  unknown: Record<Kind, HandlerFunction>;
  /** What follows when groups have left their containers. */
  groupsLeft: DriverTable;
  /** Rules that are in a handler at this setting. */
  rules: Set<string>;
}

/** Kinds of VFIO descriptors. */
export type Kind = 'container' | 'group' | 'device';
const kinds: Kind[] = ['container', 'group', 'device'];

/** Makes the contract at a setting executable. With a defect, one rule is wrong. */
export function compileContract(data: ContractData, parameters: Record<string, string>, defect?: Defect): Contract {
  const rules = new Set<string>();
  const compiler = new Compiler(data, parameters, rules, defect);
  const byName = new Map<string, HandlerFunction>();
  const ops = new Map<string, HandlerFunction>();
  for (const handler of data.handlers) {
    // A table is compiled where it is named.
    if (handler.table) continue;
    const runnable = Object.assign(compiler.handler(handler), { handler: handler.id });
    if (handler.op) ops.set(handler.op, runnable);
    else if (handler.ioctl) byName.set(handler.ioctl, runnable);
  }
  for (const name of requiredOps) missing(ops.has(name), name);
  for (const kind of kinds) missing(byName.has(`unknown ${kind}`), `unknown ${kind}`);
  const table = (kind: Kind) => {
    const numbers = new Map<number, HandlerFunction>();
    for (const [name, ioctl] of Object.entries(uapi.ioctls)) {
      if (ioctl.fd !== kind && ioctl.fd !== 'any') continue;
      const handler = byName.get(name) ?? byName.get(`elsewhere ${kind}`);
      missing(handler !== undefined, name);
      numbers.set(ioctl.number, handler!);
    }
    return numbers;
  };
  const each = <T>(make: (kind: Kind) => T) =>
    Object.fromEntries(kinds.map((kind) => [kind, make(kind)])) as Record<Kind, T>;
  return {
    data,
    parameters,
    ops,
    ioctls: each(table),
    unknown: each((kind) => byName.get(`unknown ${kind}`)!),
    groupsLeft: compiler.table('groups left'),
    sizeFirst: parameters.driver === 'v5.10',
    prefersCached: defect?.kind === 'removed' && data.rules.get(defect.rule)?.invalidates === true,
    argumentBuffer: new ArgumentBuffer(),
    rules,
  };
}

/** The ops that need a handler. */
const requiredOps = [
  'open container',
  'open group',
  'open device',
  'close',
  'seek',
  'pread',
  'pwrite',
  'mmap',
  'dma',
  'inject',
  'allocation failure',
  'bind_driver',
  'unbind_driver',
];

function missing(there: boolean, name: string): void {
  if (!there) throw new Problem(`the contract has no handler for ${name}; add one in handlers/.`);
}
