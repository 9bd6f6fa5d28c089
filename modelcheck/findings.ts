import type { Bindings } from '../reference/state/state-key.ts';
import type { ConditionId, EffectId } from '../spec/contract/rule-ids.ts';
import { uapi } from '../spec/uapi/uapi.ts';
import { type CheckTransition, containerNamed, devicesIn, succeeded } from './invariants.ts';
import type { CheckedRequest } from './request.ts';

/** How a finding about the 2020 nesting series looks when it breaks an invariant. */
interface Sign {
  invariants: string[];
  /** `info`: of I9, what GET_INFO had returned. */
  shows(transition: CheckTransition, info: CheckTransition | undefined): boolean;
}

const CUT = 1n << 32n;

/** What a step asked for, if it was a request. */
const asked = ({ step: { act } }: CheckTransition): CheckedRequest | undefined =>
  act.kind === 'request' ? act.request : undefined;
const asks = (transition: CheckTransition, ...kinds: CheckedRequest['kind'][]): boolean => {
  const request = asked(transition);
  return request !== undefined && kinds.includes(request.kind);
};
const fails = ({ expectation }: CheckTransition): boolean => !succeeded(expectation);
const returns = ({ expectation }: CheckTransition, errno: string): boolean =>
  expectation.outcome.kind === 'errno' && expectation.outcome.errno === errno;
const had = ({ expectation: { rule, effects } }: CheckTransition, ...rules: (ConditionId | EffectId)[]): boolean =>
  rules.some((one) => one === rule.id || effects.includes(one));

/** Bindings of the one that the other has not. */
const without = (some: Bindings, others: Bindings): string[] => [...some.keys()].filter((key) => !others.has(key));
const lost = ({ before, after }: CheckTransition): string[] => without(before.bindings, after.bindings);
const gained = ({ before, after }: CheckTransition): string[] => without(after.bindings, before.bindings);

/** Devices of the container that a request named, that are bound to its PASID. */
function boundTo(transition: CheckTransition, when: 'before' | 'after'): string[] {
  const request = asked(transition);
  if (!request || request.kind === 'invalidate') return [];
  const { world, bindings } = transition[when];
  const container = containerNamed(world, request.container);
  return container ? devicesIn(container).filter((device) => bindings.has(`${device} ${request.pasid}`)) : [];
}

/** The rules that refuse a BIND for what its data says, whatever the state is. */
const ofData: readonly string[] = [
  'iommu_core_bind_argsz_too_small',
  'iommu_core_bind_version_unknown',
  'iommu_core_bind_format_unknown',
  'iommu_core_bind_flag_unknown',
  'iommu_core_bind_padding_not_zero',
  'driver_bind_version_or_format',
  'driver_bind_format',
  'driver_bind_size_too_small',
  'driver_bind_vtd_flag_unknown',
  'nested_setup_address_width_unsupported',
  'nested_setup_gpgd_beyond_address_width',
  'nested_setup_supervisor_requests_unsupported',
  'nested_setup_extended_access_unsupported',
  'nested_setup_memory_types_unsupported',
  'nested_setup_memory_types_refused',
] satisfies ConditionId[];

/** Devices that the driver refused in an op. */
const refusals = ({ expectation: { effects } }: CheckTransition): number =>
  effects.filter((rule) => rule === ('driver_call_fails' satisfies ConditionId)).length;

const namesBeyond = (transition: CheckTransition): boolean => {
  const request = asked(transition);
  return request !== undefined && request.kind !== 'invalidate' && request.pasid >= CUT;
};

