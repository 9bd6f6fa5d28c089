#!/usr/bin/env node
import { writeSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { perform } from './perform.ts';

// Hardly anything outlives the op or the program that it was made for. V8 learns the contrary from what making programs
// keeps, then makes everything in memory that is cleared rarely, and a run takes half as much again.
setFlagsFromString('--no-allocation-site-pretenuring');

for (const [stream, name] of [
  [process.stdout, 'standard output'],
  [process.stderr, 'standard error'],
] as const) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // A reader that has seen enough, such as head, is no error.
    if (error.code === 'EPIPE') return;
    complain(`${name}: cannot be written (${error.code}); send it elsewhere.`);
    // Whoever asked has not got the answer, whatever it was.
    process.exit(2);
  });
}

// A limit on the size of files is told by the write that meets it.
process.on('SIGXFSZ', () => {});

/** Says what is wrong where that can still be read. */
function complain(sentence: string): void {
  try {
    writeSync(process.stderr.fd, `vfio-conform: ${sentence}\n`);
  } catch {
    // Nobody hears it; the exit code is there.
  }
}

const wrong = await perform(process.argv.slice(2));
if (wrong !== undefined) complain(wrong);
