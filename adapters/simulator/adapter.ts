import { readFileSync } from 'node:fs';
import type { Adapter, Description, Need, ProgramResult, Session } from '../../spec/uapi/adapter.ts';
import { emulatedEnvironment, emulates, machineName, spelledOut } from '../../spec/uapi/emulated-machine.ts';
import { fromBigInt } from '../../spec/uapi/integer.ts';
import { opNames } from '../../spec/uapi/op-names.ts';
import { packageRoot } from '../../spec/uapi/package-root.ts';
import { Problem } from '../../spec/uapi/problem.ts';
import type { Environment, Machine, Program, Slot } from '../../spec/uapi/vocabulary.ts';
import { partsWith, type SimulatorDefect } from './defects/defect.ts';
import { ADDRESS_BITS, BUFFER_BYTES } from './devices/edu-device.ts';
import { Executor } from './executor.ts';
import { FAULTS } from './injector.ts';
import type { IommuUnit } from './iommu/iommu-domain.ts';
import { Kernel, type KernelSlot, PAGE_SIZES, RESERVED, unitOf } from './kernel.ts';
import { PAGE_SIZE, PhysicalMemory } from './mm/physical-memory.ts';
import { DMA_ENTRY_LIMIT } from './module-parameters.ts';
import { SeededCaching } from './nested/caching.ts';
import { type Parameters, parseParameters } from './parameters.ts';
import { PARTS, type Parts } from './parts.ts';
import { USER_END } from './type1/bitmap-argument.ts';

/**
 * An implementation of the uapi in this process. `parameters` set what it does where kernels differ, and `cache_seed`,
 * a whole number, which translations its hardware keeps; with `defect` it does one thing wrong. Throws a Problem for what
 * it does not know, and for a defect that makes no difference with the parameters.
 */
export function simulatorAdapter(
  { cache_seed = '0', ...parameters }: Record<string, string> = {},
  target = 'sim',
  defect?: SimulatorDefect,
): Adapter {
  if (!/^-?\d+$/.test(cache_seed)) {
    throw new Problem(`The simulator's cache_seed cannot be ${cache_seed}; it is a whole number.`);
  }
  const parsed = parseParameters(parameters);
  const parts = defect === undefined ? PARTS : partsWith(defect, parsed);
  return {
    target,
    start: async (need) => new SimulatorSession(parts, parsed, need, cache_seed),
  };
}

/** A slot with every property that has a default. */
type SpelledOutSlot = Required<Omit<Slot, 'model'>> & Pick<Slot, 'model'>;

class SimulatorSession implements Session {
  readonly window = 1;
  readonly description: Description;
  private readonly unit: IommuUnit;
  private readonly slots: ReadonlyMap<string, KernelSlot>;
  private readonly hasType1: boolean;
  /** Buffers for the memory of the next program. */
  private readonly spare: Uint8Array[] = [];

  constructor(
    private readonly parts: Parts,
    private readonly parameters: Parameters,
    need: Need,
    private readonly cacheSeed: string,
  ) {
    const machine = spelledOut(need.machine);
    this.unit = unitOf(machine, parameters);
    this.hasType1 = machine.type1Module;
    const slots: Record<string, SpelledOutSlot> = Object.fromEntries(
      need.slots
        .map((slot, i) => [`s${i}`, slot] as const)
        .filter(([, slot]) => emulates(machine, slot))
        .map(([name, slot]) => [name, { dma: true, iommu: 0, resettable: false, kind: 'pci', pasidBits: 20, ...slot }]),
    );
    this.slots = new Map(Object.entries(slots));
    this.description = {
      name: 'simulator',
      version: JSON.parse(readFileSync(`${packageRoot}/package.json`, 'utf8')).version,
      ops: [...opNames],
      faults: [...FAULTS],
      environment: environmentOf(machine, slots),
    };
  }

  run(program: Program, slots: Record<string, string>): ProgramResult {
    const missing = this.missing(program, slots);
    if (missing !== undefined) return { end: 'unsupported', outcomes: [], detail: missing };
    const kernel = new Kernel(
      this.parts,
      this.unit,
      this.parameters,
      this.hasType1,
      this.slots,
      new SeededCaching(this.cacheSeed, program.id),
      new PhysicalMemory(this.spare),
    );
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
    const iommus = new Map<number, number>();
    for (const name in topology.slots) {
      const slot = topology.slots[name]!;
      const own = Object.hasOwn(slots, name) ? this.slots.get(slots[name]!) : undefined;
      if (
        own === undefined ||
        own.devices < slot.devices ||
        own.viable !== slot.viable ||
        own.resettable !== (slot.resettable ?? false) ||
        own.kind !== (slot.kind ?? 'pci') ||
        own.pasidBits !== (slot.pasidBits ?? 20) ||
        own.model !== slot.model
      ) {
        return `The machine has no group for slot ${name}.`;
      }
      // Which one it is does not matter, but which groups share it.
      const iommu = slot.iommu ?? 0;
      const known = iommus.get(iommu);
      if (known === undefined ? [...iommus.values()].includes(own.iommu) : known !== own.iommu) {
        return `The machine has the group for slot ${name} behind another IOMMU.`;
      }
      iommus.set(iommu, own.iommu);
    }
    return undefined;
  }
}

function environmentOf(machine: Required<Machine>, slots: Environment['slots']): Environment {
  const { device, models, nesting } = emulatedEnvironment(machine, slots);
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
    dmaAddressBits: machine.nesting === 'none' ? ADDRESS_BITS.ordinary : ADDRESS_BITS.nesting,
    dmaBufferBytes: BUFFER_BYTES,
    device,
    ...(models !== undefined && { models }),
    ...(nesting !== undefined && { nesting }),
  };
}
