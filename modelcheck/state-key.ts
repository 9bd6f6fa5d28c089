import type { TranslationCache } from '../reference/memory/translation-cache.ts';
import type { Page } from '../reference/memory/user-memory.ts';
import type { Device } from '../reference/state/device.ts';
import { domainOf, membersOf, type World } from '../reference/state/state.ts';
import { ROOTS } from './guest.ts';
import { holdersOf } from './holders.ts';
import { type CheckWorld, PASIDS } from './worlds.ts';

/** Which table a device translates with by which PASID: `slot.index pasid`, to the table's name. */
export type Bindings = ReadonlyMap<string, string>;

/** What a state is, as far as steps and invariants can tell. */
export interface StateDescription {
  /** Two worlds with the same one answer all steps alike, but for which PASID is which where that makes no difference. */
  key: string;
  /** Two worlds with the same one answer all steps alike. */
  exact: string;
  bindings: Bindings;
  /** Everything that the driver and the allocator keep about PASIDs and bindings, in one line. */
  pasids: string;
  /** See holdersOf(). */
  holders: string;
}

/** Devices by name: `slot.index`. */
export function devicesByName(world: World): Map<string, Device> {
  const devices = new Map<string, Device>();
  for (const { name, group } of world.slots.values())
    membersOf(group).forEach((device, i) => {
      devices.set(`${name}.${i}`, device);
    });
  return devices;
}

const rootNames = new Map(Object.entries(ROOTS).map(([name, root]) => [BigInt(root), name]));

/** What a guest's table is called. */
export const rootName = (root: bigint): string => rootNames.get(root) ?? `0x${root.toString(16)}`;

/**
 * Describes a state; `promised` are the bindings that are promised there. `holders` are those of a state that is known to have
 * the same. Of memory only where the guests' tables lead counts.
 */
export function describe(
  checked: CheckWorld,
  world: World,
  promised: Bindings,
  holders = holdersOf(checked, world),
): StateDescription {
  return new Describer(checked, world).describe(promised, holders);
}

/** Collects facts that are about a PASID each. */
class Describer {
  readonly #checked: CheckWorld;
  readonly #world: World;
  readonly #ofPasids = new Map<number, string[]>();

  constructor(checked: CheckWorld, world: World) {
    this.#checked = checked;
    this.#world = world;
  }

  describe(promised: Bindings, holders: string): StateDescription {
    const bindings = new Map<string, string>();
    const devices = devicesByName(this.#world);
    for (const [name, { pasidTable }] of devices) {
      for (const [pasid, { root, levels }] of pasidTable) {
        bindings.set(`${name} ${pasid}`, rootName(root));
        this.#note(pasid, `${name} ${rootName(root)} ${levels}`);
      }
    }
    this.#records(devices);
    const lost = this.#world.lostPasids.map(({ owner, min, max }) => `${owner.process.name} ${min} to ${max}`).join();
    const pasids = `${this.#lines().join('; ')}; lost: ${lost}`;
    this.#caches();
    for (const [at, root] of promised) {
      const space = at.indexOf(' ');
      this.#note(Number(at.slice(space)), `promised ${at.slice(0, space)} ${root}`);
    }
    return { ...this.#keys(`${holders}#${lost}`), bindings, pasids, holders };
  }

  #note(pasid: number, fact: string): void {
    const known = this.#ofPasids.get(pasid);
    if (known) known.push(fact);
    else this.#ofPasids.set(pasid, [fact]);
  }

  /** What is known of each PASID, by their number. */
  #lines(): string[] {
    const numbers = [...this.#ofPasids.keys()].sort((a, b) => a - b);
    return numbers.map((pasid) => `${pasid}:${this.#ofPasids.get(pasid)!.sort().join()}`);
  }

  #keys(general: string): Pick<StateDescription, 'key' | 'exact'> {
    const lines = this.#lines();
    const exact = `${general}#${lines.join('#')}`;
    if (!this.#checked.symmetric) return { key: exact, exact };
    const alike: string[] = [];
    const others: string[] = [];
    for (const line of lines) {
      const colon = line.indexOf(':');
      if ((PASIDS as readonly number[]).includes(Number(line.slice(0, colon)))) alike.push(line.slice(colon));
      else others.push(line);
    }
    return { key: `${general}#${others.join('#')}#${alike.sort().join('#')}`, exact };
  }

  /** What the allocator and the driver keep. */
  #records(devices: ReadonlyMap<string, Device>): void {
    const { pasids, slots } = this.#world;
    for (const [pasid, { owner, bound }] of pasids) {
      this.#note(pasid, `of ${owner.process.name}`);
      if (!bound) continue;
      this.#note(pasid, `recorded for ${bound.process.name} and ${bound.guestPasid}`);
      for (const [name, device] of devices) {
        const record = bound.devices.get(device);
        if (!record) continue;
        this.#note(pasid, `recorded ${name} ${record.uses} times`);
        // It may name a domain that the device has left.
        const { group } = slots.get(name.slice(0, name.indexOf('.')))!;
        if (record.domain !== domainOf(group))
          this.#note(
            pasid,
            `recorded ${name} in a domain of ${record.domain.groups.map(({ slot }) => slot.name).join()}`,
          );
      }
    }
  }

  /** What may be remembered: by devices, and for each domain by its IOMMU. */
  #caches(): void {
    for (const { name, group, devices } of this.#world.slots.values()) {
      devices.forEach(({ tlb }, i) => {
        this.#remembered(tlb, `${name}.${i}`);
      });
      const domain = domainOf(group);
      if (domain?.groups[0] === group) this.#remembered(domain.cache, name);
    }
  }

  #remembered(cache: TranslationCache, where: string): void {
    for (const { pasid, address, level, host } of cache.remembered())
      this.#note(pasid, `${where} ${Number(address)} ${level} ${this.#nameOf(host.page)}`);
  }

  /** What a page of a guest is called. */
  #nameOf(page: Page): string {
    if (!pageNames.has(page))
      for (const { guest } of this.#checked.parties)
        for (const { memory } of this.#world.processes.values())
          for (const [i, one] of memory.regions.get(guest.memory)?.pages.entries() ?? [])
            if (one) pageNames.set(one, `${guest.memory} ${i}`);
    return pageNames.get(page) ?? 'elsewhere';
  }
}

/** Names of pages that were met: copies of a world have the same pages. */
const pageNames = new WeakMap<Page, string>();
