/** Spans of bytes, disjoint: those that hold what differs from run to run, and are shown as zeros. */
export class Relocated {
  private readonly spans: { start: number; end: number }[] = [];

  /** Marks the bytes from `start` to before `end`. */
  mark(start: number, end: number): void {
    this.clear(start, end);
    this.spans.push({ start, end });
  }

  /** Ends the marks on the bytes from `start` to before `end`. */
  clear(start: number, end: number): void {
    for (let i = this.spans.length - 1; i >= 0; i--) {
      const span = this.spans[i]!;
      if (span.end <= start || span.start >= end) continue;
      if (span.start < start && span.end > end) this.spans.push({ start: end, end: span.end });
      if (span.start < start) span.end = start;
      else if (span.end > end) span.start = end;
      else this.spans.splice(i, 1);
    }
  }

  /** Marks what is marked in another. */
  add(other: Relocated): void {
    for (const { start, end } of other.spans) this.spans.push({ start, end });
  }

  /** Puts zeros where bytes are marked; `bytes` begins at `start`. */
  hide(bytes: Uint8Array, start: number): void {
    for (const span of this.spans) {
      const first = Math.max(span.start - start, 0);
      const end = Math.min(span.end - start, bytes.length);
      if (first < end) bytes.fill(0, first, end);
    }
  }
}
