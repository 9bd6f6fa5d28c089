import { uapi } from '../../../spec/uapi/uapi.ts';
import { errnosOf } from '../contract-text.ts';
import { address, anchor, bullets, code, link, page, prose, section } from '../markdown.ts';
import { isUnreleased } from '../sections/implemented.ts';
import { rowsOf } from '../sections/steps.ts';
import { ruleLink, type Site } from '../site.ts';

/** Each errno with the rules that fail with it, by ioctl or op. */
export function errnosText(site: Site): string {
  const from = 'errnos.md';
  const { data } = site;
  const failing = new Map<string, Map<string, string[]>>();
  for (const { id: handler, steps } of data.handlers) {
    for (const row of rowsOf(steps)) {
      if (row.kind !== 'step') continue;
      const { outcome } = data.rules.get(row.rule)!;
      for (const errno of outcome ? errnosOf(outcome) : []) {
        const places = failing.get(errno) ?? new Map<string, string[]>();
        const mark = isUnreleased(data, row) ? '†' : '';
        places.set(handler, [...(places.get(handler) ?? []), `${ruleLink(site, from, row.rule)}${mark}`]);
        failing.set(errno, places);
      }
    }
  }
  const errnos = [...failing.keys()].sort((a, b) => numberOf(a) - numberOf(b));
  return page(from, 'Errnos', '† **No released kernel implements** the rule: it is of the 2020 nesting series.', [
    errnos.map((errno) => link(nameOf(errno), `#${errno.toLowerCase()}`)).join(', '),
    ...errnos.map((errno) =>
      section(`${anchor(errno.toLowerCase())}${nameOf(errno)}`, [
        notes[errno],
        bullets(
          [...failing.get(errno)!].map(([handler, rules]) => {
            const { page, title, anchor } = site.handlers.get(handler)!;
            return `${link(prose(title), address(from, page, anchor))}: ${[...new Set(rules)].join(', ')}`;
          }),
        ),
      ]),
    ),
  ]);
}

/** `result` and plain numbers are no names of errnos. */
const notes: Record<string, string> = {
  result: 'The injected errno, or one that the argument brings about; the rule says which.',
  '524': `${code('ENOTSUPP')}, a number inside the kernel that user space has no name for.`,
};

const numberOf = (errno: string): number => uapi.errnos[errno] ?? (Number(errno) || 1000);

function nameOf(errno: string): string {
  if (errno === 'result') return 'Another errno';
  return uapi.errnos[errno] === undefined ? errno : `${errno} (${uapi.errnos[errno]})`;
}
