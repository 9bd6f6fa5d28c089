import { uapi } from '../../../spec/uapi/uapi.ts';
import type { PasidCall } from '../../call/families.ts';
import { backendOf } from '../../call/operands.ts';
import { freePasidIn, taken, tearDown, turnsOutLost } from '../../state/pasids.ts';
import { PASID_END, type PasidOwner } from '../../state/state.ts';
import { type Conditions, type Contents, type Effects, has, type Written } from '../rule-functions.ts';

const { VFIO_IOMMU_PASID_ALLOC: ALLOC, VFIO_IOMMU_PASID_FREE: FREE } = uapi.flags.pasid_request_flags as Record<
  string,
  number
>;
const KNOWN = ALLOC! | FREE!;
const { size } = uapi.structs.vfio_iommu_type1_pasid_request!;
const HEADER = 8;
const RESULT = 16;
/** From here on an int is negative. */
const INT_END = 2 ** 31;
const END = 2 ** 32;

const flags = (call: PasidCall) => call.pasidRequest.flags;
const freed = (call: PasidCall) => call.pasidRequest.min;
const quota = (call: PasidCall) => Number(call.world.parameters.get('vfio_iommu_type1.pasid_quota'));
/** Whom PASIDs are given to; only asked for where there is one. */
const owner = (call: PasidCall) => backendOf(call).owner as PasidOwner;
const isFull = (call: PasidCall) => taken(call.world, owner(call)) >= owner(call).limit;

/** The lowest number of the request's range below an end that nobody has. */
function lowest(call: PasidCall, from: number, end: number): number | undefined {
  const { min, max } = call.pasidRequest;
  return freePasidIn(call.world, Math.max(min, from), Math.min(max + 1, end));
}

/** Whether no number of the request's range is free; of those that are thought to be, as many may be taken as were lost there. */
function noneIn(call: PasidCall, from: number, end: number): boolean {
  const { min, max } = call.pasidRequest;
  const lost = call.world.lostPasids.filter((one) => one.min <= max && min <= one.max).length;
  let free = 0;
  for (let pasid = lowest(call, from, end); pasid !== undefined && free <= lost; free++)
    pasid = freePasidIn(call.world, pasid + 1, Math.min(max + 1, end));
  return free === 0 || (free <= lost && call.chooser.choose(2) === 1);
}

export const conditions = {
  pasid_request_is_absent: () => true,
  pasid_request_argsz_below_header: ({ argument }) => argument.argsz < HEADER,
  pasid_request_argsz_below_20: ({ argument }) => argument.argsz < size,
  pasid_request_flag_unknown: (call) => (flags(call) & ~KNOWN) !== 0,
  pasid_request_both_flags: (call) => (flags(call) & KNOWN) === KNOWN,
  pasid_request_no_flag: (call) => flags(call) === 0,
  pasid_request_flag_alloc: (call) => has(flags(call), ALLOC),
  pasid_alloc_without_domain: (call) => backendOf(call).domains.length === 0,
  pasid_free_without_domain: (call) => backendOf(call).domains.length === 0,
  pasid_alloc_without_owner: (call) => backendOf(call).owner === undefined,
  pasid_free_without_owner: (call) => backendOf(call).owner === undefined,
  pasid_alloc_none_free_as_posted: (call) => {
    if (call.allocationMayFail && call.chooser.choose(2) === 1) return true;
    return isFull(call) || noneIn(call, 0, END);
  },
  pasid_alloc_of_zero_fails: (call) =>
    lowest(call, 0, 1) !== undefined && (lowest(call, 1, END) === undefined || call.chooser.choose(2) === 1),
  pasid_alloc_of_negative_number_fails: (call) =>
    lowest(call, INT_END, END) !== undefined &&
    (lowest(call, 1, INT_END) === undefined || call.chooser.choose(2) === 1),
  pasid_free_out_of_range: (call) => has(flags(call), FREE) && (freed(call) === 0 || freed(call) >= PASID_END),
  pasid_alloc_min_above_max: (call) => has(flags(call), ALLOC) && call.pasidRequest.min > call.pasidRequest.max,
  pasid_alloc_none_free: (call) => isFull(call) || noneIn(call, 1, PASID_END),
  pasid_free_of_unallocated: (call) => !call.world.pasids.has(freed(call)) && !turnsOutLost(call, freed(call)),
  pasid_free_of_another_owner: (call) => call.world.pasids.get(freed(call))!.owner !== owner(call),
} satisfies Conditions<PasidCall>;

export const effects = {
  pasid_alloc_applies_quota_parameter: (call) => {
    const { world } = call;
    const one = owner(call);
    // The parameter is declared unsigned, and kept as an int.
    const asked = quota(call) | 0;
    if (one.quota === asked) return;
    one.quota = asked;
    // What cannot be applied is dropped.
    if (asked < taken(world, one) || asked > world.unpromised) return;
    world.unpromised += one.limit - asked;
    one.limit = asked;
  },
  pasid_alloc_uses_quota_parameter: (call) => {
    owner(call).limit = quota(call);
  },
  pasid_alloc_of_zero_fails: (call) => {
    call.world.pasids.set(0, { owner: owner(call), bound: undefined });
  },
  pasid_alloc_of_negative_number_fails: (call) => {
    call.world.lostPasids.push({ owner: owner(call), min: INT_END, max: END });
  },
  pasid_alloc_allocates: (call) => take(call, INT_END),
  pasid_alloc_allocates_20_bits: (call) => take(call, PASID_END),
  pasid_alloc_frees_unreported_pasid: (call) => {
    call.world.pasids.delete(call.pasidRequest.given);
  },
  pasid_free_leaves_bindings: (call) => {
    call.world.pasids.delete(freed(call));
  },
  pasid_free_unbinds: (call) => {
    tearDown(call.world, freed(call));
    call.world.pasids.delete(freed(call));
  },
} satisfies Effects<PasidCall>;

/** Gives the lowest free number below an end; another may turn out to have been given. */
function take(call: PasidCall, end: number): void {
  call.pasidRequest.given = lowest(call, 1, end)!;
  call.world.pasids.set(call.pasidRequest.given, { owner: owner(call), bound: undefined });
}

/** The number that was given: any free one of the range below an end is as good. */
function result(call: PasidCall, end: number): Written {
  const bytes = new Uint8Array(4);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, call.pasidRequest.given, true);
  const { min, max } = call.pasidRequest;
  const given = (some: Uint8Array) => new DataView(some.buffer, some.byteOffset).getUint32(0, true);
  const { world } = call;
  const first = call.pasidRequest.given;
  return {
    address: BigInt.asUintN(64, call.argument.value + BigInt(RESULT)),
    bytes,
    accepts: (some: Uint8Array) => {
      const pasid = given(some);
      return pasid >= Math.max(min, 1) && pasid <= max && pasid < end && (pasid === first || !world.pasids.has(pasid));
    },
    notWritten: () => {
      // Where no other could have been given, it is known which one is lost.
      if (lowest(call, 1, end) === undefined) return;
      world.pasids.delete(first);
      world.lostPasids.push({ owner: owner(call), min: Math.max(min, 1), max });
    },
    learn: (some: Uint8Array) => {
      const pasid = world.pasids.get(first);
      if (!pasid) return;
      world.pasids.delete(first);
      world.pasids.set(given(some), pasid);
    },
  };
}

export const contents = {
  pasid_alloc_returns_bytes_not_copied: (call) => result(call, INT_END),
  pasid_alloc_cannot_write_result: (call) => result(call, PASID_END),
} satisfies Contents<PasidCall>;
