import { uapi } from '../../spec/uapi/uapi.ts';
import type { AnyCall } from '../call/families.ts';
import { opOf } from '../call/operands.ts';
import type { Conditions, Effects } from './rule-functions.ts';

const joining = [uapi.ioctls.VFIO_SET_IOMMU!.number, uapi.ioctls.VFIO_GROUP_SET_CONTAINER!.number];

export const conditions = {
  allocation_failure_on_attach: ({ op }) => op.op === 'ioctl' && joining.includes(Number(op.number)),
} satisfies Conditions<AnyCall>;

export const effects = {
  inject_applies_to_next_op: (call) => {
    call.process.injections.push(opOf(call, 'inject'));
  },
} satisfies Effects<AnyCall>;
