import { executor } from './executor.ts';
import { growth } from './growth.ts';
import { inProcess } from './in-process.ts';
import { kernel } from './kernel.ts';
import { command, daemon } from './processes.ts';
import { describeRow, type Row } from './rows.ts';

/** Measures every figure once more in this run and prints it against its bar. `--kernel 6.12` adds a real kernel. */
const parts: (() => Promise<Row[]> | Row[])[] = [command, inProcess, growth, daemon, executor];
const at = process.argv.indexOf('--kernel');
if (at >= 0) parts.push(() => kernel(process.argv[at + 1] ?? '6.12'));
for (const part of parts) for (const row of await part()) process.stdout.write(`${describeRow(row)}\n`);
