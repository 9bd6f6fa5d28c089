import type { Errno } from './result.ts';

/**
 * A place inside a handler where another thread may run, or where a fault may be injected. Points are constants,
 * so that passing one costs nothing but the switch.
 */
export interface Point {
  readonly at: 'copy_from_user' | 'copy_to_user' | 'lock' | 'allocation' | 'driver_call' | 'driver_hook';
}

/** Before the kernel reads memory of the process. If the point is answered with true, the copy faults. */
export const COPY_FROM_USER: Point = { at: 'copy_from_user' };
/** Before the kernel stores to memory of the process. If the point is answered with true, the copy faults. */
export const COPY_TO_USER: Point = { at: 'copy_to_user' };
/** Before a lock is taken; reached again for as long as somebody else holds it. */
export const LOCK: Point = { at: 'lock' };
/** Before kernel memory is allocated. Answered true, there is none. */
export const ALLOCATION: Point = { at: 'allocation' };
/** Before the IOMMU driver is asked for something, or told to give it up. */
export const DRIVER_CALL: Point = { at: 'driver_call' };
/** Before one of its hooks for guest tables is called. Answered true, it refuses with EIO, or with the errno of the answer. */
export const DRIVER_HOOK: Point = { at: 'driver_hook' };

/** Whether a step fails; as an errno, how. */
export type Failure = boolean | Errno;

/** Work of the kernel, cut at its points. What a point is answered with says whether that step fails. */
export type Steps<T> = Generator<Point, T, Failure>;

/** Work that has no points. */
// biome-ignore lint/correctness/useYield: there is nothing to wait for.
export function* done<T>(result: T): Steps<T> {
  return result;
}

/** Decides at each point; the only way for schedules and faults to get into a handler. */
export type Hook = (point: Point) => Failure;

/** Runs work of the kernel to its end. */
export function drain<T>(steps: Steps<T>, hook: Hook | undefined): T {
  let step = steps.next();
  if (hook === undefined) while (!step.done) step = steps.next(false);
  else while (!step.done) step = steps.next(hook(step.value));
  return step.value;
}

/** A kernel mutex. Take it with `do yield LOCK; while (!lock.take());`, so that others can run meanwhile. */
export class Lock {
  private held = false;

  /** Takes the lock unless somebody holds it. */
  take(): boolean {
    if (this.held) return false;
    this.held = true;
    return true;
  }

  release(): void {
    this.held = false;
  }
}
