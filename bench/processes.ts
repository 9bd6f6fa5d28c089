import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { execAdapter } from '../adapters/remote/exec.ts';
import { packageRoot } from '../spec/uapi/package-root.ts';
import type { Op, Program } from '../spec/uapi/vocabulary.ts';
import { type Row, wallSeconds } from './rows.ts';

const main = join(packageRoot, 'dist/cli/main.js');

/** The command as processes: how long they take and how much memory, and a part of the suites against the whole. */
export function command(): Row[] {
  const help = measure(9, '--help');
  const explain = measure(7, 'explain', 'VFIO_IOMMU_BIND');
  const ioctl = measure(5, 'run', '--target', 'model', '--only', 'VFIO_IOMMU_BIND');
  const situation = measure(5, 'run', '--target', 'model', '--only', 'boundary/VFIO_IOMMU_BIND/n_bound');
  const whole = measure(2, 'run', '--target', 'model');
  const full = measure(3, 'run');
  return [
    milliseconds('vfio-conform --help', help, 120),
    milliseconds('explain VFIO_IOMMU_BIND', explain, 350),
    seconds('run --only VFIO_IOMMU_BIND on model', ioctl, 3),
    {
      what: 'run --only one situation on model, against the whole, CPU time',
      value: situation.cpu / whole.cpu,
      unit: '',
      bar: 0.1,
      better: 'less',
      note: `${situation.cpu.toFixed(2)} s of ${whole.cpu.toFixed(2)} s`,
    },
    seconds('run with defaults on sim, all suites', full, 6),
    { what: 'run with defaults on sim, peak memory', value: full.megabytes, unit: 'MB', bar: 500, better: 'less' },
  ];
}

/** What a process took, the least of some runs each: seconds that passed and that were computed, and peak memory. */
interface Measured {
  seconds: number;
  cpu: number;
  megabytes: number;
}

// The bars are for an idle machine; on a busy one what was computed comes nearer to that than what passed.
const cpuNote = ({ cpu }: Measured): string => `CPU ${cpu.toFixed(2)} s`;

const seconds = (what: string, measured: Measured, bar: number): Row => ({
  what,
  value: measured.seconds,
  unit: 's',
  bar,
  better: 'less',
  note: cpuNote(measured),
});

const milliseconds = (what: string, measured: Measured, bar: number): Row => ({
  ...seconds(what, measured, bar),
  value: measured.seconds * 1000,
  unit: 'ms',
});

/** Runs the command some times. Throws if it finds anything wrong, for then something else was measured. */
function measure(runs: number, ...args: string[]): Measured {
  const report = `process.on('exit', () => {
    const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
    process.stderr.write('SPENT ' + (userCPUTime + systemCPUTime) + ' PEAK ' + maxRSS);
  })`;
  const least: Measured = { seconds: Infinity, cpu: Infinity, megabytes: Infinity };
  for (let i = 0; i < runs; i++) {
    const started = performance.now();
    const { status, stderr } = spawnSync(
      process.execPath,
      ['--import', `data:text/javascript,${encodeURIComponent(report)}`, main, ...args],
      { encoding: 'utf8', maxBuffer: 64 << 20 },
    );
    const took = (performance.now() - started) / 1000;
    if (status !== 0) throw new Error(`vfio-conform ${args.join(' ')} ended with ${status}: ${stderr}`);
    const [, spent, peak] = /SPENT (\d+) PEAK (\d+)/.exec(stderr)!;
    least.seconds = Math.min(least.seconds, took);
    least.cpu = Math.min(least.cpu, Number(spent) / 1e6);
    least.megabytes = Math.min(least.megabytes, Number(peak) / 1024);
  }
  return least;
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
  const took = await wallSeconds(5, async () => {
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
