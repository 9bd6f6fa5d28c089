import { spawn } from 'node:child_process';

/**
 * Waits until its input ends, which happens however the process at the other
 * end does, then ends the process and removes the folder that it is given.
 */
export const guardScript = 'read -r _; kill -KILL "$1"; rm -rf -- "$2"';

/**
 * Sees to it that a process and a folder do not outlive this process, even one
 * that is killed. Returns what ends the watch.
 */
export function guard(pid: number, folder: string): () => void {
  // In a session of its own, where an interrupt from the terminal does not reach it.
  const child = spawn('/bin/sh', ['-c', guardScript, 'guard', String(pid), folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.on('error', () => {});
  child.stdin.on('error', () => {});
  child.unref();
  // The pipe must not keep this process alive either.
  (child.stdin as unknown as { unref?(): void }).unref?.();
  return () => {
    child.kill('SIGKILL');
  };
}
