import type { Session } from '../../spec/uapi/adapter.ts';
import type { InjectOp, Program, Trace } from '../../spec/uapi/vocabulary.ts';
import { assignSlots } from '../suites/suite.ts';

/** Why a program is not run on a target that does not have one of its ops. */
export const cannotPerform = (op: string) => `the target cannot perform ${op}`;

/** Why a program is not run on a target that cannot make that fail. */
export const cannotInject = (fault: InjectOp['fault']) => `the target cannot inject failures of the kind ${fault}`;

/** Why a program is not run on a target without the groups that it needs. */
export const noGroups = 'the target has no groups like those that the program needs';

/** Starts programs of one session. */
export class Starter {
  private readonly session: Session;
  private readonly ops: ReadonlySet<string>;
  /** Programs of a situation share the object that says which groups they need. */
  private readonly assigned = new WeakMap<object, Record<string, string> | undefined>();

  constructor(session: Session) {
    this.session = session;
    this.ops = new Set(session.description.ops);
  }

  start(program: Program): Promise<Trace> | Trace {
    const environment = this.session.description.environment.id;
    const slots = this.assign(program);
    const unsupported = (detail: string): Trace => ({ environment, program, end: 'unsupported', outcomes: [], detail });
    if (!slots) return unsupported(noGroups);
    const { faults } = this.session.description;
    for (const op of program.ops) {
      if (!this.ops.has(op.op)) return unsupported(cannotPerform(op.op));
      if (op.op === 'inject' && faults?.includes(op.fault) === false) return unsupported(cannotInject(op.fault));
    }
    const result = this.session.run(program, slots);
    if (result instanceof Promise) return result.then((one) => ({ environment, program, ...one }));
    return { environment, program, ...result };
  }

  private assign({ topology: { slots } }: Program): Record<string, string> | undefined {
    if (!this.assigned.has(slots)) this.assigned.set(slots, assignSlots(slots, this.session.description.environment));
    return this.assigned.get(slots);
  }
}
