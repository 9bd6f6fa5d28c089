import { uapi } from '../../../spec/uapi/uapi.ts';
import type { Actor, Name, Op, PokeOp, PwriteOp } from '../../../spec/uapi/vocabulary.ts';
import {
  argumentAt,
  busMaster,
  close,
  dmaIn,
  dmaOut,
  invalidateVaddr,
  ioctlStruct,
  ioctlValue,
  layOut,
  map,
  memory,
  openContainer,
  openGroup,
  setContainer,
  setIommu,
  unmap,
  unmapAll,
  unmapAllByFlag,
  updateVaddr,
} from '../../programs/build.ts';
import type { StageStep } from './stage.ts';

/** Where the one page that steps map is mapped: at a multiple of 64 pages, where a dirty bitmap has no stale bits. */
export const IOVA = 0x40000;

/** Memory for arguments, and what is mapped. */
export const memories: Op[] = [memory('arg', 1), memory('ram', 1)];
/** Where in `arg` no argument stands. */
const BITMAP = 2048;

/** One op as a step. */
export const step = (id: string, ...ops: Op[]): StageStep => ({ id, ops });

/** Steps as another process takes them. */
export function by(actor: Actor, steps: readonly StageStep[]): StageStep[] {
  return steps.map((one) => ({ ...one, id: `${actor} ${one.id}`, ops: one.ops.map((op) => ({ ...op, actor })) }));
}

export const opensContainer = (c: Name): StageStep => step(`open ${c}`, openContainer(c));
export const opensGroup = (slot: Name, as = slot): StageStep => step(`open ${as}`, openGroup(slot, as));
export const opensDevice = (group: Name, as: Name, device = 0, slot = group): StageStep =>
  step(`open ${as}`, { op: 'open', what: 'device', group, slot, device, as });
export const closes = (...fds: Name[]): StageStep[] => fds.map((fd) => step(`close ${fd}`, close(fd)));
export const duplicates = (fd: Name, as: Name): StageStep => step(`dup ${as}`, { op: 'dup', fd, as });

/** Attaching a group to containers, detaching it, and its status. */
export function attaches(group: Name, ...containers: Name[]): StageStep[] {
  return [
    ...containers.map((c) => step(`set_container ${group} ${c}`, setContainer(group, c))),
    step(`unset_container ${group}`, ioctlValue(group, 'VFIO_GROUP_UNSET_CONTAINER', 0)),
    asksStatus(group),
  ];
}

export const asksStatus = (group: Name): StageStep =>
  step(`status ${group}`, ioctlStruct(group, 'VFIO_GROUP_GET_STATUS', { argsz: 8, flags: 0xffff_ffff }));

/** Choosing a backend. */
export const chooses = (c: Name, type: string): StageStep =>
  step(`set_iommu ${c} ${type.replace(/^VFIO_|_IOMMU$/g, '').toLowerCase()}`, setIommu(c, type));

/** A type that no backend has. */
export const choosesNone = (c: Name): StageStep => step(`set_iommu ${c} 99`, ioctlValue(c, 'VFIO_SET_IOMMU', 99));

/** Questions that a container answers by its state. */
export function asksContainer(c: Name): StageStep[] {
  const { VFIO_UPDATE_VADDR } = uapi.values.extension!;
  return [
    step(`api_version ${c}`, ioctlValue(c, 'VFIO_GET_API_VERSION', 0)),
    step(`extension ${c}`, ioctlValue(c, 'VFIO_CHECK_EXTENSION', VFIO_UPDATE_VADDR!)),
    asksInfo(c),
    step(`unknown ${c}`, ioctlValue(c, 'VFIO_IOMMU_BIND', 0)),
  ];
}

/** What a backend can do; the answer has no room for more than the first fields. */
export const asksInfo = (c: Name): StageStep => step(`info ${c}`, ioctlStruct(c, 'VFIO_IOMMU_GET_INFO', { argsz: 16 }));

export const maps = (c: Name): StageStep => step(`map ${c}`, map(c, IOVA, 'ram', 0, 1));
export const unmaps = (c: Name): StageStep => step(`unmap ${c}`, unmap(c, IOVA, 1));
export const unmapsAll = (c: Name): StageStep => step(`unmap_all ${c}`, unmapAll(c));
export const unmapsAllByFlag = (c: Name): StageStep => step(`unmap_all ${c} by flag`, unmapAllByFlag(c));
export const invalidates = (c: Name): StageStep => step(`invalidate ${c}`, invalidateVaddr(c, IOVA, 1));
export const updates = (c: Name): StageStep => step(`update ${c}`, updateVaddr(c, IOVA, 'ram', 0, 1));

/** Dirty tracking on, off, and its result. */
export function tracks(c: Name): StageStep[] {
  const flags = uapi.flags.dirty_pages_flags!;
  const name = 'VFIO_IOMMU_DIRTY_PAGES';
  const { VFIO_IOMMU_DIRTY_PAGES_FLAG_START: START, VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP: STOP } = flags;
  const request = {
    argsz: 48,
    flags: flags.VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP!,
    iova: IOVA,
    size: 4096,
    pgsize: 4096,
    bitmap_size: 8,
    data: { ref: 'arg', add: BITMAP },
  };
  const { number, struct } = uapi.ioctls[name]!;
  const get: Op = { op: 'ioctl', fd: c, number, argument: argumentAt('arg', 0, layOut(struct!, request, true)) };
  return [
    step(`track ${c}`, ioctlStruct(c, name, { argsz: 8, flags: START! })),
    step(`track ${c} no more`, ioctlStruct(c, name, { argsz: 8, flags: STOP! })),
    step(`dirty ${c}`, { op: 'poke', memory: 'arg', at: BITMAP, bytes: '00'.repeat(8) }, get),
  ];
}

/** Letting a device start transfers, and not. */
export function masters(d: Name): StageStep[] {
  const [on, write] = busMaster(d) as [PokeOp, PwriteOp];
  const at = 8;
  const { commandMemory } = uapi.device;
  const off: PokeOp = { ...on, at, bytes: Buffer.from([commandMemory, 0]).toString('hex') };
  return [step(`master ${d}`, on, write), step(`master ${d} no more`, off, { ...write, at })];
}

export const resets = (d: Name): StageStep => step(`reset ${d}`, ioctlValue(d, 'VFIO_DEVICE_RESET', 0));
export const asksDevice = (d: Name): StageStep =>
  step(`info ${d}`, ioctlStruct(d, 'VFIO_DEVICE_GET_INFO', { argsz: 16 }));

/**
 * A transfer through the device and back, to a byte that is neither what was read nor 0: what arrives tells what the device
 * could reach.
 */
export const transfers = (d: Name): StageStep =>
  step(
    `transfer ${d}`,
    { op: 'poke', memory: 'ram', at: 0, bytes: '0123456789abcdefff' },
    dmaIn(d, IOVA, 8),
    dmaOut(d, IOVA + 8, 1),
  );

/** Taking drivers from devices and giving them back. */
export function drives(slot: Name, device: number | 'bound_to_host_driver'): StageStep[] {
  const driver = device === 'bound_to_host_driver' ? 'host' : 'vfio-pci';
  return [
    step(`unbind ${slot} ${device}`, { op: 'unbind_driver', slot, device }),
    step(`bind ${slot} ${device}`, { op: 'bind_driver', slot, device, driver }),
  ];
}
