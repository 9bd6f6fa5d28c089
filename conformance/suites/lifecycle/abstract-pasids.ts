import type { Device } from '../../../reference/state/device.ts';
import type { Backend, Process, World } from '../../../reference/state/state.ts';

/** What a process calls the numbers that it was given, free or not. */
export const namedPasids = ({ saved }: Process): string[] => [...saved].map(([name, value]) => `${name}=#${value}`);

/** What a device shows and translates. */
export function bindingsOf({ opens, showsPasid, pasidTable }: Device): string[] {
  const words = [...pasidTable.keys()].sort().map((pasid) => `translates #${pasid}`);
  if (opens > 0 && showsPasid) words.push('shows PASIDs');
  return words;
}

/** The order in which requests visit the groups of a container: only where there are requests it matters. */
export function domainsOf({ nesting, domains, owner }: Backend, { environment }: World): string[] {
  if (!environment.nesting) return [];
  const groups = domains.map((domain) => domain.groups.map(({ slot }) => slot.name).join(' then '));
  return [
    `${nesting ? 'nesting' : 'plain'} of ${owner?.process.name ?? 'nobody'}`,
    ...groups.map((names) => `domain of ${names}`),
  ];
}

/** Who was given which PASID, and whom the IOMMU's driver takes for bound. */
export function pasidsOf({ pasids, slots }: World): string[] {
  const nameOf = (device: Device): string => {
    for (const { name, devices } of slots.values())
      if (devices.includes(device)) return `${name}.${devices.indexOf(device)}`;
    return 'the gone';
  };
  const numbers = [...pasids.keys()].sort((a, b) => a - b);
  return numbers.map((number) => {
    const { owner, bound } = pasids.get(number)!;
    const words = [`#${number} of ${owner.process.name}`];
    if (bound) {
      words.push(`first bound by ${bound.process.name} for ${bound.guestPasid}`);
      for (const [device, { uses }] of bound.devices) words.push(`${nameOf(device)} ${uses} times`);
    }
    return words.join(' ');
  });
}
