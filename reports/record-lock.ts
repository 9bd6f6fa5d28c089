import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Problem } from '../spec/uapi/problem.ts';
import { outputProblem } from './output.ts';

/** Says that a run writes a record: a file beside it that names the process, and when that was started. */
export class RecordLock {
  private readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Takes the lock for a record. One whose process has ended counts for nothing. Throws a Problem if another run has it. */
  static take(record: string): RecordLock {
    const path = `${record}.lock`;
    for (;;) {
      if (isMade(record, path)) return new RecordLock(path);
      const named = read(path);
      const pid = Number.parseInt(named ?? '', 10);
      if (named !== undefined && pid > 0 && holder(pid) === named)
        throw new Problem(`--record ${record}: process ${pid} is writing it; wait for it, or name another file.`);
      rmSync(path, { force: true });
    }
  }

  release(): void {
    rmSync(this.path, { force: true });
  }
}

/** Makes a lock with its contents at once; false if there is one. Throws a Problem. */
function isMade(record: string, path: string): boolean {
  const aside = `${path}.${process.pid}`;
  try {
    writeFileSync(aside, holder(process.pid) ?? String(process.pid));
    linkSync(aside, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw outputProblem(`--record ${record}`, path, error);
  } finally {
    rmSync(aside, { force: true });
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** A process by its number and by when it was started, since numbers come again; undefined if it is not there. */
function holder(pid: number): string | undefined {
  // Of /proc/PID/stat: what follows the name, which ends with the last parenthesis, begins with field 3; 22 is the start.
  const stat = read(`/proc/${pid}/stat`);
  return stat === undefined ? undefined : `${pid} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[22 - 3]}`;
}
