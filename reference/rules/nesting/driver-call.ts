import type { DriverCall } from '../../call/families.ts';
import { backendOf } from '../../call/operands.ts';
import type { Device } from '../../state/device.ts';
import type { Conditions } from '../rule-functions.ts';
import { isMediated } from './nesting.ts';

/** Bits of the widest PASIDs. */
export const PASID_BITS = 20;

/** Where the data of a request starts; bytes. */
export const DATA = 8;

/** Whether the container is of the nesting type. */
export const nests = (call: DriverCall): boolean => backendOf(call).nesting;

/** What the IOMMU can do in two stages; undefined for one that cannot. */
export const ability = (call: DriverCall) => call.world.environment.nesting;

/** The device under consideration. */
export const visited = (call: DriverCall): Device => call.visit.device!;

/** Bits of the PASIDs that a device sends. */
export const pasidBits = ({ slot }: Device): number => slot.pasidBits ?? PASID_BITS;

/** The size that the data gives itself, where it does: bytes. */
export const dataSize = ({ argument }: DriverCall): number => argument.view.getUint32(DATA, true);

/** Reads the data from a byte on up to its own size, or its greatest. */
export function readUpTo(call: DriverCall, from: number, most: number): boolean {
  const end = Math.min(dataSize(call), most);
  return end <= from || call.copyIn(DATA + from, end - from);
}

export const conditions = {
  driver_without_hooks: (call) => backendOf(call).domains.length > 0,
  driver_call_fails: (call) => {
    call.visit.calls++;
    const injected = call.process.injections.find(({ fault, nth }) => fault === 'driver' && nth === call.visit.calls);
    if (injected) call.errno = injected.errno ?? 'EIO';
    return injected !== undefined;
  },
  driver_bind_without_iommu: (call) => isMediated(visited(call)),
} satisfies Conditions<DriverCall>;
