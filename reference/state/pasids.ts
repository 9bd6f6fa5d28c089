import type { Chooser } from '../call/chooser.ts';
import type { Device } from './device.ts';
import type { PasidOwner, World } from './state.ts';

/** How many PASIDs an owner has, those included that nobody knows. */
export function taken({ pasids, lostPasids }: World, owner: PasidOwner): number {
  let count = lostPasids.filter((lost) => lost.owner === owner).length;
  for (const pasid of pasids.values()) if (pasid.owner === owner) count++;
  return count;
}

/** The lowest PASID of [first, end) that nobody has. */
export function freePasidIn({ pasids }: World, first: number, end: number): number | undefined {
  for (let pasid = first; pasid < end; pasid++) if (!pasids.has(pasid)) return pasid;
  return undefined;
}

/** Ends a PASID's binding to one device, and invalidates what was translated by it. */
export function unbindFrom(world: World, pasid: number, device: Device): void {
  const record = world.pasids.get(pasid)?.bound;
  const bound = record?.devices.get(device);
  device.pasidTable.delete(pasid);
  device.tlb.flush({ pasid });
  bound?.domain.cache.flush({ pasid });
  if (!record) return;
  record.devices.delete(device);
  if (record.devices.size === 0) world.pasids.get(pasid)!.bound = undefined;
}

/** Ends all bindings of a PASID. */
export function tearDown(world: World, pasid: number): void {
  for (const device of [...(world.pasids.get(pasid)?.bound?.devices.keys() ?? [])]) unbindFrom(world, pasid, device);
}

/**
 * Whether a number that nobody is known to have is one that was given out without being reported. Nobody but the
 * implementation knows; from then on it is known.
 */
export function turnsOutLost({ world, chooser }: { world: World; chooser: Chooser }, pasid: number): boolean {
  const at = world.lostPasids.findIndex(({ min, max }) => min <= pasid && pasid <= max);
  if (at < 0 || chooser.choose(2) === 0) return false;
  const { owner } = world.lostPasids[at]!;
  world.lostPasids.splice(at, 1);
  world.pasids.set(pasid, { owner, bound: undefined });
  return true;
}
