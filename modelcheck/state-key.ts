import type { Page } from '../reference/memory/user-memory.ts';
import type { World } from '../reference/state/state.ts';
import { type Bindings, PasidFacts } from '../reference/state/state-key.ts';
import { ROOTS } from './guest.ts';
import { objectsOf } from './objects.ts';
import { type CheckWorld, PASIDS } from './worlds.ts';

/** What a state is, as far as steps and invariants can see. */
export interface StateDescription {
  /** Two worlds with the same one behave alike in all steps, but for which PASID is which where that makes no difference. */
  key: string;
  /** Two worlds with the same one behave alike in all steps. */
  exact: string;
  bindings: Bindings;
  /** Everything that the driver and the allocator keep about PASIDs and bindings, in one line. */
  pasids: string;
  /** See objectsOf(). */
  objects: string;
}

const rootNames = new Map(Object.entries(ROOTS).map(([name, root]) => [BigInt(root), name]));

/** What a guest's table is called. */
export const rootName = (root: bigint): string => rootNames.get(root) ?? `0x${root.toString(16)}`;

/**
 * Describes a state; `promised` are the bindings that are promised there. `objects` are those of a state that is known to have
 * the same. Of memory only where the guests' tables lead counts.
 */
export function stateDescription(
  checked: CheckWorld,
  world: World,
  promised: Bindings,
  objects = objectsOf(checked, world),
): StateDescription {
  const facts = new PasidFacts(world, { root: rootName, page: (page) => pageName(checked, world, page) });
  const bindings = facts.noteTables();
  facts.noteRecords();
  const lost = facts.lost();
  const pasids = `${facts.lines().join('; ')}; lost: ${lost}`;
  facts.noteRemembered();
  for (const [at, root] of promised) {
    const space = at.indexOf(' ');
    facts.note(Number(at.slice(space)), `promised ${at.slice(0, space)} ${root}`);
  }
  return { ...keysOf(checked, `${objects}#${lost}`, facts.lines()), bindings, pasids, objects };
}

/** The keys of a state with such facts; where the PASIDs that are tried are alike, it makes no difference which of them is which. */
function keysOf(
  { symmetric }: CheckWorld,
  general: string,
  lines: readonly string[],
): Pick<StateDescription, 'key' | 'exact'> {
  const exact = `${general}#${lines.join('#')}`;
  if (!symmetric) return { key: exact, exact };
  const alike: string[] = [];
  const others: string[] = [];
  for (const line of lines) {
    const colon = line.indexOf(':');
    if ((PASIDS as readonly number[]).includes(Number(line.slice(0, colon)))) alike.push(line.slice(colon));
    else others.push(line);
  }
  return { key: `${general}#${others.join('#')}#${alike.sort().join('#')}`, exact };
}

/** Names of pages that were met: copies of a world have the same pages. */
const pageNames = new WeakMap<Page, string>();

/** What a page of a guest is called. */
function pageName({ parties }: CheckWorld, { processes }: World, page: Page): string {
  if (!pageNames.has(page))
    for (const { guest } of parties)
      for (const { memory } of processes.values())
        for (const [i, one] of memory.regions.get(guest.memory)?.pages.entries() ?? [])
          if (one) pageNames.set(one, `${guest.memory} ${i}`);
  return pageNames.get(page) ?? 'elsewhere';
}
