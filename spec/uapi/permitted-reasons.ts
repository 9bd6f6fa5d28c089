import type { UnreachedRule } from './vocabulary.ts';

/** Reasons that excuse a rule from being reached. */
const permitted = new Set(['hardware', 'kernel configuration', 'memory exhaustion', '32-bit callers', 'undefined']);

/** Unreached rules that nothing excuses. */
export function inexcusable(unreached: readonly UnreachedRule[]): UnreachedRule[] {
  return unreached.filter(({ why }) => !permitted.has(why));
}
