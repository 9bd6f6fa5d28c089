import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { builtDaemons } from '../adapters/native/test-daemon.ts';
import { modelEnvironment } from '../reference/model-target.ts';
import { packageRoot } from '../spec/uapi/package-root.ts';
import { validator } from '../spec/uapi/validator.ts';
import type { SmokeResult } from '../spec/uapi/vocabulary.ts';
import { inProcess } from './test-in-process.ts';

const { vfioConform } = inProcess();

/** What `smoke --json` says. */
async function smoke(target: string) {
  const { status, stdout } = await vfioConform('smoke', '--target', target, '--json');
  const result: SmokeResult = JSON.parse(stdout);
  const valid = validator('smoke-result.schema.json');
  expect(valid(result), JSON.stringify(valid.errors)).toBe(true);
  return { status, result, verdicts: result.steps.map(({ step, verdict }) => `${step}: ${verdict}`) };
}

/** A daemon in the shell that describes itself so and answers each of the first programs with the same line. */
const shellDaemon = (description: object, ...answers: string[]) =>
  `exec:read line; echo '${JSON.stringify(description)}'; ${answers.map((answer) => `read line; ${answer}; `).join('')} cat > /dev/null`;

const description = {
  type: 'description',
  protocol: 1,
  name: 'shell',
  version: '1',
  ops: ['open', 'close', 'dup'],
  environment: modelEnvironment({ machine: {}, slots: [] }),
};

const missing = builtDaemons()[0]!.missing;

describe('who has to pass', () => {
  test.each(['sim', 'model', `exec:${join(packageRoot, 'dist/native/vfio-conformd')}`])('%s', async (target) => {
    if (target.startsWith('exec:') && missing !== undefined) return;
    const { status, result, verdicts } = await smoke(target);
    expect(verdicts).not.toContainEqual(expect.stringContaining('failed'));
    expect([status, result.conforms, result.losses]).toEqual([0, true, []]);
  });
});

test('what is wrong is told with the section of the protocol and the command that shows it', async () => {
  const { stdout, status } = await vfioConform('smoke', '--target', shellDaemon(description, 'exit 3'));
  expect(status).toBe(1);
  expect(stdout).toMatch(/^passed {4}describe$/m);
  expect(stdout).toMatch(/^LOST {6}it ended with status 3$/m);
  expect(stdout).toMatch(
    /^FAILED {4}names: .*: op 0, open what=pipe as=a has to give the descriptor a, and gave the end crashed \(The command was lost .*it ended with status 3\) \(docs\/protocol.md, "How to run a program"\)\.\n {10}vfio-conform replay vc1\.\S+ --target 'exec:read line; .*'$/m,
  );
  // Nothing more is tried with a daemon that dies.
  expect(stdout.match(/^left out {2}.*: it rests on names$/gm)).toHaveLength(7);
  expect(stdout).toMatch(/^shell 1 does not do what docs\/protocol.md says; mend names first\.$/m);
});

test('a description out of form is the first step that fails', async () => {
  const { memlockExempt: _, ...environment } = description.environment;
  const target = shellDaemon({ ...description, environment });
  const { status, result, verdicts } = await smoke(target);
  expect([status, verdicts]).toEqual([1, ['describe: failed']]);
  expect(result.steps[0]!.failures[0]!.came).toMatch(/must have required property 'memlockExempt'/);
});

test('an adapter that performs nothing was not tried', async () => {
  const { status, verdicts } = await smoke(shellDaemon({ ...description, ops: [] }));
  expect(status).toBe(3);
  expect(new Set(verdicts.slice(1).map((one) => one.split(': ')[1]))).toEqual(new Set(['left_out']));
});

test('a command that is not there is a mistake of the command line', async () => {
  const { status, stderr } = await vfioConform('smoke', '--target', 'exec:/nowhere/daemon');
  expect([status, stderr]).toEqual([2, expect.stringMatching(/did not start, because the shell did not find it/)]);
});
