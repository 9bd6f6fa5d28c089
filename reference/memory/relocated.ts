/** Spans of a page's bytes, disjoint, in which the program stored values that it does not know: they are shown as zeros. */
export class Relocated {
  private readonly spans: { start: number; end: number }[];

  constructor(spans: readonly { readonly start: number; readonly end: number }[] = []) {
    this.spans = spans.map((span) => ({ ...span }));
  }

  /** The same spans, in a page of its own. */
  copy(): Relocated {
    return new Relocated(this.spans);
  }

  /** The bytes from `start` to before `end` hold such a value. */
  mark(start: number, end: number): void {
    this.clear(start, end);
    this.spans.push({ start, end });
  }

  /** The bytes from `start` to before `end` hold something else. */
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

  /** The marked ones among the bytes from `start` to before `end`. */
  within(start: number, end: number): { start: number; end: number }[] {
    return this.spans
      .filter((span) => span.start < end && span.end > start)
      .map((span) => ({ start: Math.max(span.start, start), end: Math.min(span.end, end) }));
  }

  /** Puts zeros in place of the marked ones among bytes of the page, the first of which is at `start`. */
  hide(bytes: Uint8Array, start: number): void {
    for (const span of this.spans) {
      const first = Math.max(span.start - start, 0);
      const end = Math.min(span.end - start, bytes.length);
      if (first < end) bytes.fill(0, first, end);
    }
  }
}
