import { readdirSync, readFileSync } from 'node:fs';

/** The environment variable by which a test knows the processes that it started again. */
export const MARK = 'VFIO_CONFORM_TEST';

/** Processes, by number, whose environment has the mark: however far they went from who started them. */
export function markedProcesses(mark: string): string[] {
  return readdirSync('/proc').filter((name) => {
    try {
      return readFileSync(`/proc/${name}/environ`, 'utf8').split('\0').includes(`${MARK}=${mark}`);
    } catch {
      // No process, another user's, or one that has ended since.
      return false;
    }
  });
}
