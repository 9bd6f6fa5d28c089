// In a guest, with the port of the host as standard input and output: runs the command for each line, a JSON list of words,
// and answers with what it did, and with the configuration of every device before and after.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync, readSync, rmSync, writeSync } from 'node:fs';
import { basename } from 'node:path';

const devices = '/sys/bus/pci/devices';
const record = '/tmp/record.jsonl';

const configurations = () =>
  Object.fromEntries(readdirSync(devices).map((name) => [name, readFileSync(`${devices}/${name}/config`, 'hex')]));

const groups = () =>
  Object.fromEntries(
    readdirSync(devices).flatMap((name) => {
      const link = `${devices}/${name}/iommu_group`;
      return existsSync(link) ? [[name, Number(basename(readlinkSync(link)))]] : [];
    }),
  );

function* lines() {
  const piece = Buffer.alloc(65536);
  let text = '';
  for (;;) {
    const feed = text.indexOf('\n');
    if (feed >= 0) {
      yield text.slice(0, feed);
      text = text.slice(feed + 1);
      continue;
    }
    const read = readSync(0, piece, 0, piece.length, null);
    if (read === 0) return;
    text += piece.toString('utf8', 0, read);
  }
}

function answer(value) {
  const bytes = Buffer.from(`${JSON.stringify(value)}\n`);
  for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at, Math.min(65536, bytes.length - at));
}

for (const line of lines()) {
  const words = JSON.parse(line);
  if (words === null) break;
  const before = configurations();
  rmSync(record, { force: true });
  const { status, stdout, stderr } = spawnSync(process.execPath, ['/vfio-conform/dist/cli/main.js', ...words], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const kept = existsSync(record) ? readFileSync(record, 'utf8') : '';
  answer({ status, stdout, stderr, record: kept, before, after: configurations(), groups: groups() });
}
