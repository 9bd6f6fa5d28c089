import type { Page } from '../memory/user-memory.ts';
import { copyPage } from '../memory/user-memory.ts';
import type { Device } from './device.ts';
import type { Event } from './event.ts';
import { MappingList } from './mapping-list.ts';
import {
  type AllocatedPasid,
  type Backend,
  type BoundPasid,
  type Container,
  type Domain,
  type Group,
  type Mapping,
  type OpenDevice,
  type OpenFileDescription,
  type PasidOwner,
  type Process,
  type SlotState,
  World,
} from './state.ts';

/** A world of its own that is as another one is. Release both when they are no longer used. */
export function copyWorld(world: World): World {
  return new Copier((page) => copyPage(page)).world(world);
}

/**
 * A world that is as another one is, and whose processes have the same memory: what is stored in one is there in the other.
 * It costs a fraction of copyWorld(). Release the devices of both, and the whole of one.
 */
export function copyWithoutMemory(world: World): World {
  return new Copier().world(world);
}

/** Copies what belongs to one world; what was met before is not copied again, so that what was shared stays shared. */
class Copier {
  private readonly met = new Map<object, object>();
  private readonly copyPage: ((page: Page) => Page) | undefined;

  /** `copyPage`: undefined where memory stays the same. */
  constructor(copyPage?: (page: Page) => Page) {
    this.copyPage = copyPage;
  }

  world(world: World): World {
    const copy = Object.create(World.prototype) as { -readonly [key in keyof World]: World[key] };
    copy.environment = world.environment;
    copy.parameters = new Map(world.parameters);
    copy.history = [...world.history];
    copy.unpromised = world.unpromised;
    copy.lostPasids = world.lostPasids.map((lost) => ({ ...lost, owner: this.owner(lost.owner) }));
    copy.left = world.left.map(({ devices, owner }) => ({
      devices: devices.map(this.device),
      ...(owner && { owner: this.owner(owner) }),
    }));
    copy.slots = mapped(world.slots, (slot) => this.slot(slot));
    copy.processes = mapped(world.processes, (process) => this.process(process));
    copy.pasids = mapped(world.pasids, (pasid) => this.pasid(pasid));
    copy.owners = new Map([...world.owners].map(([process, owner]) => [this.process(process), this.owner(owner)]));
    return copy as World;
  }

  /** The copy of something: made as `empty`, then filled by `fill`, so that it may lead back to itself. */
  private once<T extends object>(one: T, empty: () => T, fill: (copy: T) => void): T {
    const known = this.met.get(one);
    if (known) return known as T;
    const copy = empty();
    this.met.set(one, copy);
    fill(copy);
    return copy;
  }

  /** A copy that has the same fields, some of which are then replaced. */
  private like<T extends object>(one: T, fill: (copy: T) => void): T {
    return this.once(one, () => ({ ...one }), fill);
  }

  private readonly page = (page: Page): Page =>
    this.copyPage ? this.once(page, () => this.copyPage!(page), keep) : page;

  private readonly device = (device: Device): Device =>
    this.once(
      device,
      () => device.copy(this.page),
      (copy) => {
        if (device.request) copy.request = this.event(device.request);
        if (device.interrupt?.event)
          copy.interrupt = { ...device.interrupt, event: this.event(device.interrupt.event) };
      },
    );

  private readonly group = (group: Group): Group =>
    this.like(group, (copy) => {
      copy.slot = this.slot(group.slot);
      copy.container = group.container && this.container(group.container);
    });

  private slot(slot: SlotState): SlotState {
    return this.like(slot, (copy) => {
      copy.devices = slot.devices.map(this.device);
      copy.hostDriverDevice = slot.hostDriverDevice && this.device(slot.hostDriverDevice);
      copy.group = this.group(slot.group);
    });
  }

  private container(container: Container): Container {
    return this.like(container, (copy) => {
      copy.groups = new Set([...container.groups].map(this.group));
      copy.backend = container.backend && this.backend(container.backend);
    });
  }

  private backend(backend: Backend): Backend {
    return this.like(backend, (copy) => {
      copy.domains = backend.domains.map((domain) => this.domain(domain));
      copy.owner = backend.owner && this.owner(backend.owner);
      copy.mappings = new MappingList([...backend.mappings].map((mapping) => this.mapping(mapping)));
    });
  }

  private domain(domain: Domain): Domain {
    return this.like(domain, (copy) => {
      copy.cache = domain.cache.copy(this.page);
      copy.groups = domain.groups.map(this.group);
    });
  }

  private mapping(mapping: Mapping): Mapping {
    return this.like(mapping, (copy) => {
      if (this.copyPage) copy.pages = mapping.pages.map(this.page);
      copy.charged = { ...mapping.charged, process: this.process(mapping.charged.process) };
    });
  }

  private process(process: Process): Process {
    return this.like(process, (copy) => {
      if (this.copyPage) copy.memory = process.memory.copy(this.page);
      copy.names = new Map(process.names);
      copy.descriptors = mapped(process.descriptors, (description) => this.description(description));
      copy.closeOnExec = new Set(process.closeOnExec);
      copy.saved = new Map(process.saved);
      copy.injections = [...process.injections];
    });
  }

  private description(description: OpenFileDescription): OpenFileDescription {
    return this.like(description, (copy) => {
      copy.object = this.object(description.object);
    });
  }

  private object(object: OpenFileDescription['object']): OpenFileDescription['object'] {
    switch (object.kind) {
      case 'container':
        return this.container(object);
      case 'group':
        return this.group(object);
      case 'device':
        return this.like<OpenDevice>(object, (copy) => {
          copy.device = this.device(object.device);
          copy.group = this.group(object.group);
        });
      default:
        return this.like(object, (copy) => {
          if (object.event) copy.event = this.event(object.event);
        });
    }
  }

  private event(event: Event): Event {
    return this.like(event, keep);
  }

  private owner(owner: PasidOwner): PasidOwner {
    return this.like(owner, (copy) => {
      copy.process = this.process(owner.process);
    });
  }

  private pasid(pasid: AllocatedPasid): AllocatedPasid {
    return this.like(pasid, (copy) => {
      copy.owner = this.owner(pasid.owner);
      copy.bound = pasid.bound && this.bound(pasid.bound);
    });
  }

  private bound(bound: BoundPasid): BoundPasid {
    return this.like(bound, (copy) => {
      copy.process = this.process(bound.process);
      copy.devices = new Map(
        [...bound.devices].map(([device, one]) => [this.device(device), { ...one, domain: this.domain(one.domain) }]),
      );
    });
  }
}

const keep = (): void => {};

function mapped<Key, Value>(all: ReadonlyMap<Key, Value>, copy: (one: Value) => Value): Map<Key, Value> {
  const copies = new Map<Key, Value>();
  for (const [key, one] of all) copies.set(key, copy(one));
  return copies;
}
