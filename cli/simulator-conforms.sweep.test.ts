// The simulator, by all suites. What npm run test:full adds are the profiles of the requests of 2020.
import { expect, inject, test } from 'vitest';
import { loadContract } from '../spec/contract/load.ts';
import type { RunResult } from '../spec/uapi/vocabulary.ts';
import { runCommand } from './run-command.ts';
import { printed } from './test-command.ts';

const profiles = inject('sweep') === 'whole' ? [...loadContract().profiles.keys()] : ['type1-6.12'];

test.each(profiles)('the simulator conforms to %s, and every rule is reached that can be', async (profile) => {
  const { stdout, code } = await printed(() => runCommand({ target: 'sim', profile, seed: '0', json: true }, '1'));
  const { conforms, complete, verdicts, rules }: RunResult = JSON.parse(stdout);
  expect({ conforms, complete, failed: verdicts.fail }).toEqual({ conforms: true, complete: true });
  expect(rules.unreached.filter(({ why }) => why !== 'undefined')).toEqual([]);
  expect(code).toBe(0);
});
