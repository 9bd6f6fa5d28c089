import { expect } from 'vitest';
import { memory, openContainer, openGroup, setContainer, setIommu } from '../../conformance/programs/build.ts';
import { loadContract } from '../../spec/contract/load.ts';
import { parameterSetting } from '../../spec/contract/setting.ts';
import type { ContractData, Step } from '../../spec/contract/types.ts';
import type { Op, Outcome, Program } from '../../spec/uapi/vocabulary.ts';
import { modelEnvironment, runOnModel } from '../model-target.ts';
import { type Contract, compileContract } from './contract.ts';

export const data = loadContract();
export const setting = parameterSetting(data, 'type1-6.12');
export const slot = { devices: 1, viable: true };
export const environment = modelEnvironment({ machine: {}, slots: [slot] });
export const ready: Op[] = [
  memory('arg', 1),
  memory('ram', 4),
  openContainer('c'),
  openGroup('g', 'g'),
  setContainer('g', 'c'),
  setIommu('c', 'VFIO_TYPE1v2_IOMMU'),
];
export const program = (ops: Op[]): Program => ({ id: 'test', topology: { slots: { g: slot } }, ops });

/** The contract with other steps in one handler. */
export function withSteps(handler: string, steps: Step[], more: Partial<ContractData> = {}): ContractData {
  expect(data.handlers.map(({ id }) => id)).toContain(handler);
  return { ...data, ...more, handlers: data.handlers.map((one) => (one.id === handler ? { ...one, steps } : one)) };
}

/** Outcomes of the last ops of a program. */
export function outcomes(contract: Contract, before: Op[], ops: Op[]): Outcome[] {
  const result = runOnModel(contract, environment, program([...before, ...ops]));
  expect(result.detail).toBeUndefined();
  return result.outcomes.slice(before.length);
}
export const compiled = (handler: string, steps: Step[]): Contract =>
  compileContract(withSteps(handler, steps), setting);
export const short = ({ errno, value, fd }: Outcome): string | number | undefined => errno ?? fd ?? Number(value);
export const shorts = (contract: Contract, before: Op[], ops: Op[]) => outcomes(contract, before, ops).map(short);

/** Sizes in pages, or errnos, that UNMAPs report. */
export function reported(contract: Contract, before: Op[], ops: Op[]): (number | string)[] {
  return outcomes(contract, before, ops).map((outcome, i) => {
    const op = ops[i]!;
    if (outcome.errno || op.op !== 'ioctl' || !('bytes' in op.argument)) return short(outcome)!;
    const block = Buffer.from(op.argument.bytes!, 'hex');
    for (const { at, bytes } of outcome.changed ?? []) block.write(bytes, at, 'hex');
    return block.length === 24 ? Number(block.readBigUInt64LE(16) / 4096n) : short(outcome)!;
  });
}

export const dropLock: Op = { op: 'drop_capability', capability: 'ipc_lock' };
export const memlock = (count: number): Op => ({ op: 'rlimit', resource: 'memlock', value: count * 0x1000 });

/** A MAP_DMA whose argument starts at a byte of a memory, with some bytes stored there first. */
export function ioctlOn(name: string, at: number, bytes: string): Op {
  const stored = bytes === '' ? {} : { bytes: bytes.padEnd(64, '0') };
  return { op: 'ioctl', fd: 'c', number: 0x3b71, argument: { memory: name, at, ...stored } };
}
