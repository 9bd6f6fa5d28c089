import { unsupported } from '../result.ts';
import { ALLOCATION, type Steps } from '../steps.ts';
import type { Journal } from './journal.ts';
import { PAGE_SIZE, Page, type PhysicalMemory } from './physical-memory.ts';
import type { ReverseMap } from './reverse-map.ts';
import {
  Access,
  type MappedFile,
  type MappingStart,
  type MemoryOwner,
  type SharedPages,
  UserMapping,
} from './user-mapping.ts';

/** What all address spaces of a machine share. */
export interface MemorySystem {
  readonly physical: PhysicalMemory;
  readonly journal: Journal;
  readonly reverseMap: ReverseMap;
  /** Whether reading for a device what nobody touched pins the page of zeros. */
  readonly pinsZeroPage: boolean;
  /** The memory of a process that has none yet. */
  addressSpaceOf(process: MemoryOwner): AddressSpace;
}

/** The memory of a process, as its program, the kernel and the IOMMU driver get at it. */
export class AddressSpace {
  /** Pages charged to the process as locked. */
  lockedPages = 0;
  readonly mappings: UserMapping[] = [];
  private top = 0x7f00_0000_0000;
  private last: UserMapping | undefined;

  constructor(
    private readonly process: MemoryOwner,
    private readonly system: MemorySystem,
  ) {}

  /** Maps new memory below all other, with a gap. */
  map(name: string, order: number, start: Omit<MappingStart, 'base'>): UserMapping {
    const base = this.top - PAGE_SIZE - start.length;
    this.top = base - PAGE_SIZE;
    const mapping = new UserMapping(this.process, name, order, { ...start, base });
    this.mappings.push(mapping);
    this.last = mapping;
    return mapping;
  }

  /** Takes pages out of the process. Gives the file that nothing is mapped of any more, to be put. */
  unmap(mapping: UserMapping, first: number, count: number): MappedFile | undefined {
    if (mapping.gone) return undefined;
    if (mapping.backing === 'private') {
      for (let i = first; i < first + count; i++) this.dropPage(mapping, i);
    }
    if (mapping.locked !== undefined) {
      for (let i = first; i < first + count; i++) if (mapping.locked.delete(i)) this.lockedPages--;
    }
    mapping.setAccess(first, count, Access.GONE);
    return mapping.gone ? mapping.file : undefined;
  }

  /** Locks pages in place, within a limit; false when that is too low. Registers are in place anyway. */
  lock(mapping: UserMapping, first: number, count: number, limit: number): boolean {
    if (mapping.backing === 'device') return true;
    mapping.locked ??= new Set();
    const { locked } = mapping;
    let fresh = 0;
    for (let i = first; i < first + count; i++) if (!locked.has(i)) fresh++;
    if (this.lockedPages + fresh > limit) return false;
    for (let i = first; i < first + count; i++) locked.add(i);
    this.lockedPages += fresh;
    return true;
  }

  /** Gives the process the pages that it could not get at without waiting; false when there is none. */
  populate(mapping: UserMapping, index: number): boolean {
    if (mapping.backing === 'device') return true;
    if (mapping.access(index) === Access.NONE || !mapping.isPresent(index)) return false;
    if (mapping.backing === 'shared' || mapping.writable(index)) this.ownPage(mapping, index);
    return true;
  }

  /** Cuts the file behind a mapping: what lies behind is lost, but for devices that have it. */
  truncate(shared: SharedPages, present: number): void {
    for (let i = present; i < shared.present; i++) {
      const page = shared.pages[i];
      if (page) this.system.reverseMap.remove(page);
      shared.pages[i] = null;
      for (const mapping of shared.mappings) this.system.journal.drop(mapping, i);
    }
    shared.present = present;
  }

  /** Throws the contents of a private page away. Shared memory keeps its own. */
  discard(mapping: UserMapping, page: number): void {
    if (mapping.backing !== 'private') return;
    this.dropPage(mapping, page);
    mapping.pages[page] = null;
    this.system.journal.drop(mapping, page);
    mapping.relocated.clear(page * PAGE_SIZE, (page + 1) * PAGE_SIZE);
  }

  /** Whether the process can read all of a range. */
  canLoad(address: number, length: number): boolean {
    return this.allows(address, length, false);
  }

  /** Whether the process can store to all of a range. */
  canStore(address: number, length: number): boolean {
    return this.allows(address, length, true);
  }

