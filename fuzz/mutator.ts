/** Numbers from 0 to 2^32-1, the same for a seed each time (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

/** What parsers trip over. */
const words = [
  '{',
  '}',
  '[',
  ']',
  '"',
  '\\u',
  ',',
  ':',
  '0x',
  '-1',
  '1e999',
  '99999999999999999999',
  'null',
  '\\',
  '\n',
  '__proto__',
];
const MOST_STEPS = 8;
const MOST_PIECE = 32;
/** Characters beyond which a text does not grow. */
const LONGEST = 1 << 16;

/** A text with up to eight changes: a character of another kind, a piece taken out, a word or a piece of another text put in. */
export function mutated(text: string, others: readonly string[], random: () => number): string {
  let changed = text;
  for (let step = 1 + (random() % MOST_STEPS); step > 0; step--) {
    const at = random() % (changed.length + 1);
    const piece = 1 + (random() % MOST_PIECE);
    const other = others[random() % others.length]!;
    const from = random() % (other.length + 1);
    const [taken, put] = [
      [1, String.fromCharCode(random() % 0x100)],
      [piece, ''],
      [0, words[random() % words.length]!],
      [0, other.slice(from, from + piece)],
    ][random() % 4] as [number, string];
    changed = changed.slice(0, at) + put + changed.slice(at + taken);
  }
  return changed.slice(0, LONGEST);
}