/** The findings that break an invariant, and by which signs. */
const signs: Record<string, Sign> = {
  L1: {
    invariants: ['I2'],
    shows: (one) => asks(one, 'bind') && !fails(one) && refusals(one) > 0,
  },
  L6: {
    invariants: ['I11'],
    // More devices stay bound than have refused: the others were left out.
    shows: (one) => asks(one, 'unbind') && boundTo(one, 'after').length > Math.max(refusals(one), 1),
  },
  L7: {
    invariants: ['I2'],
    shows: ({ op }) => op.op === 'ioctl' && op.number === uapi.ioctls.VFIO_GROUP_SET_CONTAINER!.number,
  },
  L8: {
    invariants: ['I7'],
    shows: (one) => asks(one, 'invalidate') && refusals(one) > 0,
  },
  B1: {
    invariants: ['I1'],
    shows: (one) =>
      asks(one, 'bind') && lost(one).length > 0 && !namesBeyond(one) && !ofData.includes(one.expectation.rule.id),
  },
  B2: {
    invariants: ['I1'],
    shows: (one) => asks(one, 'bind') && lost(one).length > 0 && ofData.includes(one.expectation.rule.id),
  },
  B3: { invariants: ['I1', 'I10'], shows: (one) => asks(one, 'bind') && fails(one) && namesBeyond(one) },
  // One may itself have refused to be unbound; any other was left out.
  B4: { invariants: ['I1', 'I2'], shows: (one) => asks(one, 'bind') && fails(one) && gained(one).length > 1 },
  V10: { invariants: ['I9'], shows: (one) => asks(one, 'bind') && !fails(one) && isPlain(one) },
  P4: { invariants: ['I9'], shows: (one) => asks(one, 'alloc') && !fails(one) && isPlain(one) },
  G1: { invariants: ['I9'], shows: (one, info) => !fails(one) && isPlain(one) && info !== undefined && fails(info) },
  G2: {
    invariants: ['I9'],
    shows: (one) => had(one, 'driver_bind_pasid_width_too_small', 'driver_bind_device_is_not_pci'),
  },
  V11: { invariants: ['I6'], shows: (one) => asks(one, 'bind') && !fails(one) },
  V5: {
    invariants: ['I8'],
    shows: (one) =>
      had(
        one,
        'bind_version_beyond_size_table',
        'bind_version_before_size_table',
        'cache_invalidate_version_beyond_size_table',
        'cache_invalidate_version_before_size_table',
      ),
  },
  V12: { invariants: ['I8'], shows: (one) => had(one, 'driver_bind_of_unallocated_oopses') },
  V13: { invariants: ['I8'], shows: (one) => returns(one, '524') },
  V14: { invariants: ['I8'], shows: ({ expectation: { outcome } }) => outcome.kind === 'range' },
  P2: { invariants: ['I1'], shows: (one) => asks(one, 'alloc') && one.expectation.outcome.kind === 'range' },
  P3: {
    invariants: ['I1'],
    shows: (one) => had(one, 'pasid_alloc_of_zero_fails', 'pasid_alloc_of_negative_number_fails'),
  },
  U1: {
    invariants: ['I2', 'I11'],
    shows: (one) => asks(one, 'unbind') && fails(one) && boundTo(one, 'before').length > 0 && refusals(one) > 0,
  },
  U2: { invariants: ['I10'], shows: (one) => asks(one, 'unbind') && namesBeyond(one) },
  U3: {
    invariants: ['I11'],
    shows: (one) =>
      had(one, 'driver_unbind_of_unbound', 'driver_unbind_of_unallocated') && boundTo(one, 'before').length === 0,
  },
  U4: {
    invariants: ['I3', 'I5', 'I7'],
    shows: (one) => asks(one, 'free') || ['leave', 'end'].includes(one.step.act.kind),
  },
  U5: {
    invariants: ['I6', 'I11'],
    shows: (one) =>
      asks(one, 'free') || (had(one, 'driver_unbind_of_unallocated') && boundTo(one, 'before').length > 0),
  },
  C3: {
    invariants: ['I7'],
    shows: (one) =>
      had(
        one,
        'driver_invalidate_combination_skipped',
        'driver_invalidate_of_no_pasid_uses_pasid_0',
        'driver_invalidate_of_no_pasid_is_no_op',
      ),
  },
};

/** Whether the request was made of a container that is not of the nesting type. */
function isPlain(transition: CheckTransition): boolean {
  const request = asked(transition);
  const container = request && containerNamed(transition.after.world, request.container);
  return container?.backend?.nesting === false;
}

/** The findings that a step shows by breaking an invariant. */
export const findingsOf = (invariant: string, transition: CheckTransition, info?: CheckTransition): string[] =>
  Object.entries(signs)
    .filter(([, { invariants, shows }]) => invariants.includes(invariant) && shows(transition, info))
    .map(([id]) => id);