  /** copy_from_user of whole 32-bit words, little endian; undefined when it faults. */
  copyFromUser(address: number, length: number): number[] | undefined {
    if (!this.canLoad(address, length)) return undefined;
    const mapping = this.find(address)!;
    const at = address - mapping.base;
    const page = mapping.pages[Math.floor(at / PAGE_SIZE)];
    const offset = at % PAGE_SIZE;
    const words: number[] = [];
    if (page?.bytes !== undefined && offset + length <= PAGE_SIZE) {
      const bytes = page.bytes;
      for (let i = offset; i < offset + length; i += 4) {
        words.push((bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24)) >>> 0);
      }
      return words;
    }
    for (let i = at; i < at + length; i += 4) {
      const low = mapping.load(i) | (mapping.load(i + 1) << 8);
      words.push((low | (mapping.load(i + 2) << 16) | (mapping.load(i + 3) << 24)) >>> 0);
    }
    return words;
  }

  /** copy_from_user of bytes; undefined when it faults. */
  copyBytesFromUser(address: number, length: number): Uint8Array | undefined {
    if (!this.canLoad(address, length)) return undefined;
    const bytes = new Uint8Array(length);
    if (length > 0) this.loadFromUser(address, length, bytes);
    return bytes;
  }

  /** copy_from_user into the beginning of a buffer; false when it faults. */
  loadFromUser(address: number, length: number, into: Uint8Array): boolean {
    if (!this.canLoad(address, length)) return false;
    const mapping = this.find(address)!;
    for (let i = 0; i < length; i++) into[i] = mapping.load(address - mapping.base + i);
    return true;
  }

  /** copy_to_user of 32-bit words, or of their first bytes; false when it faults. The bytes before it are stored. */
  copyToUser(address: number, words: readonly number[], length = words.length * 4): boolean {
    const bytes = new Uint8Array(words.length * 4);
    words.forEach((word, i) => {
      bytes[i * 4] = word;
      bytes[i * 4 + 1] = word >>> 8;
      bytes[i * 4 + 2] = word >>> 16;
      bytes[i * 4 + 3] = word >>> 24;
    });
    return this.copyBytesToUser(address, bytes, length);
  }

  /** put_user of a 32-bit word; false, with nothing stored, when it faults. */
  putUser(address: number, word: number): boolean {
    return this.canStore(address, 4) && this.copyToUser(address, [word]);
  }

  /** copy_to_user of the first bytes of a buffer; false when it faults. The bytes before the fault are stored. */
  copyBytesToUser(address: number, bytes: Uint8Array, length = bytes.length): boolean {
    let done = 0;
    while (done < length) {
      const mapping = this.find(address + done);
      if (mapping === undefined) return false;
      if (mapping.backing === 'device') unsupported('access of a process to the registers of a device');
      const at = address + done - mapping.base;
      const index = Math.floor(at / PAGE_SIZE);
      if (!mapping.writable(index)) return false;
      const count = Math.min(length - done, PAGE_SIZE - (at % PAGE_SIZE));
      this.storeInPage(mapping, index, at % PAGE_SIZE, bytes, done, count);
      done += count;
    }
    return true;
  }

  /** A string with a zero at its end; undefined when it faults before, null when `limit` bytes hold no zero. */
  copyStringFromUser(address: number, limit: number): string | null | undefined {
    let text = '';
    for (let i = 0; i < limit; i++) {
      if (!this.canLoad(address + i, 1)) return undefined;
      const mapping = this.find(address + i)!;
      const byte = mapping.load(address + i - mapping.base);
      if (byte === 0) return text;
      text += String.fromCharCode(byte);
    }
    return null;
  }

  /** Stores what the program itself wants in its memory; false, with nothing stored, when it may not. */
  programStore(mapping: UserMapping, at: number, bytes: Uint8Array, length: number): boolean {
    if (!this.canStore(mapping.base + at, length)) return false;
    let done = 0;
    while (done < length) {
      const index = Math.floor((at + done) / PAGE_SIZE);
      const from = (at + done) % PAGE_SIZE;
      const count = Math.min(length - done, PAGE_SIZE - from);
      mapping.stored?.add(index);
      const target = this.system.physical.bytesOf(this.ownPage(mapping, index));
      for (let i = 0; i < count; i++) target[from + i] = bytes[done + i]!;
      this.system.journal.afterProgramStore(mapping, index, from, count);
      done += count;
    }
    if (length > 0) mapping.relocated.clear(at, at + length);
    return true;
  }

  /** Pins a page for a device for long; EFAULT when the process may not use it that way. */
  *pin(page: number, forWriting: boolean): Steps<Page | 'EFAULT' | 'ENOMEM'> {
    const mapping = this.find(page * PAGE_SIZE);
    if (mapping === undefined) return 'EFAULT';
    const index = page - mapping.base / PAGE_SIZE;
    if ((mapping.access(index) & (forWriting ? Access.WRITE : Access.READ)) === 0) return 'EFAULT';
    if (mapping.backing === 'device') return mapping.reachable!() ? this.system.physical.registers : 'EFAULT';
    if (!mapping.isPresent(index)) return 'EFAULT';
    const held = mapping.pages[index];
    if (!held && mapping.fillOf(index) === 0) {
      if (!forWriting && mapping.backing === 'private' && this.system.pinsZeroPage)
        return this.system.physical.zeroPage;
      if (yield ALLOCATION) return 'ENOMEM';
    }
    const own = this.pageToPin(mapping, index, forWriting);
    own.pins++;
    if (mapping.backing === 'private') this.system.reverseMap.add(own, { mappings: [mapping] }, index);
    return own;
  }

  /** Gives the process pages of its own to write to, up to the first that it may not write. */
  faultIn(page: number, count: number): void {
    for (const end = page + count; page < end; page++) {
      const mapping = this.find(page * PAGE_SIZE);
      if (mapping === undefined || mapping.backing === 'device') return;
      const index = page - mapping.base / PAGE_SIZE;
      if (!mapping.writable(index)) return;
      this.ownPage(mapping, index);
    }
  }

  /** Gives a forked process the same memory. Pages pinned for devices stay with this one, the child gets copies. */
  forkTo(child: AddressSpace): void {
    child.top = this.top;
    for (const mapping of this.mappings) {
      const copy = mapping.copyFor(child.process);
      child.mappings.push(copy);
      if (copy.file !== undefined && !copy.gone) copy.file.references++;
      this.system.journal.fork(mapping, copy);
      if (mapping.backing !== 'private') continue;
      mapping.pages.forEach((page, i) => {
        if (page && page.pins > 0) copy.pages[i] = this.system.physical.copy(page);
        else {
          if (page) page.tables++;
          copy.pages[i] = page;
        }
      });
    }
  }

  /** The process is gone. What is pinned stays where it is; what was mapped of files is put. */
  *dispose(): Steps<void> {
    for (const mapping of this.mappings) {
      const file = this.unmap(mapping, 0, mapping.length / PAGE_SIZE);
      if (file !== undefined) yield* file.put();
      if (mapping.shared !== undefined) {
        mapping.shared.mappings = mapping.shared.mappings.filter((other) => other !== mapping);
      }
    }
  }

  private find(address: number): UserMapping | undefined {
    const last = this.last;
    if (last !== undefined && address >= last.base && address < last.base + last.length) return last;
    for (const mapping of this.mappings) {
      if (address >= mapping.base && address < mapping.base + mapping.length) {
        this.last = mapping;
        return mapping;
      }
    }
    return undefined;
  }

  private allows(address: number, length: number, store: boolean): boolean {
    if (length === 0) return true;
    const mapping = this.find(address);
    if (mapping === undefined) return false;
    const at = address - mapping.base;
    if (at + length > mapping.length) return false;
    if (mapping.backing === 'device') unsupported('access of a process to the registers of a device');
    const end = Math.floor((at + length - 1) / PAGE_SIZE);
    for (let i = Math.floor(at / PAGE_SIZE); i <= end; i++) {
      if (!(store ? mapping.writable(i) : mapping.readable(i))) return false;
    }
    return true;
  }

  private storeInPage(mapping: UserMapping, index: number, from: number, bytes: Uint8Array, at: number, count: number) {
    const page = this.ownPage(mapping, index);
    let first = 0;
    while (first < count && page.load(from + first) === bytes[at + first]) first++;
    if (first === count) return;
    if (mapping.shared === undefined) {
      this.system.journal.beforeStore(mapping, index, from + first, count - first);
    } else {
      for (const view of mapping.shared.mappings) {
        this.system.journal.beforeStore(view, index, from + first, count - first);
      }
    }
    const target = this.system.physical.bytesOf(page);
    for (let i = first; i < count; i++) target[from + i] = bytes[at + i]!;
  }

  /** The page frame at a place, there and not shared with another process's private memory. */
  protected ownPage(mapping: UserMapping, index: number): Page {
    const held = mapping.pages[index];
    if (!held) {
      const fresh = new Page(mapping.fillOf(index));
      if (mapping.shared !== undefined) this.system.reverseMap.add(fresh, mapping.shared, index);
      mapping.pages[index] = fresh;
      return fresh;
    }
    if (held.tables === 1 || mapping.shared !== undefined) return held;
    held.tables--;
    const copy = this.system.physical.copy(held);
    mapping.pages[index] = copy;
    return copy;
  }

  /** The page frame that a device gets: also to read only, it is the one that the process will store to. */
  protected pageToPin(mapping: UserMapping, index: number, _forWriting: boolean): Page {
    return this.ownPage(mapping, index);
  }

  private dropPage(mapping: UserMapping, index: number): void {
    const page = mapping.pages[index];
    if (!page) return;
    page.tables--;
    this.system.reverseMap.remove(page, mapping);
    mapping.pages[index] = null;
  }
}
