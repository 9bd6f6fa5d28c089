import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Problem } from '../../../spec/uapi/problem.ts';
import type { Environment } from '../../../spec/uapi/vocabulary.ts';
import { helperProgram } from './addon.ts';
import type { HostGroup } from './host.ts';

/** What the daemon takes as its configuration. */
export interface DaemonConfig {
  environment: Environment;
  /** PCI addresses of the devices of each slot. */
  devices: Record<string, { devices: string[] }>;
}

/** Characters of what the daemon's probe prints: models of devices with their config space. */
const MOST = 16 * 1024 * 1024;

/** The environment of those groups, as the daemon's probe finds it. Throws a Problem with what the probe says is missing. */
export async function probedEnvironment(groups: readonly HostGroup[]): Promise<DaemonConfig> {
  const words = ['--probe', ...groups.flatMap(({ group }) => ['--group', String(group)])];
  try {
    const { stdout } = await promisify(execFile)(helperProgram, words, { maxBuffer: MOST });
    return JSON.parse(stdout) as DaemonConfig;
  } catch (error) {
    const { stderr = '', message = String(error) } = error as { stderr?: string; message?: string };
    const said = stderr.trim().replace(/^vfio-conformd: /, '') || message;
    throw new Problem(`--target dev: the groups cannot be described: ${said}`);
  }
}
