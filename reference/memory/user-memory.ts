import { toHex } from '../../spec/uapi/integer.ts';
import type { Changed, MmapOp, Protection } from '../../spec/uapi/vocabulary.ts';
import { Relocated } from './relocated.ts';
import { copyBytes, giveBack, takeBytes } from './spare-bytes.ts';

/** Bytes of a page. The model knows one page size; an environment with another is refused by the judge. */
export const PAGE = 4096;
const PAGE_BIG = 4096n;
const PAGE_SHIFT = 12n;
const PAGE_MASK = PAGE_BIG - 1n;

/** A page of physical memory. */
export interface Page {
  /** Contents; undefined as long as every byte is `fill`. */
  bytes: Uint8Array | undefined;
  fill: number;
  /** Nobody has stored to it or pinned it for good: the kernel has not given the process a page of its own. */
  untouched: boolean;
  /** Its changes are reported: the program has stored to it. */
  watched: boolean;
  /** Memory of a device: mappable, but neither compared nor charged. */
  device: boolean;
  /** Bytes that differ from what the program last knew, as [offset, byte before]. Undefined when there are none. */
  changes: Map<number, number> | undefined;
  /** Where the program stored addresses and the like, and nobody has stored anything else since. Undefined: nowhere. */
  relocated: Relocated | undefined;
  /** Where somebody else has stored over such bytes, and nobody has looked yet: what was there before is not known. */
  overwritten?: { start: number; end: number }[];
}

/** Bytes that somebody else stored over what the program does not know: whether they differ from that is not known either. */
export interface Overwritten {
  region: Region;
  at: number;
  length: number;
}

/** What a process may do with a page; a page that it unmapped is there for it no longer. */
export type PageProtection = Protection | 'unmapped';

/** A memory of a program: whole pages between two inaccessible ones. */
export interface Region {
  name: string;
  /** Where the model puts it; a program only sees that it is page aligned and away from everything else. */
  base: bigint;
  /** First byte after it. */
  end: bigint;
  /** Undefined where there is nothing to access: the process unmapped the page, or the file was cut. */
  pages: (Page | undefined)[];
  protection: PageProtection[];
  /** Whether its name still stands for it: what has lost its name is not compared any more. */
  named: boolean;
  /** Private pages are copied by fork. */
  private: boolean;
  /** Registers of a device: the program cannot look at them, nor store there. */
  device: boolean;
  /** Which file of its own the memory is, if it is one: it can be cut. */
  file: symbol | undefined;
  /** Pages that the file behind it still has. */
  present: number;
  /** Pages that the process has locked; none of a child's are. */
  locked: boolean[];
}

/** One process's user memory. */
export class UserMemory {
  readonly regions = new Map<string, Region>();
  private readonly all: Region[] = [];
  /** Where something was found last: most look-ups are for the same place again. */
  private last: Region | undefined;
  private next = 0x1000_0000_0000n;

  /** Nothing has that name any longer; what had it stays where it is. */
  forget(name: string): void {
    const region = this.regions.get(name);
    if (!region) return;
    region.named = false;
    this.regions.delete(name);
  }

  /** The regions that show a file. */
  ofFile(file: symbol): Region[] {
    return this.all.filter((region) => region.file === file);
  }

  /** Maps a new region, at an address of its own. */
  map(op: MmapOp, device: boolean): void {
    const count = op.length / PAGE;
    const untouched = device || op.fill === 'untouched' || op.backing === 'fd';
    const pages: Page[] = [];
    for (let i = 0; i < count; i++) {
      pages.push({
        bytes: undefined,
        fill: untouched ? 0 : 0xff,
        untouched,
        watched: !untouched,
        device,
        changes: undefined,
        relocated: undefined,
      });
    }
    this.forget(op.as);
    this.add({
      name: op.as,
      named: true,
      base: this.next,
      end: this.next + BigInt(op.length),
      pages,
      protection: new Array<PageProtection>(count).fill(op.protection ?? 'read-write'),
      private: (op.backing ?? 'anonymous') === 'anonymous',
      device,
      file: op.backing === 'memfd' || op.backing === 'file' ? Symbol(op.as) : undefined,
      present: count,
      locked: new Array<boolean>(count).fill(false),
    });
    this.next += BigInt(op.length) + 0x100_0000n;
  }

