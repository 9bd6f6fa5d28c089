import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Adapter } from '../../../spec/uapi/adapter.ts';
import { defaultStallMs } from '../../remote/exec.ts';
import { RemoteSession } from '../../remote/session.ts';
import { loadAddon } from './addon.ts';
import { probedEnvironment } from './environment.ts';
import { helperLink } from './helper-link.ts';
import { usableGroups } from './host.ts';
import { type Restriction, restrictions } from './restrictions.ts';

/** Which of this machine's groups, and what may be done to them. */
export interface DevOptions {
  groups: readonly number[];
  allowed: readonly Restriction[];
  /** How long the helper may say nothing while a program is under way, in milliseconds. */
  stallMs?: number;
  /** Hears sentences for people. */
  note?(line: string): void;
}

/** The target `dev`: this machine's /dev/vfio, driven by a helper process of the native addon. */
export function devAdapter({ groups, allowed, stallMs = defaultStallMs, note }: DevOptions): Adapter {
  return {
    target: 'dev',
    start: async (_need, hooks = {}) => {
      const addon = loadAddon();
      const config = await probedEnvironment(await usableGroups(groups));
      const folder = await mkdtemp(join(tmpdir(), 'vfio-conform-'));
      const file = join(folder, 'config.json');
      const forbidden = restrictions.filter((one) => !allowed.includes(one));
      try {
        await writeFile(file, JSON.stringify(config));
        const session = await RemoteSession.start({
          place: 'dev',
          subject: 'The helper',
          remedy: 'build it again with npm run build, and see vfio-conform targets',
          launch: async () => helperLink(addon, ['--config', file, ...forbidden.flatMap((one) => ['--forbid', one])]),
          window: 2,
          handshakeMs: 10_000,
          stallMs,
          note,
          ...hooks,
        });
        const stop = session.stop.bind(session);
        return Object.assign(session, {
          stop: async (atOnce?: boolean) => {
            await stop(atOnce);
            await rm(folder, { recursive: true, force: true });
          },
        });
      } catch (error) {
        await rm(folder, { recursive: true, force: true });
        throw error;
      }
    },
  };
}
