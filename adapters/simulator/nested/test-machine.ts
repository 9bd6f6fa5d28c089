import { toHex } from '../../../spec/uapi/integer.ts';
import type { TransferFault } from '../../../spec/uapi/vocabulary.ts';
import { BUFFER_ADDRESS, Command, EduDevice, Register } from '../devices/edu-device.ts';
import { IommuDomain, type IommuUnit } from '../iommu/iommu-domain.ts';
import { Direction } from '../mm/direction.ts';
import { Journal } from '../mm/journal.ts';
import { Page, PhysicalMemory } from '../mm/physical-memory.ts';
import { ReverseMap } from '../mm/reverse-map.ts';
import type { Caching } from './caching.ts';
import { PasidFunction } from './pasid-function.ts';
import type { Hardware } from './translation.ts';
import { pagesAt } from './translation-cache.ts';

/** What the tests of translation are written with: a device with PASIDs, its IOMMU, and guest tables in host memory. */

export const always: Caching = { keeps: () => true, uses: () => true };
export const never: Caching = { keeps: () => false, uses: () => false };

/** Bits of an entry. */
export const P = 1n;
export const W = 2n;
export const U = 4n;
export const A = 0x20n;
export const D = 0x40n;
export const LARGE = 0x80n;
/** An entry that lets everything be done. */
export const RW = P | W | U;

export const PASID = 5;
/** Page with the top table; the others follow. */
export const ROOT_PAGE = 0x100;
export const READABLE = Direction.READ;
export const READ_WRITE = Direction.READ | Direction.WRITE;

/** Which entry of a table at a level an address selects. */
export const indexAt = (level: number, address: bigint) => Number((address >> BigInt(12 + 9 * (level - 1))) & 511n);

const UNIT: IommuUnit = {
  lastPage: 2 ** 27 - 1,
  reserved: [],
  pageSizes: 0x40201000,
  interruptRemapping: true,
  snoopControl: false,
  writeImpliesRead: false,
  nesting: { levels: 5, supervisorRequests: false, extendedAccess: false, memoryTypes: false },
};

/** What a transfer gave: bytes that the device read, and why not all was transferred. */
export interface Transferred {
  bytes: string;
  fault: TransferFault | undefined;
}

export class TestMachine {
  readonly domain = new IommuDomain(UNIT, 0, true);
  readonly pasids: PasidFunction;
  readonly device: EduDevice;
  readonly hardware: Hardware;
  private readonly physical = new PhysicalMemory();
  private nextTable = ROOT_PAGE + 1;

  constructor(
    caching: Caching,
    readonly levels: 4 | 5 = 4,
    pasidBits = 20,
  ) {
    this.pasids = new PasidFunction(pasidBits);
    this.hardware = { physical: this.physical, journal: new Journal(new ReverseMap()), caching };
    this.device = new EduDevice({ domain: this.domain }, this.hardware, this.pasids);
    // Bus mastering.
    this.device.config.store(4, 7);
    this.map(ROOT_PAGE);
    this.pasids.table.set(PASID, { root: BigInt(ROOT_PAGE) << 12n, levels });
  }

  /** Maps a new page of zeros, or one that is there, for the device. */
  map(iovaPage: number, allowed: number = READ_WRITE, page = new Page(0)): Page {
    this.domain.map(iovaPage, page, allowed);
    return page;
  }

  /** Changes what may be done with a mapped page. */
  protect(iovaPage: number, allowed: number): void {
    this.domain.map(iovaPage, this.domain.lookUp(iovaPage)!, allowed);
  }

  /** The bytes behind a mapped page. */
  bytes(iovaPage: number): Buffer {
    const bytes = this.physical.bytesOf(this.domain.lookUp(iovaPage)!);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  setEntry(tablePage: number, index: number, entry: bigint): void {
    this.bytes(tablePage).writeBigUInt64LE(entry, index * 8);
  }

  entry(tablePage: number, index: number): bigint {
    return this.bytes(tablePage).readBigUInt64LE(index * 8);
  }

  /** Page with the table of a level on the way to an address; tables that are not there are made. */
  tablePage(level: number, address: bigint): number {
    let page = ROOT_PAGE;
    for (let at = this.levels as number; at > level; at--) {
      const index = indexAt(at, address);
      if (this.entry(page, index) === 0n) {
        this.map(this.nextTable);
        this.setEntry(page, index, (BigInt(this.nextTable++) << 12n) | RW);
      }
      page = Number((this.entry(page, index) >> 12n) & 0xff_ffff_ffffn);
    }
    return page;
  }

  /** Lets an address of the guest lead to an I/O virtual page, by an entry at a level. */
  setLeaf(address: bigint, iovaPage: number, level = 1, flags = RW): void {
    const large = level === 1 ? 0n : LARGE;
    const base = iovaPage - (iovaPage % pagesAt(level));
    this.setEntry(this.tablePage(level, address), indexAt(level, address), (BigInt(base) << 12n) | flags | large);
  }

  /** Entry of a level on the way to an address. */
  entryOf(level: number, address: bigint): bigint {
    return this.entry(this.tablePage(level, address), indexAt(level, address));
  }

  /** The device reads, with a PASID; without one when it is null. */
  read(address: bigint, length: number, pasid: number | null = PASID): Transferred {
    const fault = this.transfer(Command.RUN, address, length, pasid);
    // What is in its buffer now, it stores to a page that is mapped for this alone.
    const page = this.map(0x8);
    this.transfer(Command.RUN | Command.TO_MEMORY, 0x8000n, length, null);
    return { bytes: toHex(this.physical.bytesOf(page).subarray(0, length)), fault };
  }

  /** The device writes bytes; gives the fault. */
  write(address: bigint, hex: string, pasid: number | null = PASID): TransferFault | undefined {
    this.map(0x9);
    this.bytes(0x9).write(hex, 'hex');
    this.transfer(Command.RUN, 0x9000n, hex.length / 2, null);
    return this.transfer(Command.RUN | Command.TO_MEMORY, address, hex.length / 2, pasid);
  }

  private transfer(command: number, address: bigint, length: number, pasid: number | null): TransferFault | undefined {
    const prefix = { upper: Number(BigInt.asUintN(64, address) >> 32n) };
    this.device.prefix = pasid === null ? prefix : { ...prefix, pasid };
    const low = Number(address & 0xffff_ffffn);
    const toMemory = (command & Command.TO_MEMORY) !== 0;
    this.store(Register.SOURCE, toMemory ? BUFFER_ADDRESS : low);
    this.store(Register.DESTINATION, toMemory ? low : BUFFER_ADDRESS);
    this.store(Register.COUNT, length);
    this.store(Register.COMMAND, command);
    this.device.prefix = undefined;
    return this.device.fault;
  }

  private store(register: number, value: number): void {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    this.device.store(register, 4, bytes);
  }
}
