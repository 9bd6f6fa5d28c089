import type { Adapter, Description, Need, Session, SessionHooks } from '../../spec/uapi/adapter.ts';
import { machineName, spelledOut } from '../../spec/uapi/emulated-machine.ts';
import { Problem } from '../../spec/uapi/problem.ts';
import type { Machine } from '../../spec/uapi/vocabulary.ts';

const kindOf = (machine: Machine): string => machineName(spelledOut(machine));

/**
 * Several daemons as one target: the same implementation, each on a machine of its own. A machine that is needed is that of
 * the daemon that has it.
 */
export function severalAdapter(parts: readonly Adapter[]): Adapter {
  let learnt: Promise<ReadonlyMap<string, Owner>> | undefined;
  return {
    target: parts.map(({ target }) => target).join(' and '),
    async start(need, hooks = {}) {
      learnt ??= learn(parts, need, hooks);
      const owners = await learnt;
      const owner = owners.get(kindOf(need.machine));
      if (owner) return owner.part.start(need, told(owner.part, hooks));
      const [any] = owners.values();
      return notStarted(any!.description);
    },
  };
}

/** A daemon, and what it says that it is. */
interface Owner {
  part: Adapter;
  description: Description;
}

/** What there is in place of a machine that no daemon has: a description says so, and nothing runs. */
const notStarted = (description: Description): Session => ({
  description,
  window: 1,
  run: ({ id }) => Promise.reject(new Problem(`${id}: no daemon has its machine; leave it out.`)),
  stop: () => Promise.resolve(),
});

/** Which daemon has which kind of machine. Starts each of them once. Throws a Problem for those that are not one target. */
async function learn(parts: readonly Adapter[], need: Need, hooks: SessionHooks): Promise<ReadonlyMap<string, Owner>> {
  const owners = new Map<string, Owner>();
  const ids = new Map<string, Adapter>();
  let first: Description | undefined;
  for (const part of parts) {
    const description = await descriptionOf(await part.start(need, told(part, hooks)));
    first ??= description;
    const { name, version, environment } = description;
    if (name !== first.name || version !== first.version)
      throw new Problem(
        `${part.target}: is ${name} ${version}, and ${parts[0]!.target} is ${first.name} ${first.version}; what is judged together has one name and version.`,
      );
    const kind = kindOf(environment.machine);
    const [sameKind, sameId] = [owners.get(kind), ids.get(environment.id)];
    if (sameKind)
      throw new Problem(
        `${part.target}: is a machine ${kind}, as ${sameKind.part.target}; give each daemon another machine, or one of them all groups.`,
      );
    if (sameId)
      throw new Problem(
        `${part.target}: calls its environment ${environment.id}, as ${sameId.target} does; give each an id of its own.`,
      );
    owners.set(kind, { part, description });
    ids.set(environment.id, part);
  }
  return owners;
}

async function descriptionOf(session: Session): Promise<Description> {
  await session.stop();
  return session.description;
}

/** A loss is told with the daemon that was lost. */
const told = ({ target }: Adapter, { onLoss, ...hooks }: SessionHooks): SessionHooks => ({
  ...hooks,
  ...(onLoss && { onLoss: (loss) => onLoss({ ...loss, why: `${target}: ${loss.why}` }) }),
});
