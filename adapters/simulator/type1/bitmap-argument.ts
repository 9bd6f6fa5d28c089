/** Words of the description of a bitmap: page size, size in bytes, address, each of 64 bits. */
const PAGE_BYTES = 0;
const SIZE = 2;
const ADDRESS = 4;
/** Bytes of the description. */
export const BITMAP_ARGUMENT_BYTES = 24;
/** A bitmap's most bytes. */
export const BITMAP_MAXIMUM = 2 ** 28;
/** First address that is none of user space. */
export const USER_END = 0x7fff_ffff_f000;

/** Where user space wants bits for pages of a range. */
export class BitmapArgument {
  constructor(
    private readonly words: readonly number[],
    /** Word at which the description begins. */
    private readonly at: number,
  ) {}

  /** Address of the bitmap; exact in user space. */
  get address(): number {
    return this.wide(ADDRESS);
  }

  /** Whether it has one bit for each page of a size. */
  isForPagesOf(bytes: number): boolean {
    return this.words[this.at + PAGE_BYTES] === bytes && this.words[this.at + PAGE_BYTES + 1] === 0;
  }

  /** Whether it lies in user space, and is as large as it must be for a range of the two words of a size in bytes. */
  isSane(rangeLow: number, rangeHigh: number): boolean {
    const bytes = this.wide(SIZE);
    if (bytes > USER_END || this.address > USER_END - bytes) return false;
    const shift = this.pageShift();
    const pages = shift < 32 ? rangeHigh * 2 ** (32 - shift) + (rangeLow >>> shift) : rangeHigh >>> (shift - 32);
    if (pages === 0 || bytes === 0 || bytes > BITMAP_MAXIMUM) return false;
    return bytes >= Math.ceil(pages / 64) * 8;
  }

  /** Place of the page size's lowest bit. The CPU finds 64 where there is none, and shifts by the low six bits of it. */
  private pageShift(): number {
    const low = this.words[this.at + PAGE_BYTES]!;
    const high = this.words[this.at + PAGE_BYTES + 1]!;
    if (low !== 0) return 31 - Math.clz32(low & -low);
    return high === 0 ? 0 : 63 - Math.clz32(high & -high);
  }

  private wide(at: number): number {
    return this.words[this.at + at + 1]! * 2 ** 32 + this.words[this.at + at]!;
  }
}
