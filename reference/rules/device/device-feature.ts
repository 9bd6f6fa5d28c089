import { uapi } from '../../../spec/uapi/uapi.ts';
import type { IoctlCall } from '../../call/families.ts';
import { type Conditions, has } from '../rule-functions.ts';

const {
  VFIO_DEVICE_FEATURE_GET: GET,
  VFIO_DEVICE_FEATURE_SET: SET,
  VFIO_DEVICE_FEATURE_PROBE: PROBE,
} = uapi.flags.device_feature_flags as Record<string, number>;
/** The number of the feature. */
const NUMBER = 0xffff;
const { size } = uapi.structs.vfio_device_feature!;
const features = uapi.values.device_feature!;
const lowPower = new Set([
  features.VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY,
  features.VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP,
  features.VFIO_DEVICE_FEATURE_LOW_POWER_EXIT,
]);

export const conditions = {
  device_feature_argsz_too_small: ({ argument }) => argument.argsz < size,
  device_feature_flag_unknown: ({ argument }) => has(argument.flags, ~(NUMBER | GET! | SET! | PROBE!)),
  device_feature_get_and_set: ({ argument: { flags } }) => !has(flags, PROBE) && has(flags, GET) && has(flags, SET),
  device_feature_low_power_outside_contract: ({ argument }) => lowPower.has(argument.flags & NUMBER),
} satisfies Conditions<IoctlCall>;
