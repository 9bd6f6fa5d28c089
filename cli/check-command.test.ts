import { expect, test } from 'vitest';
import type { CheckResult } from '../spec/uapi/vocabulary.ts';
import { inProcess } from './test-in-process.ts';

const { vfioConform } = inProcess();

test('an invariant that never applied is not shown, which is not the same as broken', async () => {
  const { status, stdout, stderr } = await vfioConform('check', '--depth', '1', '--json');
  const { holds, invariants } = JSON.parse(stdout) as CheckResult;
  const never = invariants.filter(({ premise }) => premise === 0).map(({ id }) => id);
  expect(never.length).toBeGreaterThan(1);
  expect(invariants.filter((one) => !one.holds).map(({ id }) => id)).toEqual(never);
  for (const id of never) expect(stderr).toContain(`\n${id} not shown: `);
  expect(stderr).toContain(`\nNot shown: ${never.join(', ')}, since nothing within these bounds`);
  expect(stderr).not.toMatch(/BROKEN|Not kept|nobody|one step further/);
  expect(holds).toBe(false);
  expect(status).toBe(3);
});

test('an invariant that a counterexample breaks is not kept', async () => {
  const { status, stdout } = await vfioConform('check', '--profile', 'v1', '--set', 'driver=v10', '--depth', '1');
  expect(stdout).toMatch(/\nI2 BROKEN: /);
  expect(stdout).toMatch(/\nNot kept: .*\bI2\b/);
  expect(status).toBe(1);
});
