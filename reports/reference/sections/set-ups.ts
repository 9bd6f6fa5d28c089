import { anchor, code, link } from '../markdown.ts';
import type { DescribedOp } from './described-op.ts';

/** The set-ups of the programs of a page, those that several share shown once. */
export interface SetUps {
  /** Those that are shared, each under an anchor; empty if none is. */
  shared: string[];
  /** What is in the place of a set-up above the program that has it. */
  before(ops: readonly DescribedOp[]): string;
}

/** Finds out which set-ups several programs have. `prefix`: of the anchors on the page. */
export function setUpsOf(all: readonly (readonly DescribedOp[])[], prefix: string): SetUps {
  const texts = all.map(setUpText);
  const shared = [...new Set(texts)].filter((text) => texts.filter((one) => one === text).length > 1);
  return {
    shared: shared.map((text, i) => {
      const { length } = all[texts.indexOf(text)]!;
      return `${anchor(`${prefix}-${i + 1}`)}${folded(`Set-up ${i + 1}: ${opsText(length)}`, text)}`;
    }),
    before(ops) {
      const text = setUpText(ops);
      const at = shared.indexOf(text);
      if (ops.length === 0) return '';
      return at < 0
        ? folded(`Set-up: ${opsText(ops.length)}`, text)
        : `After ${link(`set-up ${at + 1}`, `#${prefix}-${at + 1}`)}, ${opsText(ops.length)}:`;
    },
  };
}

const opsText = (count: number): string => `${count} op${count === 1 ? '' : 's'}`;

const setUpText = (ops: readonly DescribedOp[]): string =>
  numbered(ops.map(({ op, outcome }) => `${code(op)}: ${outcome}`));

/** A numbered list from a number on; programs count their ops from 0. */
export const numbered = (entries: readonly string[], first = 0): string =>
  entries.map((one, i) => `${first + i}. ${one}`).join('\n');

/** Text that is shown when asked for. */
const folded = (summary: string, text: string): string =>
  `<details><summary>${summary}</summary>\n\n${text}\n\n</details>`;
