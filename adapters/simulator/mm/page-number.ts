import { PAGE_SIZE } from './physical-memory.ts';

/** The page number in a 64-bit field that begins at a word; negative when the field is not a multiple of a page. */
export function pageNumber(words: readonly number[], at: number): number {
  const low = words[at]!;
  if (low % PAGE_SIZE !== 0) return -1;
  return (words[at + 1]! * 2 ** 32 + low) / PAGE_SIZE;
}

/** The two words of a 64-bit field that holds a number of pages in bytes. */
export function bytesOfPages(pages: number): [low: number, high: number] {
  return [(pages % 2 ** 20) * PAGE_SIZE, Math.floor(pages / 2 ** 20)];
}
