import { accessSync, closeSync, constants, existsSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { Problem } from '../spec/uapi/problem.ts';

/** What to do when something cannot be written, by the errno of the attempt. */
function remedy(code: string | undefined, file: string): string {
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return 'the disk is full; make room, or name a file on another one';
    case 'EROFS':
      return 'the file system is read-only; name a file elsewhere';
    case 'ENOENT':
      return `there is no folder ${dirname(file)}; make it first`;
    case 'ENOTDIR':
      return `${dirname(file)} is no folder; name a file in one`;
    case 'EACCES':
    case 'EPERM':
      return 'you may not write there; name a file of your own';
    case 'EEXIST':
      return 'it is no folder; name one';
    case 'EISDIR':
      return 'it is a folder; name a file in it';
    case 'EIO':
      return 'the disk reports an error; name a file on another one';
    case 'EFBIG':
      return 'it would get larger than your limit for files allows (ulimit -f); raise that, or run a part';
    default:
      return `it cannot be written (${code ?? 'for an unknown reason'}); name another file`;
  }
}

/** What is wrong with an output that could not be written: `option` as it was typed. */
export function outputProblem(option: string, file: string, error: unknown): Problem {
  return new Problem(`${option}: ${remedy((error as NodeJS.ErrnoException).code, file)}.`);
}

/** Makes sure before work begins that an output can be written after it, and leaves what is there as it is. Throws a Problem. */
export function checkOutput(option: string, file: string): void {
  try {
    if (existsSync(file)) closeSync(openSync(file, 'a'));
    else {
      const folder = dirname(file);
      if (!statSync(folder).isDirectory()) throw Object.assign(new Error(), { code: 'ENOTDIR' });
      accessSync(folder, constants.W_OK);
    }
  } catch (error) {
    throw outputProblem(option, file, error);
  }
}

/** The same for a folder that takes files; it is made if it is not there. Throws a Problem. */
export function checkOutputFolder(option: string, folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
  } catch (error) {
    throw outputProblem(option, folder, error);
  }
}
