import type { Contract } from '../reference/interpreter/contract.ts';
import type { Adapter, Session } from '../spec/uapi/adapter.ts';
import { type EnvironmentOverlay, overlaid, readOverlay } from './options/environment-option.ts';
import { openTarget, type TargetOptions } from './target.ts';

/** What a target is given, and what is known of it beside. */
export interface OverlaidTargetOptions extends TargetOptions {
  /** A file with what the user knows better of the environment than the target. */
  environment?: string;
}

/** A target whose environments are what it says of them with what the user knows better. Throws a Problem. */
export async function openOverlaidTarget(
  target: string,
  contract: Contract,
  version: string,
  options: OverlaidTargetOptions,
): Promise<Awaited<ReturnType<typeof openTarget>> & { overlay?: EnvironmentOverlay }> {
  const { environment: file } = options;
  if (file === undefined) return openTarget(target, contract, version, options);
  const overlay = readOverlay(file);
  const opened = await openTarget(target, contract, version, options);
  return {
    ...opened,
    adapter: withOverlay(opened.adapter, overlay, file),
    options: { ...opened.options, environment: file },
    overlay,
  };
}

function withOverlay(adapter: Adapter, overlay: EnvironmentOverlay, file: string): Adapter {
  return {
    target: adapter.target,
    ...(adapter.offers && { offers: (need) => adapter.offers!(need) }),
    start: async (need, hooks) => {
      const session = await adapter.start(need, hooks);
      try {
        return describedBy(session, overlay, file);
      } catch (error) {
        await session.stop(true);
        throw error;
      }
    },
  };
}

function describedBy(session: Session, overlay: EnvironmentOverlay, file: string): Session {
  const { description } = session;
  return {
    description: { ...description, environment: overlaid(description.environment, overlay, file) },
    window: session.window,
    run: (program, slots) => session.run(program, slots),
    stop: (atOnce) => session.stop(atOnce),
  };
}
