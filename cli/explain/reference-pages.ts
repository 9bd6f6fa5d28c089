import { existsSync, readFileSync } from 'node:fs';
import { anchor } from '../../reports/reference/markdown.ts';
import { packageRoot } from '../../spec/uapi/package-root.ts';

/** Those of some pages of docs/reference/ about something with an id of its own, as places to go to. */
export function placesIn(pages: readonly string[], id: string): string[] {
  const name = id.toLowerCase();
  return pages
    .map((page) => `docs/reference/${page}`)
    .filter((path) => {
      const file = `${packageRoot}/${path}`;
      return existsSync(file) && readFileSync(file, 'utf8').includes(anchor(name));
    })
    .map((path) => `${path}#${name}`);
}
