import type { Process } from '../files/file-table.ts';
import { COPY_FROM_USER, COPY_TO_USER, type Steps } from '../steps.ts';

/** Bits of the words that a bitmap is read and written in. */
const WORD_BITS = 64;

/** Which pages of a mapping are dirty, in words of 64 bits (here: pairs of 32), with one word to spare for shifting. */
export class DirtyBitmap {
  private readonly halves: Uint32Array;

  constructor(private readonly pages: number) {
    this.halves = new Uint32Array((Math.ceil(pages / WORD_BITS) + 1) * 2);
  }

  /**
   * Writes the bitmap of a mapping into the user's, which begins at `address` and some pages before the mapping; false
   * when that faults. A device can write to every page that it is mapped, so that all are dirty, always.
   *
   * A mapping that does not begin at a word is shifted, in place, to where it does, and the user's own word joins it
   * whole: what that leaves behind the mapping's pages stays there for the next time.
   */
  *report(process: Process, address: number, pagesBefore: number): Steps<boolean> {
    const { halves, pages } = this;
    const place = address + Math.floor(pagesBefore / WORD_BITS) * 8;
    const shift = pagesBefore % WORD_BITS;
    this.fill(true);
    if (shift > 0) {
      this.shiftUp(shift);
      if (yield COPY_FROM_USER) return false;
      const word = process.mm.copyFromUser(place, 8);
      if (word === undefined) return false;
      halves[0]! |= word[0]!;
      halves[1]! |= word[1]!;
    }
    if (yield COPY_TO_USER) return false;
    const bytes = new Uint8Array(halves.buffer, 0, Math.ceil((pages + shift) / WORD_BITS) * 8);
    return process.mm.copyBytesToUser(place, bytes);
  }

  /** No page of the mapping is dirty any more. */
  clear(): void {
    this.fill(false);
  }

  private fill(dirty: boolean): void {
    const { halves, pages } = this;
    const whole = Math.floor(pages / 32);
    halves.fill(dirty ? 0xffff_ffff : 0, 0, whole);
    const rest = 2 ** (pages % 32) - 1;
    if (dirty) halves[whole]! |= rest;
    else halves[whole]! &= ~rest;
  }

  private shiftUp(shift: number): void {
    const { halves } = this;
    const words = Math.floor(shift / 32);
    const bits = shift % 32;
    const end = Math.ceil((this.pages + shift) / WORD_BITS) * 2;
    for (let i = end - 1; i >= 0; i--) {
      const high = halves[i - words] ?? 0;
      const low = halves[i - words - 1] ?? 0;
      halves[i] = bits === 0 ? high : (high << bits) | (low >>> (32 - bits));
    }
  }
}
