import type { OpenFileDescription } from '../state/state.ts';

/** What comes of an op that opens something. */
export class Opening {
  /** What was opened. */
  created: OpenFileDescription['object'] | undefined;
  /** The new descriptor is closed on exec. */
  closeOnExec = false;
}
