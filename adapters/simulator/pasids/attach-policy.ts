import type { IommuGroup } from '../iommu/iommu-group.ts';
import type { Errno } from '../result.ts';
import type { Type1State } from '../type1/type1-state.ts';
import { hasBound } from './container-devices.ts';

/** Why a container of the nesting type does not take another group; undefined if it does. */
export function refusesSecondGroup(backend: Type1State): Errno | undefined {
  const { second_member_at_attach, pasid_exposure } = backend.parameters;
  if (!backend.nesting || (backend.domains.length === 0 && backend.external.length === 0)) return undefined;
  if (second_member_at_attach === 'always') return 'EINVAL';
  if (second_member_at_attach === 'never') return undefined;
  const showsAlone = pasid_exposure === 'singleton_container' && groupsOf(backend).some(showsPasids);
  return showsAlone || hasBound(backend) ? 'EBUSY' : undefined;
}

/** A group is about to leave: what is bound on its devices ends, where anybody thought of it. */
export function dropBindings({ parameters, pasids: { driver } }: Type1State, { devices }: IommuGroup): void {
  if (driver === undefined || parameters.nesting_series === 'as_posted') return;
  for (const device of devices) driver.drop(device);
}

function groupsOf({ domains, external }: Type1State): IommuGroup[] {
  return [...external, ...domains.flatMap(({ groups }) => groups)];
}

/** Whether an open device of the group shows that it has PASIDs. */
function showsPasids({ devices }: IommuGroup): boolean {
  return devices.some((device) => device.showsPasids);
}
