import { toHex } from '../../../spec/uapi/integer.ts';
import type { Changed } from '../../../spec/uapi/vocabulary.ts';
import { PAGE_SIZE, type Page } from './physical-memory.ts';
import type { ReverseMap } from './reverse-map.ts';
import { Access, type MemoryOwner, type UserMapping } from './user-mapping.ts';

/** What the program expects in a part of a page that somebody else stored to. */
interface Expected {
  mapping: UserMapping;
  page: number;
  /** Byte of the page at which `bytes` begins. */
  from: number;
  bytes: Uint8Array;
}

interface Run {
  mapping: UserMapping;
  at: number;
  bytes: Uint8Array;
}

/** Keeps what was in the program's memory before the kernel or a device stored there. */
export class Journal {
  private expected: Expected[] = [];

  constructor(private readonly reverseMap: ReverseMap) {}

  /** To be called before anybody but the program stores `length` bytes at `from` of a page that `mapping` shows. */
  beforeStore(mapping: UserMapping, page: number, from: number, length: number): void {
    if (!mapping.watched || !mapping.isKnown(page)) return;
    const earlier = this.find(mapping, page);
    if (earlier === undefined) {
      this.expected.push({ mapping, page, from, bytes: current(mapping, page, from, from + length) });
      return;
    }
    const end = Math.max(earlier.from + earlier.bytes.length, from + length);
    const start = Math.min(earlier.from, from);
    const bytes = current(mapping, page, start, end);
    bytes.set(earlier.bytes, earlier.from - start);
    earlier.from = start;
    earlier.bytes = bytes;
  }

  /** To be called before a store through a page frame: every place that shows it. */
  beforeFrameStore(page: Page, from: number, length: number): void {
    const place = this.reverseMap.placeOf(page);
    if (place === undefined) return;
    for (const mapping of place.mappings) this.beforeStore(mapping, place.index, from, length);
  }

  /** To be called after the program stored `length` bytes at `from` of a page: that is what it expects now. */
  afterProgramStore(mapping: UserMapping, page: number, from: number, length: number): void {
    if (this.expected.length === 0) return;
    for (const view of mapping.shared?.mappings ?? [mapping]) {
      const expected = this.find(view, page);
      if (expected === undefined) continue;
      const start = Math.max(from, expected.from);
      const end = Math.min(from + length, expected.from + expected.bytes.length);
      if (start < end) expected.bytes.set(current(view, page, start, end), start - expected.from);
    }
  }

  /** To be called when the program threw a page away: it expects zeros, and nothing else is there. */
  drop(mapping: UserMapping, page: number): void {
    if (this.expected.length === 0) return;
    this.expected = this.expected.filter((expected) => expected.mapping !== mapping || expected.page !== page);
  }

  /** A process was forked off: it expects what its parent did. */
  fork(parent: UserMapping, child: UserMapping): void {
    for (const expected of this.expected.filter(({ mapping }) => mapping === parent)) {
      this.expected.push({ ...expected, mapping: child, bytes: expected.bytes.slice() });
    }
  }

  /** Reports what differs from what the program expects, and takes it as reported. Pages it cannot read wait. */
  collect(actor: MemoryOwner): Changed[] | undefined {
    if (this.expected.length === 0) return undefined;
    const waiting: Expected[] = [];
    const runs: Run[] = [];
    for (const expected of this.expected) {
      const { mapping, page } = expected;
      if (mapping.access(page) & Access.GONE || mapping.process.gone || !mapping.watched) continue;
      if (mapping.readable(page)) addRuns(runs, expected);
      else waiting.push(expected);
    }
    this.expected = waiting;
    if (runs.length === 0) return undefined;
    runs.sort((a, b) => rank(a, actor) - rank(b, actor) || a.mapping.order - b.mapping.order || a.at - b.at);
    return joined(runs).map(({ mapping, at, bytes }) => {
      mapping.relocated.clear(at, at + bytes.length);
      const where = { memory: mapping.name, at, bytes: toHex(bytes) };
      return mapping.process === actor ? where : { process: mapping.process.name, ...where };
    });
  }

  private find(mapping: UserMapping, page: number): Expected | undefined {
    for (const expected of this.expected) if (expected.page === page && expected.mapping === mapping) return expected;
    return undefined;
  }
}

/** The actor's own memory comes first, then that of the others in the order in which they were made. */
function rank(run: Run, actor: MemoryOwner): number {
  return run.mapping.process === actor ? -1 : run.mapping.process.order;
}

function current(mapping: UserMapping, page: number, start: number, end: number): Uint8Array {
  const bytes = new Uint8Array(end - start);
  const frame = mapping.pages[page];
  if (frame?.bytes !== undefined) bytes.set(frame.bytes.subarray(start, end));
  else bytes.fill(frame ? frame.fill : mapping.fillOf(page));
  return bytes;
}

function addRuns(runs: Run[], { mapping, page, from, bytes }: Expected): void {
  const now = current(mapping, page, from, from + bytes.length);
  let at = 0;
  while (at < now.length) {
    if (now[at] === bytes[at]) {
      at++;
      continue;
    }
    const start = at;
    while (at < now.length && now[at] !== bytes[at]) at++;
    runs.push({ mapping, at: page * PAGE_SIZE + from + start, bytes: now.subarray(start, at) });
  }
}

/** Runs that touch, at the end of a page, become one. */
function joined(runs: Run[]): Run[] {
  const result: Run[] = [];
  for (const run of runs) {
    const last = result.at(-1);
    if (last !== undefined && last.mapping === run.mapping && last.at + last.bytes.length === run.at) {
      const bytes = new Uint8Array(last.bytes.length + run.bytes.length);
      bytes.set(last.bytes);
      bytes.set(run.bytes, last.bytes.length);
      last.bytes = bytes;
    } else result.push(run);
  }
  return result;
}
