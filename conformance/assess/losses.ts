import type { RecordLoss, ResultLoss, Trace } from '../../spec/uapi/vocabulary.ts';

/** Each time that a target was lost, and the programs that explain it. */
export class Losses {
  private readonly lines: RecordLoss[] = [];
  /** Programs that a target did not survive with nothing else under way. */
  private readonly fatal = new Set<string>();

  add(line: RecordLoss): void {
    this.lines.push(line);
  }

  /** A case was judged. */
  note({ end, program }: Trace): void {
    if (end === 'crashed' || end === 'hung' || end === 'lost') this.fatal.add(program.id);
  }

  /**
   * What explains each: a program that was under way and that the target does not survive alone, or under which the kernel
   * reported a fault. Without one, everything that was under way passed when it was tried again.
   */
  explained(): ResultLoss[] {
    return this.lines.map((loss) => {
      const blamed = loss.end === 'fault' ? loss.programs[0] : loss.programs.find((id) => this.fatal.has(id));
      return { loss, ...(blamed !== undefined && { blamed }) };
    });
  }
}