  /** Region and page index of an address; undefined where nothing is. */
  find(address: bigint): { region: Region; index: number } | undefined {
    let region = this.last;
    if (!region || address < region.base || address >= region.end) {
      region = this.all.find(({ base, end }) => address >= base && address < end);
      if (!region) return undefined;
      this.last = region;
    }
    return { region, index: Number((address - region.base) >> PAGE_SHIFT) };
  }

  /** How many bytes from the address on the process may access, up to `length`. */
  accessible(address: bigint, length: number, access: 'read' | 'write'): number {
    let done = 0;
    while (done < length) {
      const here = done === 0 ? address : address + BigInt(done);
      const at = this.find(here);
      if (!at || !permits(at.region, at.index, access)) break;
      done += PAGE - (Number(here & PAGE_MASK) || 0);
    }
    return Math.min(done, length);
  }

  /** Copies accessible bytes. */
  read(address: bigint, into: Uint8Array, from: number, length: number): void {
    let done = 0;
    while (done < length) {
      const { region, index } = this.find(address + BigInt(done))!;
      const offset = Number((address + BigInt(done)) & PAGE_MASK);
      const part = Math.min(length - done, PAGE - offset);
      readPage(region.pages[index]!, offset, into, from + done, part);
      done += part;
    }
  }

  /** What the kernel stores at accessible bytes; what changes is reported. */
  store(address: bigint, bytes: Uint8Array): void {
    this.each(address, bytes.length, (page, offset, from, part) =>
      storePage(page, offset, part === bytes.length ? bytes : bytes.subarray(from, from + part)),
    );
  }

  /** What the program itself stores at accessible bytes: not reported. */
  poke(region: Region, at: number, bytes: Uint8Array): void {
    this.each(region.base + BigInt(at), bytes.length, (page, offset, from, part) => {
      page.untouched = false;
      page.watched = true;
      writable(page).set(part === bytes.length ? bytes : bytes.subarray(from, from + part), offset);
      page.relocated?.clear(offset, offset + part);
      if (page.changes) for (let i = 0; i < part; i++) page.changes.delete(offset + i);
    });
  }

  /** What the program has just stored in some bytes is a value that it does not know. */
  relocate(region: Region, at: number, width: number): void {
    this.each(region.base + BigInt(at), width, (page, offset, _from, part) => {
      page.relocated ??= new Relocated();
      page.relocated.mark(offset, offset + part);
    });
  }

  /** Bytes of a region that can be read, as the program is shown them. */
  peek(region: Region, at: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    this.each(region.base + BigInt(at), length, (page, offset, from, part) => {
      readPage(page, offset, bytes, from, part);
      page.relocated?.hide(bytes.subarray(from, from + part), offset);
    });
    return bytes;
  }

  /** Gives the contents up for others to use; the memory must not be used afterwards. */
  release(): void {
    for (const region of this.all) {
      for (const page of region.pages) {
        if (!page?.bytes) continue;
        giveBack(page.bytes);
        page.bytes = undefined;
      }
    }
  }

  /** A copy for a forked child: private pages are copied, others shared. */
  fork(): UserMemory {
    const child = new UserMemory();
    child.next = this.next;
    for (const region of this.all) {
      const pages = region.private
        ? region.pages.map(
            (page) =>
              page && {
                ...page,
                bytes: page.bytes?.slice(),
                changes: page.changes && new Map(page.changes),
                relocated: page.relocated?.copy(),
              },
          )
        : [...region.pages];
      const locked = region.locked.map(() => false);
      child.add({ ...region, pages, protection: [...region.protection], locked });
    }
    return child;
  }

  /** The same memory for a copy of the process, made of the copies of its pages. */
  copy(page: (page: Page) => Page): UserMemory {
    const copy = new UserMemory();
    copy.next = this.next;
    for (const region of this.all) {
      copy.add({
        ...region,
        pages: region.pages.map((one) => one && page(one)),
        protection: [...region.protection],
        locked: [...region.locked],
      });
    }
    return copy;
  }

