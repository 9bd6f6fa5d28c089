/** Cuts a text that comes in pieces into lines. A line may come in any number of pieces without being copied for each. */
export class LineCutter {
  private readonly longest: number;
  private pieces: string[] = [];
  private length = 0;

  /** `longest`: characters that a line may have; one without an end is given up when it has more. */
  constructor(longest: number) {
    this.longest = longest;
  }

  /** Takes a piece and returns the lines that it completes. Throws when a line gets too long. */
  cut(piece: string): string[] {
    const last = piece.lastIndexOf('\n');
    if (last < 0) {
      this.pieces.push(piece);
      this.length += piece.length;
      this.refuse(this.length);
      return [];
    }
    const lines = (this.pieces.join('') + piece.slice(0, last)).split('\n');
    for (const line of lines) this.refuse(line.length);
    const rest = piece.slice(last + 1);
    this.pieces = rest ? [rest] : [];
    this.length = rest.length;
    return lines.filter((line) => line.trim() !== '');
  }

  private refuse(length: number): void {
    if (length > this.longest) throw new Error(`it sent a line of more than ${this.longest} characters`);
  }
}
