import { expect } from 'vitest';
import {
  access,
  busMaster,
  map,
  memory,
  openContainer,
  openDevice,
  openGroup,
  setContainer,
  setIommu,
} from '../conformance/programs/build.ts';
import { guestTables, tableMemory } from '../conformance/programs/guest-tables.ts';
import { loadContract } from '../spec/contract/load.ts';
import { parameterSetting } from '../spec/contract/setting.ts';
import type { DmaOp, Machine, Op, Slot } from '../spec/uapi/vocabulary.ts';
import { compileContract } from './interpreter/contract.ts';
import { execute } from './interpreter/execute.ts';
import { type Expectation, faultOf } from './interpreter/expectation.ts';
import type { InvalidationScope } from './memory/translation-cache.ts';
import { modelEnvironment } from './model-target.ts';
import { domainOf, World } from './state/state.ts';

const data = loadContract();
const contract = compileContract(data, parameterSetting(data, 'v1-singleton', { unmap_flushes_nested: 'no' }));

/** The PASID to which the tables are bound. */
export const PASID = 7;
/** Where the guest believes its memory and its tables to be. */
export const RAM = 0x20_0000;
export const TABLES = 0x10_0000;
/** Addresses of the guest's process, each a page of its own. */
export const FIRST = 0x4000_0000;
export const SECOND = FIRST + 0x1000;

/** Three pages of the guest, the last with a table of level 1 of its own. */
export const tables = guestTables({
  memory: 'tables',
  base: TABLES,
  pages: [
    { address: FIRST, to: RAM },
    { address: SECOND, to: RAM + 0x1000 },
    { address: FIRST + 0x20_0000, to: RAM + 0x2000 },
  ],
});

/** A machine on which the tables are bound, and whose ram says on each page which one it is. */
export class Bench {
  readonly world: World;
  /** How many ways there were, for each choice. */
  ways: number[] = [];
  /** Which of them it takes, the last one if there are fewer. */
  way = 0;
  private ops = 0;

  constructor(slot: Partial<Slot> = {}, machine: Machine = { nesting: 'four_levels' }, tableAccess = access.both) {
    const slots = { g: { devices: 1, viable: true, ...slot } };
    this.world = new World(modelEnvironment({ machine, slots: Object.values(slots) }), slots);
    this.run(
      memory('arg', 1),
      tableMemory('tables', 8),
      memory('ram', 3),
      ...[0, 1, 2].map(
        (page): Op => ({ op: 'poke', memory: 'ram', at: page * 4096, bytes: `0${page + 1}`.repeat(4096) }),
      ),
      openContainer('c'),
      openGroup('g', 'g'),
      setContainer('g', 'c'),
      setIommu('c', 'VFIO_TYPE1_IOMMU'),
      openDevice('g', 'g', 'd'),
      ...busMaster('d'),
      ...tables.ops,
      map('c', TABLES, 'tables', 0, 8, tableAccess),
      map('c', RAM, 'ram', 0, 3),
    );
    this.device.pasidTable.set(PASID, { root: tables.root, levels: 4 });
  }

  /** The device that transfers. */
  get device() {
    return this.world.slots.get('g')!.devices[0]!;
  }

  /** Runs ops, and gives what is expected of the last. */
  run(...ops: Op[]): Expectation {
    const choose = (ways: number) => {
      this.ways.push(ways);
      return Math.min(this.way, ways - 1);
    };
    return ops.map((op) => execute(contract, this.world, op, this.ops++, { choose })).at(-1)!;
  }

  /** What the device reads at an address: the byte that all of it is. */
  read(address: number | bigint): { byte: number; fault: string | undefined } {
    const fault = faultOf(this.run(dma('from-memory', address)));
    const [byte, ...others] = this.device.buffer!.subarray(0, 16);
    expect(new Set([byte, ...others]).size).toBe(1);
    return { byte: byte!, fault };
  }

  /** Flushes what the IOMMU may have cached. */
  flushIommu(what: InvalidationScope): void {
    domainOf(this.world.slots.get('g')!.group)!.cache.flush(what);
  }
}

/** A transfer of 16 bytes with the PASID by default. */
export function dma(direction: DmaOp['direction'], address: number | bigint, more: Partial<DmaOp> = {}): DmaOp {
  return { op: 'dma', device: 'd', direction, iova: `0x${address.toString(16)}`, length: 16, pasid: PASID, ...more };
}
