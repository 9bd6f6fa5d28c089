import type { RuleOutcome } from '../../spec/contract/types.ts';

/** What the vocabulary's own rules give back. */
export const zero: RuleOutcome = { kind: 'value', value: 0 };
export const descriptor: RuleOutcome = { kind: 'fd' };
export const undecided: RuleOutcome = { kind: 'undefined' };
export const errno = (name: string): RuleOutcome => ({ kind: 'errno', errno: name });
