/** What can wedge a real device, and is done only if it is allowed; the daemon has each as --forbid WHAT. */
export const restrictions = ['config-writes', 'bar-access', 'reset', 'driver-binding'] as const;

/** One of them. */
export type Restriction = (typeof restrictions)[number];
