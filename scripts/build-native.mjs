// Compiles the C parts into dist/native: the daemon, the guard of what a target starts, and the first process of a guest.
// `--sanitize` builds the daemon a second time, with address and undefined-behaviour sanitizers, and a third time with
// processes that overwrite what they share with it, and the driver that fuzzes what it reads.
// `--bench` builds what measures the executor.
// Without a C compiler it says so and succeeds: everything but real kernels works without.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const out = join(root, 'dist/native');
const executor = join(root, 'adapters/native/executor');
const daemon = join(root, 'adapters/native/daemon');
const guard = join(root, 'adapters/native/guard');
const addon = join(root, 'adapters/native/addon');
const exchange = join(root, 'adapters/native/exchange');
const guest = join(root, 'adapters/kernel/guest');
const flags = ['-std=c11', '-Wall', '-Wextra', '-Werror', '-O2'];
const sanitizers = ['-g', '-fno-omit-frame-pointer', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];

const files = (folder, ending) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name));
const sources = [executor, daemon].flatMap((folder) => files(folder, '.c'));
const headers = [executor, daemon, exchange].flatMap((folder) => files(folder, '.h'));

const targets = [{ name: 'vfio-conformd', sources, headers, flags: [`-I${executor}`, '-static'] }];
if (process.argv.includes('--sanitize')) {
  const sanitized = [`-I${executor}`, ...sanitizers];
  const hostile = [
    ...sources.filter((file) => !file.endsWith('/runner.c')),
    ...files(join(root, 'adapters/native/hostile'), '.c'),
  ];
  targets.push({ name: 'vfio-conformd-sanitized', sources, headers, flags: sanitized });
  const parsers = ['arena', 'fields', 'json', 'program', 'reader', 'text'].map((name) => join(executor, `${name}.c`));
  targets.push({ name: 'fuzz-daemon', sources: [join(root, 'fuzz/daemon.c'), ...parsers], headers, flags: sanitized });
  targets.push({ name: 'vfio-conformd-hostile', sources: hostile, headers, flags: sanitized });
}
targets.push({ name: 'vfio-conform-guard', sources: files(guard, '.c'), headers: [], flags: ['-static'] });
if (process.argv.includes('--bench'))
  targets.push({
    name: 'bench-executor',
    sources: [...files(join(root, 'bench/native'), '.c'), ...files(executor, '.c')],
    headers: files(executor, '.h'),
    flags: [`-I${executor}`, '-static'],
  });
// Without the headers (a package that is installed has none of what only building needs) there is no addon.
const nodeApi = join(root, 'node_modules/node-api-headers/include');
if (existsSync(nodeApi))
  targets.push({
    name: 'vfio-conform.node',
    sources: files(addon, '.c'),
    headers: [...files(exchange, '.h'), join(executor, 'limits.h')],
    flags: [`-I${exchange}`, `-I${executor}`, `-isystem${nodeApi}`, '-fPIC', '-shared'],
  });
targets.push({ name: 'guest-init', sources: files(guest, '.c'), headers: files(guest, '.h'), flags: ['-static'] });

function current(target) {
  const file = join(out, target.name);
  if (!existsSync(file)) return false;
  const built = statSync(file).mtimeMs;
  return [...target.sources, ...target.headers, fileURLToPath(import.meta.url)].every(
    (source) => statSync(source).mtimeMs <= built,
  );
}

/** The words of the compiler's command line, or nothing if there is no compiler. */
function compiler() {
  const candidates = process.env.CC ? [process.env.CC.split(/\s+/).filter(Boolean)] : [['cc'], ['gcc'], ['clang']];
  return candidates.find(([command, ...rest]) => spawnSync(command, [...rest, '--version']).status === 0);
}

/** Whether a program can be linked with those flags; a compiler may lack the static C library or the sanitizers. */
function links(cc, flags) {
  const probe = join(out, `.probe.${process.pid}`);
  const tried = spawnSync(cc[0], [...cc.slice(1), ...flags, '-x', 'c', '-', '-o', probe], {
    input: '#include <linux/vfio.h>\nint main(void) { return 0; }\n',
  });
  rmSync(probe, { force: true });
  return tried.status === 0;
}

const stale = targets.filter((target) => !current(target));
if (stale.length > 0) {
  const cc = compiler();
  mkdirSync(out, { recursive: true });
  for (const target of stale) {
    if (!cc || !links(cc, target.flags)) {
      console.error(
        `dist/native/${target.name} is not built: no C compiler with its libraries; apt-get install gcc libc6-dev`,
      );
      break;
    }
    // Built aside and renamed: a daemon may be running from the old file.
    const file = join(out, target.name);
    const aside = `${file}.${process.pid}`;
    const built = spawnSync(cc[0], [...cc.slice(1), ...flags, ...target.flags, ...target.sources, '-o', aside], {
      stdio: 'inherit',
    });
    if (built.status !== 0) {
      rmSync(aside, { force: true });
      process.exit(1);
    }
    renameSync(aside, file);
    console.log(`built dist/native/${target.name}`);
  }
}
