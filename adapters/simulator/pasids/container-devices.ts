import type { IommuDevice } from '../iommu/iommu-group.ts';
import type { Type1State } from '../type1/type1-state.ts';

/** The devices of a container that an IOMMU translates, in the order of its lists. */
export function* translatedDevices({ domains }: Type1State): Generator<IommuDevice, void> {
  for (const { groups } of domains) for (const { devices } of groups) yield* devices;
}

/** Whether a container holds more than the requests let it use. */
export function hasSecondMember({
  domains,
  external,
  parameters: { singleton_scope: scope, second_member_use },
}: Type1State): boolean {
  if (scope === 'none' || second_member_use === 'allowed') return false;
  let units = 0;
  const count = ({ devices }: { devices: readonly unknown[] }) => {
    units += scope === 'group' ? 1 : devices.length;
  };
  external.forEach(count);
  for (const { groups } of domains) groups.forEach(count);
  return units > 1;
}

/** Whether every device of a container can use guest tables, and there is one. */
export function allCanNest(backend: Type1State): boolean {
  const { driver } = backend.pasids;
  if (driver === undefined || backend.domains.length === 0) return false;
  if (backend.external.some(({ devices }) => devices.length > 0)) return false;
  for (const device of translatedDevices(backend)) if (!driver.supports(device)) return false;
  return true;
}

/** Whether a guest table is bound on any device of a container. */
export function hasBound(backend: Type1State): boolean {
  for (const { pasids } of translatedDevices(backend)) if (pasids?.table.isEmpty === false) return true;
  return false;
}

/** Whether a guest table is bound to a PASID on any device of a container. */
export function isBound(backend: Type1State, pasid: number): boolean {
  for (const { pasids } of translatedDevices(backend)) if (pasids?.table.get(pasid) !== undefined) return true;
  return false;
}
