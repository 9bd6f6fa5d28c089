import type { Device } from '../../reference/device.ts';
import { type Container, type Domain, domainOf, membersOf, type World } from '../../reference/state.ts';
import type { TranslationCache } from '../../reference/translation-cache.ts';
import type { Page } from '../../reference/user-memory.ts';
import { ROOTS } from './guest.ts';
import { readLeads } from './leads.ts';
import { type CheckWorld, PASIDS } from './worlds.ts';

/** Which table a device translates with by which PASID: `slot.index pasid`, to the table's name. */
export type Bindings = ReadonlyMap<string, string>;

/** What a state is, as far as steps and invariants can tell. */
export interface Description {
  /** Two worlds with the same one answer all steps alike, but for which PASID is which where that makes no difference. */
  key: string;
  /** Two worlds with the same one answer all steps alike. */
  exact: string;
  bindings: Bindings;
  /** Everything that the driver and the allocator keep about PASIDs and bindings, in one line. */
  pasids: string;
}

/** Devices by name: `slot.index`. */
export function devicesOf(world: World): Map<string, Device> {
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

/** Describes a state; `promised` are the bindings that are promised there. Of memory only where the guests' tables lead counts. */
export function describe(checked: CheckWorld, world: World, promised: Bindings): Description {
  return new Describer(checked, world).describe(promised);
}

/** Collects facts that are about a PASID each, and others that are about none. */
class Describer {
  readonly #checked: CheckWorld;
  readonly #world: World;
  readonly #general: string[] = [];
  readonly #ofPasids = new Map<number, string[]>();
  #pageNames: Map<Page, string> | undefined;

  constructor(checked: CheckWorld, world: World) {
    this.#checked = checked;
    this.#world = world;
  }

  describe(promised: Bindings): Description {
    const bindings = new Map<string, string>();
    const devices = devicesOf(this.#world);
    for (const [name, { pasidTable }] of devices) {
      for (const [pasid, { root, levels }] of pasidTable) {
        bindings.set(`${name} ${pasid}`, rootName(root));
        this.#note(pasid, `${name} ${rootName(root)} ${levels}`);
      }
    }
    this.#records(devices);
    const pasids = this.#facts();
    this.#holders();
    for (const [at, root] of promised) {
      const space = at.indexOf(' ');
      this.#note(Number(at.slice(space)), `promised ${at.slice(0, space)} ${root}`);
    }
    return { ...this.#keys(), bindings, pasids };
  }

  #note(pasid: number, fact: string): void {
    const known = this.#ofPasids.get(pasid);
    if (known) known.push(fact);
    else this.#ofPasids.set(pasid, [fact]);
  }

  #facts(): string {
    const numbers = [...this.#ofPasids.keys()].sort((a, b) => a - b);
    return [
      ...numbers.map((pasid) => `PASID ${pasid}: ${this.#ofPasids.get(pasid)!.join(', ')}`),
      ...this.#general,
    ].join('; ');
  }

  #keys(): Pick<Description, 'key' | 'exact'> {
    const general = this.#general.sort().join('|');
    const alike: string[] = [];
    const others: string[] = [];
    const numbers = [...this.#ofPasids.keys()].sort((a, b) => a - b);
    const exact = numbers.map((pasid) => {
      const facts = this.#ofPasids.get(pasid)!.sort().join();
      const line = `${pasid}:${facts}`;
      if (this.#checked.symmetric && (PASIDS as readonly number[]).includes(pasid)) alike.push(facts);
      else others.push(line);
      return line;
    });
    return {
      key: `${general}#${others.join('#')}#${alike.sort().join('#')}`,
      exact: `${general}#${exact.join('#')}`,
    };
  }

  /** What the allocator and the driver keep. */
  #records(devices: ReadonlyMap<string, Device>): void {
    const { pasids, lostPasids } = this.#world;
    for (const [pasid, { owner, bound }] of pasids) {
      this.#note(pasid, `of ${owner.process.name}`);
      if (!bound) continue;
      this.#note(pasid, `recorded for ${bound.process.name} and ${bound.guestPasid}`);
      for (const [name, device] of devices) {
        const record = bound.devices.get(device);
        if (record) this.#note(pasid, `recorded ${name} ${record.uses} times`);
      }
    }
    for (const { owner, min, max } of lostPasids) this.#general.push(`lost of ${owner.process.name} ${min} to ${max}`);
  }

  /** Descriptors, groups, containers, and what may be remembered. */
  #holders(): void {
    const world = this.#world;
    const containers = new Map<Container, string>();
    for (const { name: process, names, descriptors } of world.processes.values()) {
      const words: string[] = [];
      for (const [name, number] of names) {
        const { object } = descriptors.get(number)!;
        if (object.kind === 'container') containers.set(object, `${process} ${name}`);
        words.push(name);
      }
      this.#general.push(`${process} has ${words.sort().join()}`);
    }
    const domains = new Map<Domain, string>();
    for (const { name, group, devices } of world.slots.values()) {
      const { container } = group;
      if (container && !containers.has(container)) containers.set(container, `that of ${name}`);
      this.#general.push(`${name} in ${container ? containers.get(container) : 'none'}`);
      devices.forEach(({ opens, showsPasid, tlb }, i) => {
        if (opens > 0) this.#general.push(`${name}.${i} open ${showsPasid}`);
        this.#remembered(tlb, `${name}.${i}`);
      });
    }
    for (const [{ backend }, name] of containers) {
      if (!backend) continue;
      this.#general.push(`${name} of ${backend.type}, ${backend.mappings.map(({ iova }) => iova >> 12n).join()}`);
      backend.domains.forEach((domain, i) => {
        domains.set(domain, `${name}/${i}`);
        this.#general.push(`${name}/${i}: ${domain.groups.map(({ slot }) => slot.name).join()}`);
        this.#remembered(domain.cache, `${name}/${i}`);
      });
    }
    // A record may name a domain that its device has left.
    for (const [pasid, { bound }] of world.pasids) {
      if (!bound) continue;
      for (const { name, group } of world.slots.values()) {
        membersOf(group).forEach((device, i) => {
          const domain = bound.devices.get(device)?.domain;
          if (domain && domainOf(group) !== domain)
            this.#note(pasid, `${name}.${i} of a domain ${domains.get(domain) ?? 'that is gone'}`);
        });
      }
    }
    this.#general.push(`leads ${readLeads(this.#checked, world).join()}`);
  }

  #remembered(cache: TranslationCache, where: string): void {
    for (const { pasid, address, level, host } of cache.remembered())
      this.#note(pasid, `${where} ${Number(address)} ${level} ${this.#nameOf(host.page)}`);
  }

  /** What a page of a guest is called. */
  #nameOf(page: Page): string {
    if (!this.#pageNames) {
      this.#pageNames = new Map();
      for (const { guest } of this.#checked.parties)
        for (const { memory } of this.#world.processes.values())
          for (const [i, one] of memory.regions.get(guest.memory)?.pages.entries() ?? [])
            if (one) this.#pageNames.set(one, `${guest.memory} ${i}`);
    }
    return this.#pageNames.get(page) ?? 'elsewhere';
  }
}
