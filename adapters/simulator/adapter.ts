import { readFileSync } from 'node:fs';
import type { Adapter, Description, Need, ProgramResult, Session } from '../../spec/uapi/adapter.ts';
import { emulatedEnvironment, machineName, spelledOut } from '../../spec/uapi/emulated-machine.ts';
import { fromBigInt } from '../../spec/uapi/integer.ts';
import { packageRoot } from '../../spec/uapi/package-root.ts';
import type { Environment, Machine, Program } from '../../spec/uapi/vocabulary.ts';
import { USER_END } from './bitmap-argument.ts';
import { ADDRESS_BITS, BUFFER_BYTES } from './edu-device.ts';
import { Executor, OPS } from './executor.ts';
import type { IommuUnit } from './iommu-domain.ts';
import { DMA_ENTRY_LIMIT, Kernel, type KernelSlot, PAGE_SIZES, RESERVED, unitOf } from './kernel.ts';
import { type Parameters, parseParameters } from './parameters.ts';
import { PAGE_SIZE } from './physical-memory.ts';

/**
 * An implementation of the uapi in this process. `parameters` set what it does where kernels differ; throws a
 * Problem for one that it does not know.
 */
export function simulatorAdapter(parameters?: Record<string, string>, target = 'sim'): Adapter {
  const parsed = parseParameters(parameters);
  return {
    target,
    start: async (need) => new SimulatorSession(parsed, need),
  };
}

class SimulatorSession implements Session {
  readonly window = 1;
  readonly description: Description;
  private readonly unit: IommuUnit;
  private readonly slots: ReadonlyMap<string, KernelSlot>;
  private readonly hasType1: boolean;

  constructor(
    private readonly parameters: Parameters,
    need: Need,
  ) {
    const machine = spelledOut(need.machine);
    this.unit = unitOf(machine, parameters);
    this.hasType1 = machine.type1Module;
    const slots = Object.fromEntries(
      need.slots.map((slot, i) => [`s${i}`, { dma: true, iommu: 0, resettable: false, ...slot }]),
    );
    this.slots = new Map(Object.entries(slots));
    this.description = {
      name: 'simulator',
      version: JSON.parse(readFileSync(`${packageRoot}/package.json`, 'utf8')).version,
      ops: [...OPS],
      environment: environmentOf(machine, slots),
    };
  }

  run(program: Program, slots: Record<string, string>): ProgramResult {
    const missing = this.missing(program, slots);
    if (missing !== undefined) return { end: 'unsupported', outcomes: [], detail: missing };
    const kernel = new Kernel(this.unit, this.parameters, this.hasType1, this.slots);
    try {
      return new Executor(kernel, slots).run(program.ops);
    } finally {
      kernel.physical.release();
    }
  }

  async stop(): Promise<void> {}

  /** What the program needs and this machine lacks. */
  private missing({ topology }: Program, slots: Record<string, string>): string | undefined {
    const machine: Record<string, unknown> = this.description.environment.machine as Record<string, unknown>;
    if (topology.machine !== undefined) {
      for (const [property, value] of Object.entries(topology.machine)) {
        if (machine[property] !== value) return `The machine has not got ${property} ${value}.`;
      }
    }
    for (const name in topology.slots) {
      const slot = topology.slots[name]!;
      const own = this.slots.get(slots[name] ?? '');
      if (
        own === undefined ||
        own.devices < slot.devices ||
        own.viable !== slot.viable ||
        own.resettable !== (slot.resettable ?? false)
      ) {
        return `The machine has no group for slot ${name}.`;
      }
    }
    return undefined;
  }
}

function environmentOf(machine: Required<Machine>, slots: Environment['slots']): Environment {
  return {
    id: machineName(machine),
    machine,
    slots,
    pageSize: PAGE_SIZE,
    apertureLast: fromBigInt((1n << BigInt(machine.addressBits)) - 1n),
    reserved: RESERVED.map(({ first, last }) => ({
      first: fromBigInt(BigInt(first)),
      last: fromBigInt(BigInt(last)),
    })),
    pageSizes: PAGE_SIZES,
    userAddressEnd: fromBigInt(BigInt(USER_END)),
    dmaEntryLimit: DMA_ENTRY_LIMIT,
    memlockExempt: true,
    dmaAddressBits: ADDRESS_BITS,
    dmaBufferBytes: BUFFER_BYTES,
    device: emulatedEnvironment(machine, slots).device,
  };
}
