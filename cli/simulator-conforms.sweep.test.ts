// The simulator, by all suites. What npm run test:full adds are the other profiles.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, inject, test } from 'vitest';
import { loadContract } from '../spec/contract/load.ts';
import type { RunResult } from '../spec/uapi/vocabulary.ts';
import { runCommand } from './run-command.ts';
import { printed } from './test-command.ts';
import { stable } from './test-installed.ts';

const folder = mkdtempSync(join(tmpdir(), 'vfio-conform-conforms-'));
afterAll(() => rmSync(folder, { recursive: true }));

const newest = 'type1-6.12';
const profiles = inject('sweep') === 'whole' ? [...loadContract().profiles.keys()] : [newest];

test.each(profiles)('the simulator conforms to %s, and every rule is reached that can be', async (profile) => {
  const text = join(folder, `${profile}.txt`);
  const { stdout, code } = await printed(() =>
    runCommand({ target: 'sim', profile, seed: '0', json: true, report: [`text:${text}`] }, '1'),
  );
  const { conforms, complete, verdicts, rules }: RunResult = JSON.parse(stdout);
  expect({ conforms, complete, failed: verdicts.fail }).toEqual({ conforms: true, complete: true });
  expect(rules.unreached.filter(({ why }) => why !== 'undefined')).toEqual([]);
  expect(code).toBe(0);
  if (profile === newest) expect(stable(readFileSync(text, 'utf8'))).toMatchSnapshot();
});
