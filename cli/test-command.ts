import { vi } from 'vitest';

/** What a command printed and the exit code that it set. */
export interface Printed {
  stdout: string;
  stderr: string;
  code: number;
}

/** Runs a command of cli/ in this process, and takes what it prints. */
export async function printed(command: () => Promise<void>): Promise<Printed> {
  const stdout = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const before = process.exitCode;
  process.exitCode = undefined;
  try {
    await command();
    const [out, err] = [stdout, stderr].map(({ mock }) => mock.calls.map(([text]) => String(text)).join(''));
    return { stdout: out!, stderr: err!, code: Number(process.exitCode ?? 0) };
  } finally {
    process.exitCode = before;
    stdout.mockRestore();
    stderr.mockRestore();
  }
}
