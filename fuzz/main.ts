import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packageRoot } from '../spec/uapi/package-root.ts';
import { mutated, randomNumbers } from './mutator.ts';
import { corpus, parsers } from './parsers.ts';

/** Mutates the corpus of every parser for a part of `--seconds`, from `--seed` on, and says how much was tried. Exit code 1: a bug. */
const { values } = parseArgs({ options: { seconds: { type: 'string' }, seed: { type: 'string' } } });
const seconds = Number(values.seconds ?? 30);
const seed = Number(values.seed ?? Date.now() % 1_000_000);
const share = seconds / (parsers.length + 1);
const folder = mkdtempSync(join(tmpdir(), 'vfio-conform-fuzz-'));

try {
  process.stdout.write(`seed ${seed}\n`);
  for (const { name, parse } of parsers) {
    const texts = corpus(name).map(({ text }) => text);
    const random = randomNumbers(seed);
    const end = Date.now() + share * 1000;
    let tried = 0;
    for (; Date.now() < end; tried++) {
      const text = mutated(texts[random() % texts.length]!, texts, random);
      try {
        parse(text, join(folder, 'scratch'));
      } catch (error) {
        const found = join(tmpdir(), `vfio-conform-found-${name}-${seed}`);
        writeFileSync(found, text);
        process.stdout.write(`${name}: ${found}: ${error instanceof Error ? error.stack : error}\n`);
        process.exitCode = 1;
        break;
      }
    }
    process.stdout.write(`${name}: ${tried} texts\n`);
  }
  daemon();
} finally {
  rmSync(folder, { recursive: true });
}

/** The C side, by libFuzzer where clang has it, else by the driver that the tests build as well. */
function daemon(): void {
  const files = corpus('daemon').map(({ file }) => file);
  const own = join(packageRoot, 'dist/native/fuzz-daemon');
  const executor = join(packageRoot, 'adapters/native/executor');
  const clang = join(folder, 'fuzz-daemon');
  const sources = ['arena', 'fields', 'json', 'program', 'reader', 'text'].map((name) => join(executor, `${name}.c`));
  const flags = ['-std=c11', '-g', '-O1', '-DLIBFUZZER', '-fsanitize=fuzzer,address,undefined', `-I${executor}`];
  const driver = join(packageRoot, 'fuzz/daemon.c');
  const guided = spawnSync('clang', [...flags, driver, ...sources, '-o', clang]).status === 0;
  if (!guided && !existsSync(own)) {
    process.stdout.write('daemon: not built; run node scripts/build-native.mjs --sanitize, which wants a C compiler\n');
    return;
  }
  const { status, stdout, stderr } = guided
    ? spawnSync(
        clang,
        [`-max_total_time=${Math.ceil(share)}`, `-seed=${seed}`, folder, join(packageRoot, 'fuzz/corpus/daemon')],
        { encoding: 'utf8' },
      )
    : spawnSync(own, [String(Math.ceil(share)), String(seed), ...files], { encoding: 'utf8' });
  const count = guided ? /Done (\d+) runs/.exec(stderr)?.[1] : stdout.trim();
  process.stdout.write(`daemon: ${count ?? 'no'} texts${guided ? ', by libFuzzer' : ''}\n`);
  if (status === 0) return;
  process.stdout.write(stderr);
  process.exitCode = 1;
}
