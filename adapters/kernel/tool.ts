import { spawn } from 'node:child_process';
import { Problem } from '../../spec/uapi/problem.ts';

/** What a host tool printed, and how it ended. */
export interface ToolOutput {
  status: number | null;
  stdout: Buffer;
  stderr: string;
}

const ownKernel = 'name a kernel of your own with kernel:PATH';

/** What to do without a tool. */
const remedies: Record<string, string> = {
  'apt-cache': ownKernel,
  'apt-get': ownKernel,
  'dpkg-deb': ownKernel,
  gcov: 'install it with: apt-get install gcc',
  xz: 'install it with: apt-get install xz-utils',
  zstd: 'install it with: apt-get install zstd',
};

/** Runs a host tool to its end. Throws a Problem when it is not installed. */
export function runTool(
  name: string,
  args: string[],
  options: { input?: Uint8Array; cwd?: string } = {},
): Promise<ToolOutput> {
  return new Promise((resolve, reject) => {
    const child = spawn(name, args, { cwd: options.cwd, env: { ...process.env, LC_ALL: 'C' } });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (piece: Buffer) => stdout.push(piece));
    child.stderr.on('data', (piece: Buffer) => stderr.push(piece));
    child.on('error', () => reject(new Problem(`${name} was not found; ${remedies[name] ?? 'install it'}.`)));
    child.on('close', (status) =>
      resolve({ status, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() }),
    );
    // A tool that has enough closes its input early; its status tells whether that was right.
    child.stdin.on('error', () => {});
    child.stdin.end(options.input);
  });
}
