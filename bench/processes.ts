import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { execAdapter } from '../adapters/remote/exec.ts';
import { packageRoot } from '../spec/uapi/package-root.ts';
import type { Op, Program } from '../spec/uapi/vocabulary.ts';
import { type Row, seconds } from './rows.ts';

const main = join(packageRoot, 'dist/cli/main.js');

/** The command as a process: how long it takes and how much memory. */
export function command(): Row[] {
  const help = measure(7, '--help');
  const full = measure(3, 'run');
  return [
    { what: 'vfio-conform --help', value: help.milliseconds, unit: 'ms', bar: 150, better: 'less' },
    {
      what: 'run with defaults on sim, all suites',
      value: full.milliseconds / 1000,
      unit: 's',
      bar: 10,
      better: 'less',
    },
    { what: 'run with defaults on sim, peak memory', value: full.megabytes, unit: 'MB', bar: 300, better: 'less' },
  ];
}

/** Best time of some runs of the command, and the least peak memory. */
function measure(runs: number, ...args: string[]): { milliseconds: number; megabytes: number } {
  const report = "process.on('exit', () => process.stderr.write('PEAK ' + process.resourceUsage().maxRSS))";
  let milliseconds = Number.POSITIVE_INFINITY;
  let megabytes = Number.POSITIVE_INFINITY;
  for (let i = 0; i < runs; i++) {
    const started = performance.now();
    const { stderr } = spawnSync(
      process.execPath,
      ['--import', `data:text/javascript,${encodeURIComponent(report)}`, main, ...args],
      { encoding: 'utf8' },
    );
    milliseconds = Math.min(milliseconds, performance.now() - started);
    megabytes = Math.min(megabytes, Number(/PEAK (\d+)/.exec(stderr)?.[1]) / 1024);
  }
  return { milliseconds, megabytes };
}

const OPS = 20;
const PROGRAMS = 1000;

/** The C daemon, one process a program; nothing where it was not built. */
export async function daemon(): Promise<Row[]> {
  const binary = join(packageRoot, 'dist/native/vfio-conformd');
  if (!existsSync(binary)) return [];
  const ops: Op[] = [{ op: 'mmap', as: 'ram', length: 4096 }];
  while (ops.length < OPS) ops.push({ op: 'poke', memory: 'ram', at: ops.length * 8, bytes: '0123456789abcdef' });
  const program: Program = { id: 'bench/daemon', topology: { slots: {} }, ops };
  const session = await execAdapter(binary).start({ machine: {}, slots: [] });
  const took = await seconds(5, async () => {
    const underWay: Promise<unknown>[] = [];
    for (let i = 0; i < PROGRAMS; i++) {
      underWay.push(Promise.resolve(session.run(program, {})));
      if (underWay.length >= session.window) await underWay.shift();
    }
    await Promise.all(underWay);
  });
  await session.stop();
  return [
    {
      what: 'C daemon, programs of 20 ops, forks included',
      value: (OPS * PROGRAMS) / took,
      unit: 'ops/s',
      bar: 50_000,
      better: 'more',
    },
  ];
}
