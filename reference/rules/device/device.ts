import type { AnyCall } from '../../call/families.ts';
import type { Conditions } from '../rule-functions.ts';

export const conditions = {
  device_cdev_is_absent: () => true,
  unknown_device_ioctl: () => true,
} satisfies Conditions<AnyCall>;
