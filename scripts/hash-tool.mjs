// Leaves in dist/tool.sha256 the SHA-256 over the code that was built, which run records carry.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const dist = fileURLToPath(new URL('../dist', import.meta.url));
const hash = createHash('sha256');
const files = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((file) => /\.[cm]?js$/.test(file));
for (const file of files.sort()) hash.update(`${file}\n`).update(readFileSync(join(dist, file)));
writeFileSync(join(dist, 'tool.sha256'), `${hash.digest('hex')}\n`);