  /** The changes of all readable pages as an outcome shows them; `overwritten` gets those that depend on what is not known. */
  collectNews(process: string | undefined, out: Changed[], overwritten?: Overwritten[]): void {
    for (const region of this.all) {
      if (!region.named) continue;
      let run: { at: number; bytes: number[] } | undefined;
      for (let index = 0; index < region.pages.length; index++) {
        const page = region.pages[index];
        if (!page || region.protection[index] === 'none') continue;
        if (page.overwritten)
          for (const { start, end } of page.overwritten)
            overwritten?.push({ region, at: index * PAGE + start, length: end - start });
        if (!page.changes) continue;
        for (const offset of page.changes.keys()) page.relocated?.clear(offset, offset + 1);
        for (const offset of [...page.changes.keys()].sort((a, b) => a - b)) {
          const at = index * PAGE + offset;
          const byte = page.bytes![offset]!;
          if (run && run.at + run.bytes.length === at) run.bytes.push(byte);
          else {
            if (run) out.push(changed(process, region, run));
            run = { at, bytes: [byte] };
          }
        }
      }
      if (run) out.push(changed(process, region, run));
    }
  }

  /** Clears the changes of all readable pages: they were reported to every process that sees them. */
  clearChanges(): void {
    for (const region of this.all) {
      for (let index = 0; index < region.pages.length; index++) {
        const page = region.pages[index];
        if (!page || region.protection[index] === 'none') continue;
        if (page.changes) page.changes = undefined;
        if (page.overwritten) delete page.overwritten;
      }
    }
  }

  private add(region: Region): void {
    if (region.named) this.regions.set(region.name, region);
    this.all.push(region);
  }

  private each(
    address: bigint,
    length: number,
    each: (page: Page, offset: number, from: number, part: number) => void,
  ): void {
    let done = 0;
    while (done < length) {
      const { region, index } = this.find(address + BigInt(done))!;
      const offset = Number((address + BigInt(done)) & PAGE_MASK);
      const part = Math.min(length - done, PAGE - offset);
      each(region.pages[index]!, offset, done, part);
      done += part;
    }
  }
}

function changed(process: string | undefined, region: Region, run: { at: number; bytes: number[] }): Changed {
  const one: Changed = { memory: region.name, at: run.at, bytes: toHex(run.bytes) };
  return process === undefined ? one : { process, ...one };
}

/** A page of its own with the same contents. */
export function copyPage(page: Page): Page {
  const copy = { ...page };
  if (page.bytes) copy.bytes = copyBytes(page.bytes);
  if (page.changes) copy.changes = new Map(page.changes);
  if (page.relocated) copy.relocated = page.relocated.copy();
  return copy;
}

/** Whether the kernel, acting for the process, may copy from or to a page. On x86 what can be written can be read. */
export function permits(region: Region, index: number, access: 'read' | 'write'): boolean {
  const protection = region.protection[index];
  if (!region.pages[index] || protection === 'none') return false;
  return access === 'read' || protection !== 'read';
}

const FEW = 128;

/** Copies bytes of a page. */
export function readPage(page: Page, offset: number, into: Uint8Array, from: number, length: number): void {
  const { bytes } = page;
  if (!bytes) into.fill(page.fill, from, from + length);
  // A view costs more than a few bytes.
  else if (length <= FEW) for (let i = 0; i < length; i++) into[from + i] = bytes[offset + i]!;
  else into.set(bytes.subarray(offset, offset + length), from);
}

/** The 32-bit value at an offset of a page. */
export function wordOf({ bytes, fill }: Page, at: number): number {
  const byte = (i: number) => bytes?.[at + i] ?? fill;
  return (byte(0) | (byte(1) << 8) | (byte(2) << 16) | (byte(3) << 24)) >>> 0;
}

/** What the kernel or a device stores in a page. */
export function storePage(page: Page, offset: number, bytes: Uint8Array): void {
  const target = writable(page);
  page.untouched = false;
  if (page.relocated) {
    const spans = page.relocated.within(offset, offset + bytes.length);
    if (spans.length > 0) page.overwritten = [...(page.overwritten ?? []), ...spans];
  }
  for (let i = 0; i < bytes.length; i++) {
    const before = target[offset + i]!;
    if (before === bytes[i]) continue;
    target[offset + i] = bytes[i]!;
    if (page.watched) note(page, offset + i, before);
  }
}

/** A byte that changes and changes back before anybody looks has not changed. */
function note(page: Page, offset: number, before: number): void {
  page.changes ??= new Map();
  const first = page.changes.get(offset);
  if (first === undefined) page.changes.set(offset, before);
  else if (first === page.bytes![offset]) page.changes.delete(offset);
}

function writable(page: Page): Uint8Array {
  if (!page.bytes) {
    page.bytes = takeBytes(PAGE);
    page.bytes.fill(page.fill);
  }
  return page.bytes;
}
