// docs/adapters.md: its commands are run, and print what it says.
import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { packageRoot } from '../spec/uapi/package-root.ts';
import { inProcess } from './test-in-process.ts';

const { vfioConform, folder } = inProcess();
const read = (file: string): string => readFileSync(join(packageRoot, file), 'utf8');

const python = hasPython();

/** Each block of the page: a command with what it prints, one after the other. */
const examples = [...read('docs/adapters.md').matchAll(/```console\n(.*?)```/gs)].flatMap(([, block]) =>
  block!
    .split(/^\$ /m)
    .slice(1)
    .map((example) => {
      const [command, ...output] = example.split('\n');
      return { command: command!, output: output.join('\n') };
    }),
);

beforeAll(() => {
  const [, hello] = /```python\n(.*?)```/s.exec(read('docs/protocol.md'))!;
  writeFileSync(join(folder, 'hello.py'), hello!);
  copyFileSync(join(packageRoot, 'examples/python/adapter.py'), join(folder, 'adapter.py'));
});

/** Text of the page, in which `...` stands for anything in a line, and on a line of its own for any lines. */
function asPattern(output: string): RegExp {
  const escaped = output.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  const lines = escaped.replace(/^\\\.\\\.\\\.\n/gm, '(?:.*\\n)*').replace(/\\\.\\\.\\\./g, '.*');
  return new RegExp(`^${lines}$`);
}

test('the page has examples', () => expect(examples.length).toBeGreaterThan(7));

describe.runIf(python)(`with python3, which is ${python ? '' : 'not '}in the path`, () => {
  test.each(examples)('$command', async ({ command, output }) => {
    const [program, ...words] = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!);
    if (program !== 'vfio-conform') return void execFileSync('/bin/sh', ['-c', command], { cwd: folder });
    const { stdout } = await vfioConform(...words);
    expect(stdout).toMatch(asPattern(output));
  });

  test('the adapter in Python has at most 150 lines, and nothing of it is wrong', async () => {
    expect(read('examples/python/adapter.py').trim().split('\n').length).toBeLessThanOrEqual(150);
    const { stdout, status } = await vfioConform(
      ...['run', '--target', 'exec:python3 adapter.py', '--json'],
      ...['--only', 'boundary/VFIO_GET_API_VERSION/c0', '--only', 'boundary/VFIO_CHECK_EXTENSION/c0'],
    );
    expect([status, JSON.parse(stdout).verdicts]).toEqual([0, { pass: 23 }]);
  });
});

function hasPython(): boolean {
  try {
    execFileSync('python3', ['-c', '']);
    return true;
  } catch {
    return false;
  }
}
