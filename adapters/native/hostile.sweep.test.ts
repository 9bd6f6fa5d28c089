import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packageRoot } from '../../spec/uapi/package-root.ts';
import { whole } from '../../spec/uapi/test-part.ts';
import type { Op } from '../../spec/uapi/vocabulary.ts';
import { TestDaemon } from './test-daemon.ts';

const binary = join(packageRoot, 'dist/native/vfio-conformd-hostile');

/** Built with sanitizers: what reads or writes where it may not ends the daemon. */
describe.skipIf(!existsSync(binary))('a daemon whose processes overwrite what they share with it', () => {
  let daemon: TestDaemon;
  beforeEach(() => {
    daemon = new TestDaemon(binary, '--timeout', '0.3');
  });
  afterEach(async () => expect(await daemon.stop()).toBe(0));

  const ops: Op[] = [{ op: 'barrier' }];
  let id = 0;
  const run = (how: string) =>
    daemon.ask({ type: 'run', id: id++, slots: {}, program: { id: how, topology: { slots: {} }, ops } });

  it.each([
    ['forge', 'crashed'],
    ['message', 'crashed'],
    ['child', 'crashed'],
    ['stopped', 'crashed'],
    ['flip', 'crashed'],
  ])('answers one message, with nothing that it was told to say: %s', async (how, end) => {
    for (let time = 0; time < 2; time++) {
      expect(await run(how)).toMatchObject({ type: 'result', id: id - 1, end, outcomes: [] });
    }
    expect(await daemon.ask({ type: 'describe', protocol: 1 })).toMatchObject({ type: 'description' });
  });

  it('survives whatever bytes there are', async () => {
    for (let seed = 0; seed < (whole ? 100 : 20); seed++)
      expect(await run(String(seed))).toMatchObject({ type: 'result', id: id - 1, outcomes: [] });
  });
});
