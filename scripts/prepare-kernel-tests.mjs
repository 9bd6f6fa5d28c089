// Installs what the kernel tests need and this machine lacks: QEMU, a C compiler, the lists of packages.
// Only Debian and its like, and only where it may (root, or sudo that asks nothing).
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const has = (program) => (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));
const missing = [];
if (!has('qemu-system-x86_64')) missing.push('qemu-system-x86');
if (!has('cc') && !has('gcc') && !has('clang')) missing.push('gcc', 'libc6-dev');
if (!has('xz')) missing.push('xz-utils');
const lists = '/var/lib/apt/lists';
const needsUpdate =
  !existsSync(lists) ||
  !readdirSync(lists).some((name) => name.endsWith('_Packages') || name.endsWith('_Packages.lz4'));

const run = (...command) => {
  const root = process.getuid?.() === 0;
  const [program, ...rest] = root ? command : ['sudo', '-n', ...command];
  const { status, error } = spawnSync(program, rest, {
    stdio: 'inherit',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (status === 0) return;
  console.error(
    `vfio-conform: could not run ${command.join(' ')}${error ? ` (${error.message})` : ''}; run it yourself, as root, and try again.`,
  );
  process.exit(2);
};

if (missing.length > 0 || needsUpdate) {
  if (!has('apt-get')) {
    console.error(
      `vfio-conform: the kernel tests need ${missing.join(', ') || 'apt-get'}; install it with your system's package manager.`,
    );
    process.exit(2);
  }
  run('apt-get', 'update', '-q');
  if (missing.length > 0) run('apt-get', 'install', '-y', '-q', '--no-install-recommends', ...missing);
}

// A compiler that was installed just now has not built the daemon yet.
if (
  spawnSync(process.execPath, [fileURLToPath(new URL('build-native.mjs', import.meta.url))], { stdio: 'inherit' })
    .status !== 0
)
  process.exit(2);
