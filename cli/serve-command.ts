import { once } from 'node:events';
import { serve } from '../adapters/remote/server.ts';
import { mergeNeeds, sameMachine } from '../conformance/suites/suite.ts';
import { suites } from '../conformance/suites/suites.ts';
import { Problem } from '../spec/uapi/problem.ts';
import { loadSetting, type SettingOptions } from './options/setting.ts';
import { defaultProfile, openTarget, type TargetOptions } from './target.ts';

interface ServeOptions extends SettingOptions, Omit<TargetOptions, 'coverage' | 'say'> {
  target: string;
  listen: string;
}

/**
 * `vfio-conform serve`: lets others speak to a target by the adapter protocol, until a signal ends it. It offers the machine that
 * suites ask for if they say nothing else, with the groups of all suites. Throws a Problem, also when the target is lost.
 */
export async function serveCommand(options: ServeOptions, version: string): Promise<void> {
  const [, path] = /^unix:(.+)$/s.exec(options.listen) ?? [];
  if (path === undefined) throw new Problem(`--listen ${options.listen}: write unix:PATH.`);
  const { contract } = loadSetting(options, defaultProfile(options.target));
  const { adapter } = await openTarget(options.target, contract, version, options);
  const interrupted = new AbortController();
  const end = (): void => interrupted.abort();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, end);
  const need = mergeNeeds(suites.flatMap((suite) => suite.needs())).find(({ machine }) => sameMachine(machine, {}))!;
  const session = await adapter.start(need, { signal: interrupted.signal });
  try {
    const served = await serve(session, path);
    try {
      const { name, version: targetVersion } = session.description;
      process.stderr.write(`${name} ${targetVersion} is served on unix:${path}; an interrupt ends it.\n`);
      if (!interrupted.signal.aborted) await Promise.race([served.lost, once(interrupted.signal, 'abort')]);
    } finally {
      await served.close();
    }
  } finally {
    await session.stop();
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, end);
  }
}
