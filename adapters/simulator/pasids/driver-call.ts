import type { Errno } from '../result.ts';
import { DRIVER_HOOK, type Steps } from '../steps.ts';

/** Calls a hook of the IOMMU driver, unless it is made to refuse before it does anything. */
export function* callDriver(hook: () => Errno | undefined | Steps<Errno | undefined>): Steps<Errno | undefined> {
  const refused = yield DRIVER_HOOK;
  if (refused !== false) return refused === true ? 'EIO' : refused;
  const answer = hook();
  return typeof answer === 'object' ? yield* answer : answer;
}
