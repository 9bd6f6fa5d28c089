/** What asks a command to end: the terminal, whoever manages processes, and a terminal that is gone. */
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Cut off. */
const exitCode = 3;

/** Signals of the user to a command that would rather end in order. */
export class Interruption {
  private readonly controller = new AbortController();
  private readonly heed = (): void => {
    // Whoever asks twice wants it at once; what runs is under guard and ends with this process.
    if (this.controller.signal.aborted) process.exit(exitCode);
    process.stderr.write('vfio-conform: interrupted; summing up what was judged. Again to end at once.\n');
    this.controller.abort();
  };

  constructor() {
    for (const signal of signals) process.on(signal, this.heed);
  }

  /** Aborted at the first of them. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Signals do again what they do by themselves. */
  release(): void {
    for (const signal of signals) process.off(signal, this.heed);
  }
}
