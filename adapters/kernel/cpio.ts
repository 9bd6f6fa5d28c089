/** A file or folder of an archive. */
export interface Entry {
  /** Path without a leading slash. */
  path: string;
  /** Content of a file; absent for a folder. */
  content?: Uint8Array;
  executable?: boolean;
}

const folderMode = 0o040755;
const fileMode = 0o100644;
const executableMode = 0o100755;

/**
 * Makes an archive in the format that the kernel unpacks as its first file
 * system (cpio "newc"). Folders that entries are in are added by themselves.
 */
export function cpio(entries: Entry[]): Buffer {
  const parts: Buffer[] = [];
  let inode = 0;
  for (const entry of [...withFolders(entries), { path: 'TRAILER!!!', trailer: true }]) {
    const content = Buffer.from(('content' in entry && entry.content) || '');
    const mode = 'trailer' in entry ? 0 : modeOf(entry);
    parts.push(header(inode++, mode, content.length, entry.path), content, padding(content.length));
  }
  return Buffer.concat(parts);
}

function modeOf(entry: Entry): number {
  if (!entry.content) return folderMode;
  return entry.executable ? executableMode : fileMode;
}

/** The entries, each after the folders that it is in. */
function withFolders(entries: Entry[]): Entry[] {
  const known = new Set(entries.map((entry) => entry.path));
  const all: Entry[] = [];
  for (const entry of entries) {
    const names = entry.path.split('/');
    for (let depth = 1; depth < names.length; depth++) {
      const path = names.slice(0, depth).join('/');
      if (known.has(path)) continue;
      known.add(path);
      all.push({ path });
    }
    all.push(entry);
  }
  return all;
}

function header(inode: number, mode: number, size: number, path: string): Buffer {
  const name = Buffer.from(`${path}\0`);
  // inode, mode, owner, group, links, time, size, 4 device numbers, length of the name, checksum
  const fields = [inode, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, name.length, 0];
  const head = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`;
  return Buffer.concat([Buffer.from(head), name, padding(head.length + name.length)]);
}

/** Everything starts at a multiple of four bytes. */
function padding(length: number): Buffer {
  return Buffer.alloc(-length & 3);
}
