/** Names that are less alike than this, from 0 to 1, are not worth a guess. */
const NEAR = 0.6;

/** The most names that are worth showing. */
const SHOWN = 3;

/** Up to three names that someone may have meant, the likeliest first; none for what is like nothing. */
export function nearest(what: string, names: Iterable<string>): string[] {
  // One guess for names that differ in case and separators only.
  const distinct = new Map([...names].map((name) => [plain(name), name]));
  return [...distinct]
    .map(([spelling, name]) => ({ name, likeness: likeness(plain(what), spelling) }))
    .filter(({ likeness }) => likeness >= NEAR)
    .sort((a, b) => b.likeness - a.likeness)
    .slice(0, SHOWN)
    .map(({ name }) => name);
}

const plain = (name: string) => name.toLowerCase().replace(/[ _-]+/g, '_');

/** Misspelled letters are best seen by the distance, words in another order or left out by the pairs of letters. */
function likeness(one: string, other: string): number {
  const spelling = 1 - distance(one, other) / Math.max(one.length, other.length);
  const words = sharedPairs(one, other);
  return Math.max((spelling + words) / 2, words * 0.9);
}

/** How many letters must be inserted, deleted, replaced or swapped with their neighbour to make one of the other. */
function distance(one: string, other: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: other.length + 1 }, (_, j) => j);
  for (let i = 1; i <= one.length; i++) {
    const row = [i];
    for (let j = 1; j <= other.length; j++) {
      const replaced = last[j - 1]! + (one[i - 1] === other[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1];
      row.push(
        Math.min(last[j]! + 1, row[j - 1]! + 1, replaced, swapped ? beforeLast[j - 2]! + 1 : Number.POSITIVE_INFINITY),
      );
    }
    beforeLast = last;
    last = row;
  }
  return last[other.length]!;
}

/** The share of pairs of neighbouring letters that two names have in common, the ends of words included. */
function sharedPairs(one: string, other: string): number {
  const [first, second] = [letterPairs(one), letterPairs(other)];
  const shared = [...first].filter((pair) => second.has(pair)).length;
  return (2 * shared) / (first.size + second.size);
}

function letterPairs(name: string): Set<string> {
  return new Set(
    name.split('_').flatMap((word) => [...` ${word} `].slice(1).map((letter, i) => ` ${word}`[i] + letter)),
  );
}
