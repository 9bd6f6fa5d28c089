import { uapi } from '../../spec/uapi/uapi.ts';
import type { InjectOp, IoctlOp } from '../../spec/uapi/vocabulary.ts';
import type { Conditions, Effects } from '../rule-functions.ts';

const joining = [uapi.ioctls.VFIO_SET_IOMMU!.number, uapi.ioctls.VFIO_GROUP_SET_CONTAINER!.number];

export const conditions = {
  inject_outside_contract: ({ op }) => (op as InjectOp).fault !== 'allocation',
  allocation_failure_of_joining_group: ({ op }) =>
    op.op === 'ioctl' && joining.includes(Number((op as IoctlOp).number)),
} satisfies Conditions;

export const effects = {
  inject_lets_an_allocation_fail: ({ process }) => {
    process.injected = true;
  },
} satisfies Effects;
