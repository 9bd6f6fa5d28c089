import { describe, expect, it } from 'vitest';
import { LineCutter } from './lines.ts';

describe('LineCutter', () => {
  it('cuts lines that come in any pieces', () => {
    const cutter = new LineCutter(100);
    expect(cutter.cut('on')).toEqual([]);
    expect(cutter.cut('e')).toEqual([]);
    expect(cutter.cut('\ntwo\n\nthr')).toEqual(['one', 'two']);
    expect(cutter.cut('ee\n')).toEqual(['three']);
  });

  it('gives up a line that does not end', () => {
    const cutter = new LineCutter(10);
    cutter.cut('123456');
    expect(() => cutter.cut('789012')).toThrow('line of more than 10 characters');
  });
});
