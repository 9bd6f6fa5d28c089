import { expect } from 'vitest';
import { map } from '../conformance/programs/build.ts';
import type { Rule } from '../spec/contract/types.ts';
import type { Op, Outcome, Program } from '../spec/uapi/vocabulary.ts';
import { compileContract } from './interpreter/contract.ts';
import { data, environment, program, ready, setting } from './interpreter/test-compiled.ts';
import { judge } from './judge.ts';
import { runOnModel } from './model-target.ts';

export const contract = compileContract(data, setting);
export const mapped: Op[] = [...ready, map('c', 0x1000, 'ram', 0, 2)];

/** The trace of a program as the contract has it, with the outcomes of single ops replaced. */
export function trace(ops: Op[], replaced: Record<number, Outcome> = {}): { program: Program; outcomes: Outcome[] } {
  const { end, outcomes } = runOnModel(contract, environment, program(ops));
  expect(end).toBe('completed');
  return { program: program(ops), outcomes: outcomes.map((outcome, i) => replaced[Math.max(i, 0)] ?? outcome) };
}

/** Judges a program whose last op gave something else. */
export function judgeLast(ops: Op[], last: Outcome) {
  const given = trace(ops);
  return judge(contract, environment, { ...given, outcomes: [...given.outcomes.slice(0, -1), last] });
}

export function violationOf(ops: Op[], last: Outcome) {
  const judgement = judgeLast(ops, last);
  if (judgement.kind !== 'violates') throw new Error(`the judge says ${judgement.kind}`);
  expect(judgement.violation.op).toBe(ops.length - 1);
  expect(judgement.ops).toBe(ops.length - 1);
  expect(judgement.violation.actual).toEqual(last);
  return judgement.violation;
}

export const blamed = (ops: Op[], last: Outcome): Rule['id'] => violationOf(ops, last).rule.id;
