import type { Result } from '../result.ts';
import { ALLOCATION, done, type Steps } from '../steps.ts';
import type { FileOperations, Node, OpenFile } from './file-table.ts';

/** A counter that the kernel raises and user space clears: eventfd(2). */
export class EventCounter implements FileOperations {
  readonly stream = true;
  private count = 0;

  ioctl(): Steps<Result> {
    return done('ENOTTY');
  }

  seek(): Result {
    return 0;
  }

  /** Something has happened. */
  signal(): void {
    this.count++;
  }

  /** What has happened since the last time. */
  take(): number {
    const { count } = this;
    this.count = 0;
    return count;
  }
}

/** What makes a counter each time it is opened. */
export const eventNode: Node = {
  *open(file: OpenFile): Steps<Result> {
    if (yield ALLOCATION) return 'ENOMEM';
    file.operations = new EventCounter();
    return 0;
  },
};
