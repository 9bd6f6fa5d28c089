import { walkGuestTable, walkStart } from '../reference/memory/guest-page-walk.ts';
import { secondStageOf } from '../reference/memory/guest-translation.ts';
import type { Page } from '../reference/memory/user-memory.ts';
import { type Container, domainOf, type Group, membersOf, type World } from '../reference/state/state.ts';
import { ADDRESSES } from './guest.ts';

/** What a device reaches at an address with a PASID that it is bound to. */
export interface Reach {
  group: Group;
  /** `slot.index`. */
  device: string;
  pasid: number;
  address: bigint;
  /** By the tables as they are; undefined where they lead nowhere. */
  now: Page | undefined;
  /** By what the device may have cached, by the pages that its IOMMU may have cached, and by the entries on the way. */
  byDevice: readonly Page[];
  byPages: readonly Page[];
  byEntries: readonly Page[];
}

/** Everything that bound devices reach at the guest's two addresses. */
export function reachOf(world: World): Reach[] {
  const reach: Reach[] = [];
  for (const { name, group } of world.slots.values()) {
    const secondStage = secondStageOf(group, false);
    const cache = domainOf(group)?.cache;
    for (const [i, { pasidTable, tlb }] of membersOf(group).entries()) {
      for (const [pasid, { root, levels }] of pasidTable) {
        for (const address of ADDRESSES) {
          const walk = (start: Parameters<typeof walkGuestTable>[2]): Page | undefined =>
            walkGuestTable(address, false, start, secondStage).found?.page;
          reach.push({
            group,
            device: `${name}.${i}`,
            pasid,
            address,
            now: walk(walkStart(root, levels, secondStage)),
            byDevice: tlb.pages(pasid, address).map(({ page }) => page),
            byPages: (cache?.pages(pasid, address) ?? []).map(({ page }) => page),
            byEntries: (cache?.entries(pasid, address) ?? []).flatMap((start) => walk(start) ?? []),
          });
        }
      }
    }
  }
  return reach;
}

/** How many translations of a PASID, or of any, devices of a container or of any may have cached. */
export function countRemembered(world: World, container?: Container, pasid?: number): number {
  let count = 0;
  const counted = new Set<object>();
  for (const { group } of world.slots.values()) {
    if (container && group.container !== container) continue;
    for (const cache of [domainOf(group)?.cache, ...membersOf(group).map(({ tlb }) => tlb)]) {
      if (!cache || counted.has(cache)) continue;
      counted.add(cache);
      for (const one of cache.translations()) if (pasid === undefined || one.pasid === pasid) count++;
    }
  }
  return count;
}
