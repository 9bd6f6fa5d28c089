import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { CoverageCollector } from './coverage.ts';

/** gcov as a script: the counts are what the data file says. */
const gcov = `#!/bin/sh
[ "$1" = --version ] && exit
[ -e source.gcno ] || exit 1
count=$(cat source.gcda 2>/dev/null) || { count=0; echo 'source.gcda:cannot open data file, assuming not executed' >&2; }
[ "$count" = old ] && { echo "source.gcda:stamp mismatch with notes file" >&2; count=0; }
name=$(cat source.gcno)
echo '{"files": [{"file": "/src/drivers/vfio/'$name'.c",
  "functions": [{"name": "f", "start_line": 1, "execution_count": '$count'}],
  "lines": [{"line_number": 2, "function_name": "f", "count": '$count', "branches": []}]}]}'
`;

let folder: string;
let image: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vfio-conform-test-'));
  image = join(folder, 'bzImage');
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'bin/gcov'), gcov);
  chmodSync(join(folder, 'bin/gcov'), 0o755);
  vi.stubEnv('PATH', `${join(folder, 'bin')}${delimiter}${process.env.PATH}`);
  const notes = join(folder, 'coverage/drivers/vfio');
  mkdirSync(notes, { recursive: true });
  for (const name of ['container', 'group']) {
    writeFileSync(join(notes, `${name}.gcno`), name);
    writeFileSync(join(notes, `${name}.c`), 'one\ntwo');
  }
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const handed = (counts: Record<string, string>) =>
  Promise.resolve(
    new Map(
      Object.entries(counts).map(([name, count]) => [`/debug/gcov/build/drivers/${name}.gcda`, Buffer.from(count)]),
    ),
  );

it('adds up machines, each with the modules that it had', async () => {
  const collector = await CoverageCollector.for(image);
  // The second is of another folder: only its name is the same.
  collector.add(handed({ 'vfio/group': '2', 'acpi/container': '7' }));
  collector.add(handed({ 'vfio/group': '3', 'vfio/container': '4' }));
  collector.add(Promise.resolve(undefined));
  const { machines, silent, sources } = await collector.coverage();
  expect({ machines, silent }).toEqual({ machines: 3, silent: 1 });
  expect(sources.map(({ file, lines }) => [file, lines[0]!.count])).toEqual([
    ['drivers/vfio/container.c', 4],
    ['drivers/vfio/group.c', 5],
  ]);
  expect(sources[1]).toMatchObject({
    path: join(folder, 'coverage/drivers/vfio/group.c'),
    text: ['one', 'two'],
    functions: [{ name: 'f', line: 1, count: 5 }],
  });
});

it('says what a kernel without notes lacks', async () => {
  rmSync(join(folder, 'coverage'), { recursive: true });
  await expect(CoverageCollector.for(image)).rejects.toThrow(
    /coverage holds no notes .*adapters\/kernel\/own\/build.sh/,
  );
});

it('says how to get gcov', async () => {
  vi.stubEnv('PATH', '/nowhere');
  await expect(CoverageCollector.for(image)).rejects.toThrow(
    'gcov was not found; install it with: apt-get install gcc',
  );
});

it('refuses counts of another build', async () => {
  const collector = await CoverageCollector.for(image);
  collector.add(handed({ 'vfio/group': 'old' }));
  await expect(collector.coverage()).rejects.toThrow(/stamp mismatch .*notes of the same build/);
});

it('says so when no machine handed over anything', async () => {
  const collector = await CoverageCollector.for(image);
  collector.add(Promise.resolve(undefined));
  await expect(collector.coverage()).rejects.toThrow(/no machine lived/);
});
