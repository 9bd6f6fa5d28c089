import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

/** An ssh server of the tests' own user on the loopback interface, with keys that go with it. */
export interface TestSshd {
  /** A command line for VFIO_CONFORM_SSH that reaches it. */
  readonly ssh: string;
  stop(): Promise<void>;
}

const sshd = ['/usr/sbin/sshd', '/usr/local/sbin/sshd'].find((path) => existsSync(path));

/** Why there can be none here; undefined if there can. */
export const missingSshd =
  sshd === undefined || spawnSync('ssh', ['-V']).status !== 0 ? 'apt-get install openssh-server' : undefined;

/** Starts one that listens on 127.0.0.1 alone. */
export async function startSshd(): Promise<TestSshd> {
  const folder = mkdtempSync(join(tmpdir(), 'vfio-conform-sshd-'));
  const [hostKey, key, config] = ['host-key', 'key', 'config'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (const file of [hostKey, key]) spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file]);
  // sshd of root wants it for what it does without privileges.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  const port = 20_000 + (process.pid % 20_000);
  writeFileSync(
    config,
    [
      ...[`ListenAddress 127.0.0.1`, `Port ${port}`, `HostKey ${hostKey}`, `AuthorizedKeysFile ${key}.pub`],
      ...['StrictModes no', 'UsePAM no', 'PasswordAuthentication no', 'PermitRootLogin yes', 'PidFile none'],
    ].join('\n'),
  );
  const server = spawn(sshd!, ['-D', '-e', '-f', config], { stdio: 'ignore' });
  for (let i = 0; i < 200 && !(await accepts(port)); i++) await setTimeout(50);
  const known = ['-o', 'StrictHostKeyChecking=no', '-o', `UserKnownHostsFile=${folder}/known`, '-o', 'LogLevel=ERROR'];
  return {
    ssh: ['ssh', '-F', 'none', '-p', port, '-i', key, '-l', userInfo().username, ...known].join(' '),
    async stop() {
      const ended = new Promise((resolve) => server.once('exit', resolve));
      server.kill();
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
