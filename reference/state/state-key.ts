import type { TranslationCache } from '../memory/translation-cache.ts';
import type { Page } from '../memory/user-memory.ts';
import type { Device } from './device.ts';
import { type Container, domainOf, membersOf, type World } from './state.ts';

// What a state is, for those who merge states that go on alike: descriptors, groups, containers, where mappings begin, and all
// about PASIDs. What memory holds, what is charged, the rest of a mapping, and what devices hold are no part of it. A world and
// its copies say the same.

/** Which table a device translates with by which PASID: `slot.index pasid`, to the table's name. */
export type Bindings = ReadonlyMap<string, string>;

/** What tables and pages are called: by what does not differ between a world and its copies. */
export interface StateNames {
  root(root: bigint): string;
  page(page: Page): string;
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

/** Descriptors, groups, containers and where their mappings begin: what neither a request of the 2020 nesting series nor a transfer changes. */
export function objectFacts(world: World): string[] {
  const facts: string[] = [];
  const containers = new Map<Container, string>();
  for (const { name: process, names, descriptors } of world.processes.values()) {
    const words: string[] = [];
    for (const [name, number] of names) {
      const { object } = descriptors.get(number)!;
      if (object.kind === 'container') containers.set(object, `${process} ${name}`);
      words.push(name);
    }
    facts.push(`${process} has ${words.sort().join()}`);
  }
  for (const { name, group, devices } of world.slots.values()) {
    const { container } = group;
    if (container && !containers.has(container)) containers.set(container, `that of ${name}`);
    facts.push(`${name} in ${container ? containers.get(container) : 'none'}`);
    for (const { opens, showsPasid } of devices) facts.push(opens > 0 ? `open ${showsPasid}` : 'closed');
  }
  for (const [{ backend }, name] of [...containers].sort(([, a], [, b]) => (a < b ? -1 : 1))) {
    if (!backend) continue;
    facts.push(`${name} of ${backend.type}, ${[...backend.mappings].map(({ iova }) => Number(iova)).join()}`);
    for (const { groups } of backend.domains) facts.push(groups.map(({ slot }) => slot.name).join());
  }
  return facts;
}

/** Facts that are about a PASID each: collected from a world, and others that somebody adds. */
export class PasidFacts {
  private readonly world: World;
  private readonly names: StateNames;
  private readonly devices: ReadonlyMap<string, Device>;
  private readonly ofPasids = new Map<number, string[]>();

  constructor(world: World, names: StateNames) {
    this.world = world;
    this.names = names;
    this.devices = devicesByName(world);
  }

  note(pasid: number, fact: string): void {
    const known = this.ofPasids.get(pasid);
    if (known) known.push(fact);
    else this.ofPasids.set(pasid, [fact]);
  }

  /** What is known of each PASID, by their number. */
  lines(): string[] {
    const numbers = [...this.ofPasids.keys()].sort((a, b) => a - b);
    return numbers.map((pasid) => `${pasid}:${this.ofPasids.get(pasid)!.sort().join()}`);
  }

  /** PASIDs that are taken, and nobody knows which. */
  lost(): string {
    return this.world.lostPasids.map(({ owner, min, max }) => `${owner.process.name} ${min} to ${max}`).join();
  }

  /** Notes the tables that devices translate with. */
  noteTables(): Bindings {
    const bindings = new Map<string, string>();
    for (const [name, { pasidTable }] of this.devices) {
      for (const [pasid, { root, levels }] of pasidTable) {
        bindings.set(`${name} ${pasid}`, this.names.root(root));
        this.note(pasid, `${name} ${this.names.root(root)} ${levels}`);
      }
    }
    return bindings;
  }

  /** Notes what the allocator and the driver keep. */
  noteRecords(): void {
    const { pasids, slots } = this.world;
    for (const [pasid, { owner, bound }] of pasids) {
      this.note(pasid, `of ${owner.process.name}`);
      if (!bound) continue;
      this.note(pasid, `recorded for ${bound.process.name} and ${bound.guestPasid}`);
      for (const [name, device] of this.devices) {
        const record = bound.devices.get(device);
        if (!record) continue;
        this.note(pasid, `recorded ${name} ${record.uses} times`);
        // It may name a domain that the device has left.
        const { group } = slots.get(name.slice(0, name.indexOf('.')))!;
        if (record.domain !== domainOf(group))
          this.note(
            pasid,
            `recorded ${name} in a domain of ${record.domain.groups.map(({ slot }) => slot.name).join()}`,
          );
      }
    }
  }

  /** Notes what may be cached: by devices, and for each domain by its IOMMU. */
  noteRemembered(): void {
    for (const { name, group, devices } of this.world.slots.values()) {
      devices.forEach(({ tlb }, i) => {
        this.cached(tlb, `${name}.${i}`);
      });
      const domain = domainOf(group);
      if (domain?.groups[0] === group) this.cached(domain.cache, name);
    }
  }

  private cached(cache: TranslationCache, where: string): void {
    for (const { pasid, address, level, host } of cache.translations())
      this.note(pasid, `${where} ${Number(address)} ${level} ${this.names.page(host.page)}`);
  }
}
