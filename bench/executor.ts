import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../spec/uapi/package-root.ts';
import type { Row } from './rows.ts';

/** An op of the C executor against the bare system call (bench/native/executor_loop.c); nothing where it was not built. */
export function executor(): Row[] {
  const binary = join(packageRoot, 'dist/native/bench-executor');
  if (!existsSync(binary)) return [];
  const { stdout } = spawnSync(binary, { encoding: 'utf8' });
  const [bare, op, start] = stdout.trim().split(' ').map(Number) as [number, number, number];
  return [
    {
      what: 'C executor over a C loop of the same ioctls, programs of 1,000 ops',
      value: op / bare,
      unit: '',
      bar: 1.5,
      better: 'less',
      note: `${op.toFixed(0)} ns against ${bare.toFixed(0)} ns; to start such a program: ${(start / 1e6).toFixed(1)} ms`,
    },
  ];
}
