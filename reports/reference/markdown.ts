import { posix } from 'node:path';

/** First line of every page: who made it, and how to make it anew. */
export const generatedMark = '<!-- Generated from spec/ by `npx vfio-conform spec --format md`. Do not edit. -->';

/** Plain text as it shall be read: characters that Markdown or HTML would take for markup are escaped. */
export const prose = (text: string): string => text.replace(/[<>*|]/g, (one) => escaped[one]!);

const escaped: Record<string, string> = { '<': '&lt;', '>': '&gt;', '*': '\\*', '|': '\\|' };

/** Text as code. */
export const code = (text: string | number): string => `\`${String(text).replaceAll('|', '\\|')}\``;

/** A link to an address relative to the page that it is on. */
export const link = (text: string, to: string): string => `[${text}](${to})`;

/** A place that links can name. */
export const anchor = (id: string): string => `<a id="${id}"></a>`;

/** The address of a page, or of an anchor in it, relative to another page; pages by their paths in the folder. */
export function address(from: string, to: string, id?: string): string {
  const fragment = id === undefined ? '' : `#${id}`;
  return from === to ? fragment : `${posix.relative(posix.dirname(from), to)}${fragment}`;
}

/** A table; its cells are Markdown already. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** A list with a mark before each entry. */
export const bullets = (entries: readonly string[]): string => entries.map((one) => `- ${one}`).join('\n');

/** Words of a list: a, b and c. */
export function listed(words: readonly string[], last = 'and'): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1)}`;
}

/** A page: the generated mark, the heading, one line that says what no kernel implements, where to go, and parts. */
export function page(path: string, title: string, implemented: string, parts: readonly (string | undefined)[]): string {
  const shown = parts.filter((part) => part !== undefined && part !== '');
  return `${[generatedMark, `# ${title}`, implemented, ways(path, shown.join('\n\n')), ...shown].join('\n\n')}\n`;
}

/** Links to the first page, and to the parts of this one if there are not too many. */
function ways(path: string, text: string): string {
  const headings = [...text.matchAll(/^## (?:<a id="([^"]+)"><\/a>)?(.*)$/gm)].map(([, id, heading]) =>
    link(heading!, `#${id ?? slug(heading!)}`),
  );
  const up = path === 'index.md' ? [] : [link('Reference', address(path, 'index.md'))];
  return [...up, ...(headings.length > MOST_HEADINGS ? [] : headings)].join(' · ');
}

/** More headings than these are no help above a page. */
const MOST_HEADINGS = 12;

/** The anchor that GitHub gives a heading. */
const slug = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');

/** A part of a page; nothing without contents. */
export function section(title: string, parts: readonly (string | undefined)[], level = 2): string | undefined {
  const shown = parts.filter((part) => part !== undefined && part !== '');
  return shown.length === 0 ? undefined : [`${'#'.repeat(level)} ${title}`, ...shown].join('\n\n');
}
