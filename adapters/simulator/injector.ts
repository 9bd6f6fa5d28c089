import type { InjectOp } from '../../spec/uapi/vocabulary.ts';
import type { Errno } from './result.ts';
import type { Hook, Point } from './steps.ts';

type Fault = InjectOp['fault'];

const FAULT_AT: Record<Point['at'], Fault | undefined> = {
  copy_from_user: 'copy',
  copy_to_user: 'copy',
  lock: undefined,
  allocation: 'allocation',
  driver_call: undefined,
  driver_hook: 'driver',
};

/** What can be made to fail. */
export const FAULTS: readonly Fault[] = ['allocation', 'copy', 'driver'];

interface Armed {
  fault: Fault;
  nth: number;
  /** What a driver returns. */
  errno: Errno | undefined;
}

/** Faults waiting for the next op of each actor. */
export class Injector {
  private readonly waiting = new Map<string, Armed[]>();

  /** Makes the nth step of that kind in the actor's next op fail. */
  arm(actor: string, { fault, nth, errno }: InjectOp): void {
    // Whatever errno it is, it is only passed on.
    const armed: Armed = { fault, nth, errno: errno as Errno | undefined };
    const faults = this.waiting.get(actor);
    if (faults === undefined) this.waiting.set(actor, [armed]);
    else faults.push(armed);
  }

  /** The hook for the actor's next op; the faults are used up by it, whether they are reached or not. */
  take(actor: string): Hook | undefined {
    if (this.waiting.size === 0) return undefined;
    const faults = this.waiting.get(actor);
    if (faults === undefined) return undefined;
    this.waiting.delete(actor);
    const passed: Record<Fault, number> = { allocation: 0, copy: 0, driver: 0 };
    return (point) => {
      const kind = FAULT_AT[point.at];
      if (kind === undefined) return false;
      passed[kind]++;
      const armed = faults.find(({ fault, nth }) => fault === kind && nth === passed[kind]);
      return armed === undefined ? false : (armed.errno ?? true);
    };
  }
}
