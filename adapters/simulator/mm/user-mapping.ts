import type { Steps } from '../steps.ts';
import { PAGE_SIZE, type Page } from './physical-memory.ts';
import { Relocated } from './relocated.ts';

/** What a process may do with a page: bits. */
export const Access = { NONE: 0, READ: 1, WRITE: 2, GONE: 4 } as const;

/** Pages by place: `undefined` as first filled, `null` thrown away (it reads as zeros, and nobody holds it). */
export type Pages = (Page | null | undefined)[];

/** Pages that several mappings show: shared memory. */
export interface SharedPages {
  pages: Pages;
  mappings: UserMapping[];
  /** Pages that are there: what lies behind has been cut off. */
  present: number;
  /** Whether a file of the program's own is behind them, which can be cut. */
  readonly file: boolean;
  /** See UserMapping. */
  readonly relocated: Relocated;
}

/** The process that memory belongs to. */
export interface MemoryOwner {
  readonly name: string;
  /** Place among the processes of the program. */
  readonly order: number;
  readonly gone: boolean;
}

/** An open file, as far as memory that shows it is concerned. */
export interface MappedFile {
  references: number;
  /** How it was opened: what was opened to be read only, no mapping of it can be written, ever. */
  readonly access: string;
  /** Gives up one reference. */
  put(): Steps<void>;
}

/** How a mapping begins. */
export interface MappingStart {
  base: number;
  length: number;
  access: number;
  /** Memory of the process alone, memory that others can have too, a file of its own, or registers. */
  backing: 'private' | 'shared' | 'file' | 'device';
  untouched: boolean;
  watched: boolean;
  /** Shared memory: bytes that there are of it, from its start; all of them if this is not given. */
  present?: number;
  /** Registers: whether the device lets itself be reached. */
  reachable?: () => boolean;
  /** The open file that the mapping keeps open. */
  file?: MappedFile;
}

/** Memory of one process: whole pages at consecutive addresses, with nothing before and after them. */
export class UserMapping {
  readonly base: number;
  readonly length: number;
  readonly backing: 'private' | 'shared' | 'device';
  readonly reachable: (() => boolean) | undefined;
  readonly file: MappedFile | undefined;
  pages: Pages = [];
  shared: SharedPages | undefined;
  /** Pages of untouched memory that the program has stored to; undefined: every page counts as stored to. */
  stored: Set<number> | undefined;
  /** Bytes in which the program stored what it cannot know, such as addresses; those of shared memory are so for all processes. */
  readonly relocated: Relocated;
  /** Whether changes are reported to the program: for as long as it has its name for it. */
  watched: boolean;
  /** Pages that are locked in place. */
  locked: Set<number> | undefined;
  private uniform: number;
  private single: Uint8Array | undefined;

  constructor(
    readonly process: MemoryOwner,
    /** Name that the program gave it. */
    readonly name: string,
    /** Place among all memory of the program. */
    readonly order: number,
    start: MappingStart,
    /** Shared memory: what it shares with the mapping that it is a copy of. */
    shared?: SharedPages,
  ) {
    this.base = start.base;
    this.length = start.length;
    this.uniform = start.access;
    this.backing = start.backing === 'file' ? 'shared' : start.backing;
    this.reachable = start.reachable;
    this.file = start.file;
    this.watched = start.watched;
    if (start.untouched) this.stored = new Set();
    this.relocated = shared?.relocated ?? new Relocated();
    if (shared !== undefined) {
      this.shared = shared;
      this.pages = shared.pages;
      shared.mappings.push(this);
    } else if (this.backing === 'shared') {
      const present = (start.present ?? start.length) / PAGE_SIZE;
      const { pages, relocated } = this;
      this.shared = { pages, mappings: [this], present, file: start.backing === 'file', relocated };
    }
  }

  /** Access bits of a page. */
  access(page: number): number {
    return this.single === undefined ? this.uniform : this.single[page]!;
  }

  /** Changes the access to some pages. */
  setAccess(first: number, count: number, access: number): void {
    if (first === 0 && count * PAGE_SIZE === this.length) {
      this.uniform = access;
      this.single = undefined;
      return;
    }
    this.single ??= new Uint8Array(this.length / PAGE_SIZE).fill(this.uniform);
    this.single.fill(access, first, first + count);
  }

  /** Whether nothing of it is mapped any more. */
  get gone(): boolean {
    if (this.single === undefined) return (this.uniform & Access.GONE) !== 0;
    return this.single.every((access) => access & Access.GONE);
  }

  /** Whether there is something behind a page. */
  isPresent(page: number): boolean {
    return this.shared === undefined || page < this.shared.present;
  }

  /** Whether the CPU can read a page. An x86 page that can be written can be read too. */
  readable(page: number): boolean {
    const access = this.access(page);
    return (access === Access.READ || (access & Access.WRITE) !== 0) && this.isPresent(page);
  }

  writable(page: number): boolean {
    return (this.access(page) & Access.WRITE) !== 0 && this.isPresent(page);
  }

  /** Byte of a page that nobody holds yet. */
  fillOf(page: number): number {
    return this.pages[page] === undefined && this.stored === undefined ? 0xff : 0;
  }

  /** One byte, as the process would read it. */
  load(at: number): number {
    const index = Math.floor(at / PAGE_SIZE);
    const page = this.pages[index];
    return page ? page.load(at % PAGE_SIZE) : this.fillOf(index);
  }

  /** Whether the program knows what a page should hold. */
  isKnown(page: number): boolean {
    return this.stored === undefined || this.stored.has(page);
  }

  /** The same memory in a process that was forked off; the pages are left to the caller. */
  copyFor(process: MemoryOwner): UserMapping {
    const start: MappingStart = {
      base: this.base,
      length: this.length,
      access: this.uniform,
      backing: this.backing,
      untouched: false,
      watched: this.watched,
      reachable: this.reachable,
      file: this.file,
    };
    const copy = new UserMapping(process, this.name, this.order, start, this.shared);
    copy.single = this.single?.slice();
    if (this.shared !== undefined) copy.stored = this.stored;
    else {
      copy.relocated.add(this.relocated);
      if (this.stored !== undefined) copy.stored = new Set(this.stored);
    }
    return copy;
  }
}
