import type { InjectOp } from '../../spec/uapi/vocabulary.ts';
import type { Hook, Point } from './steps.ts';

type Fault = InjectOp['fault'];

const FAULT_AT: Record<Point['at'], Fault | undefined> = {
  copy_from_user: 'copy',
  copy_to_user: 'copy',
  lock: undefined,
  allocation: 'allocation',
  driver_call: 'driver',
};

/** Faults waiting for the next op of each actor. */
export class Injector {
  private readonly waiting = new Map<string, { fault: Fault; nth: number }[]>();

  /** Makes the nth step of that kind in the actor's next op fail. */
  arm(actor: string, fault: Fault, nth: number): void {
    const faults = this.waiting.get(actor);
    if (faults === undefined) this.waiting.set(actor, [{ fault, nth }]);
    else faults.push({ fault, nth });
  }

  /** The hook for the actor's next op; the faults are used up by it, whether they are reached or not. */
  take(actor: string): Hook | undefined {
    if (this.waiting.size === 0) return undefined;
    const faults = this.waiting.get(actor);
    if (faults === undefined) return undefined;
    this.waiting.delete(actor);
    const passed: Record<Fault, number> = { allocation: 0, copy: 0, driver: 0 };
    return (point) => {
      const kind = point.fallible ? FAULT_AT[point.at] : undefined;
      if (kind === undefined) return false;
      passed[kind]++;
      return faults.some(({ fault, nth }) => fault === kind && nth === passed[kind]);
    };
  }
}
