import type { Device } from './device.ts';
import type { PasidOwner, World } from './state.ts';

/** First number that is no PASID: they have 20 bits. */
export const PASID_END = 2 ** 20;

/** How many PASIDs an owner has, those included that nobody knows. */
export function taken({ pasids }: World, owner: PasidOwner): number {
  let count = owner.lost;
  for (const pasid of pasids.values()) if (pasid.owner === owner) count++;
  return count;
}

/** The lowest PASID of [first, end) that nobody has. */
export function freePasidIn({ pasids }: World, first: number, end: number): number | undefined {
  for (let pasid = first; pasid < end; pasid++) if (!pasids.has(pasid)) return pasid;
  return undefined;
}

/** Ends a PASID's binding to one device, and forgets what was translated by it. */
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
