import { everyStep, rulesOf, tablesOf } from '../../spec/contract/steps.ts';
import type { ContractData, Handler, Rule, Step } from '../../spec/contract/types.ts';
import { type Ioctl, uapi } from '../../spec/uapi/uapi.ts';
import { outcomeText } from './contract-text.ts';
import { address, code, link, prose } from './markdown.ts';

/** Where a handler is described: a page, and what the handler is called. */
export interface Place {
  page: string;
  title: string;
  /** Anchor of the handler's part of a page of several. */
  anchor?: string;
}

/** The contract, its handlers in the order of the pages, and where these describe each part of it. */
export interface Site {
  data: ContractData;
  /** By id of the handler. */
  handlers: ReadonlyMap<string, Place>;
  /** By id of the rule: every place in a handler, in order of the handlers. */
  rules: ReadonlyMap<string, readonly Place[]>;
}

/** The page of everything that programs do besides ioctls. */
export const opsPage = 'ops.md';

/** Finds a place for every handler and rule of a contract. */
export function siteOf(contract: ContractData): Site {
  const data = { ...contract, handlers: inOrder(contract.handlers) };
  const driverTables = new Set(data.handlers.flatMap(({ steps }) => tablesIn(steps)));
  const handlers = new Map<string, Place>();
  const rules = new Map<string, Place[]>();
  for (const handler of data.handlers) {
    const place = placeOf(handler, driverTables);
    handlers.set(handler.id, place);
    for (const rule of new Set(rulesIn(handler.steps))) rules.set(rule, [...(rules.get(rule) ?? []), place]);
  }
  return { data, handlers, rules };
}

/** Ioctls in the order of the uapi, then all else as it comes. */
function inOrder(handlers: readonly Handler[]): Handler[] {
  const names = Object.keys(uapi.ioctls);
  const place = ({ ioctl }: Handler) =>
    ioctl !== undefined && names.includes(ioctl) ? names.indexOf(ioctl) : names.length;
  return [...handlers].sort((one, other) => place(one) - place(other));
}

function placeOf({ id, ioctl, op, table }: Handler, driverTables: ReadonlySet<string>): Place {
  if (table !== undefined && driverTables.has(table))
    return { page: `drivers/${table}.md`, title: `What the IOMMU driver does: ${table}` };
  if (ioctl !== undefined && uapi.ioctls[ioctl]) return { page: ioctlPage(ioctl), title: ioctl };
  return { page: opsPage, title: titleOf(ioctl ?? op ?? table!), anchor: `handler-${id}` };
}

/** `unknown container` and the like are no names of their own. */
function titleOf(name: string): string {
  const [what, kind] = name.split(' ') as [string, string?];
  if (what === 'unknown') return `a number that no ${kind} knows`;
  if (what === 'elsewhere') return `a number of a ${kind} of which the contract says nothing`;
  return name === 'groups left' ? 'when groups have left their containers' : name;
}

/** The page of an ioctl. */
export const ioctlPage = (name: string): string =>
  `ioctls/${name
    .replace(/^VFIO_/, '')
    .toLowerCase()
    .replaceAll('_', '-')}.md`;

/** The page of a struct of the uapi. */
export const structPage = (name: string): string => `structs/${name}.md`;

/** The page of a profile. */
export const profilePage = (id: string): string => `profiles/${id}.md`;

/** The names of the driver tables that steps use. */
export function tablesIn(steps: readonly Step[]): string[] {
  return [...everyStep(steps)].flatMap(tablesOf);
}

/** All rules of steps, those of blocks and loops included, not those of tables. */
export function rulesIn(steps: readonly Step[]): string[] {
  return [...everyStep(steps)].flatMap(rulesOf);
}

/** The ioctl of a handler, if the uapi has it. */
export const ioctlOf = ({ ioctl }: Handler): Ioctl | undefined =>
  ioctl === undefined ? undefined : uapi.ioctls[ioctl];

/** The id of a rule, linked to where it is described; on the page itself if it is there. */
export function ruleLink({ rules }: Site, from: string, id: string): string {
  const places = rules.get(id)!;
  const { page } = places.find((place) => place.page === from) ?? places[0]!;
  return link(code(id), address(from, page, id));
}

/** A rule in one line: linked id, its result, and its sentence. */
export function ruleLine(site: Site, from: string, { id, outcome, sentence }: Rule): string {
  return `${ruleLink(site, from, id)}${outcome ? ` (${outcomeText(outcome)})` : ''}: ${prose(sentence)}`;
}

/** Handlers that another one brings about, by id. */
const followedBy: Record<string, string[]> = {
  close: ['groups_left'],
  unset_container: ['groups_left'],
};

/** What follows from a handler, and what it follows from, with links. */
export function followsText({ handlers }: Site, from: string, id: string): string | undefined {
  const links = (ids: readonly string[]) =>
    ids
      .map((one) => handlers.get(one)!)
      .map(({ page, title, anchor }) => link(title, address(from, page, anchor)))
      .join(', ');
  const after = followedBy[id];
  if (after) return `What follows for the bindings and PASIDs of groups that leave by it: ${links(after)}.`;
  const before = Object.keys(followedBy).filter((one) => followedBy[one]!.includes(id));
  return before.length === 0
    ? undefined
    : `Groups leave by: ${links(before)}; a process that ends closes what it has open.`;
}

/** Ids of findings, linked. */
export const findingLinks = (from: string, ids: readonly string[]): string =>
  ids.map((id) => link(id, address(from, 'findings.md', id.toLowerCase()))).join(', ');

/** The sources of a rule, each with its place in it, linked. */
export const sourceLinks = (from: string, sources: Rule['sources']): string =>
  sources.map(({ source, at }) => `${link(source, address(from, 'sources.md', source))} ${code(at)}`).join('<br>');
