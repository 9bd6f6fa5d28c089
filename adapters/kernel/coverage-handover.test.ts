import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HandoverPort, readHandover } from './coverage-handover.ts';

const sent = '3 /a b.gcda\n\n1\n0 /c.gcda\nend\n';
const files = new Map([
  ['/a b.gcda', Buffer.from('\n1\n')],
  ['/c.gcda', Buffer.alloc(0)],
]);

describe('readHandover', () => {
  it('reads files to the end, and nothing before it', () => {
    expect(readHandover(Buffer.from(sent))).toEqual(files);
    for (let cut = 0; cut < sent.length; cut++) expect(readHandover(Buffer.from(sent.slice(0, cut)))).toBeUndefined();
  });

  it('refuses what no guest sends', () => {
    expect(() => readHandover(Buffer.from('GET / HTTP/1.0\n'))).toThrow('GET / HTTP/1.0');
  });
});

describe('HandoverPort', () => {
  let folder: string;
  let port: HandoverPort;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'vfio-conform-test-'));
    port = await HandoverPort.listen(join(folder, 'port'));
  });

  afterEach(() => {
    port.stopListening();
    rmSync(folder, { recursive: true });
  });

  it('gives the emulator a port', () => {
    expect(port.options).toContain(`socket,id=coverage,path=${join(folder, 'port')}`);
    expect(port.options).toContain('virtserialport,chardev=coverage,name=vfio-conform.1');
  });

  it('takes what comes in pieces, and tells the guest that it has all', async () => {
    const guest = connect(join(folder, 'port'));
    guest.write(sent.slice(0, 5));
    guest.write(sent.slice(5));
    await once(guest, 'data');
    guest.destroy();
    expect(await port.files).toEqual(files);
  });

  it('has nothing of a guest that is gone before its end', async () => {
    connect(join(folder, 'port')).end(sent.slice(0, 5));
    expect(await port.files).toBeUndefined();
  });

  it('has nothing of an emulator that never came', async () => {
    port.stopListening();
    expect(await port.files).toBeUndefined();
  });
});
