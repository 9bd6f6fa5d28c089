import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { packageRoot } from '../uapi/package-root.ts';
import { Problem } from '../uapi/problem.ts';
import type { Source } from './types.ts';

/** Whether a source is a document of this project. */
export const isOwn = ({ where }: Source): boolean => where.startsWith('docs/');

/**
 * Checks that what is cited of a document of this project is there: of a folder the number of a document in it, or any file of
 * this package; of a page the beginning of a heading. Throws a Problem at the place of the citation.
 */
export function checkCitation({ where }: Source, at: string, place: string): void {
  if (!existsSync(`${packageRoot}/${where}`))
    throw new Problem(`${place}: ${where} is not in this package; mend it in sources.yaml, or write the document.`);
  if (where.endsWith('/')) {
    const documents = readdirSync(`${packageRoot}/${where}`);
    if (existsSync(`${packageRoot}/${at}`) || documents.some((name) => name.startsWith(`${at}-`))) return;
    throw new Problem(
      `${place}: ${at} is neither the number of a document in ${where} nor a file of this package; mend it, or write the document.`,
    );
  }
  const known = headings(where);
  if (known.some((heading) => plain(heading).startsWith(plain(at)))) return;
  throw new Problem(
    `${place}: ${where} has no heading that starts with ${at}; it has ${known.map((heading) => `"${heading}"`).join(', ')}.`,
  );
}

function headings(page: string): string[] {
  return readFileSync(`${packageRoot}/${page}`, 'utf8')
    .split('\n')
    .flatMap((line) => /^#+ (.*)$/.exec(line)?.[1] ?? []);
}

/** A heading as one cites it: without marks, in any case. */
const plain = (text: string): string => text.replaceAll('`', '').toLowerCase();
