// Makes `npx vfio-conform` find the command of this very checkout, which npm links only for packages that depend on it.
import { chmodSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = join(root, 'node_modules/.bin');
chmodSync(join(root, 'dist/cli/main.js'), 0o755);
mkdirSync(bin, { recursive: true });
rmSync(join(bin, 'vfio-conform'), { force: true });
symlinkSync('../../dist/cli/main.js', join(bin, 'vfio-conform'));
