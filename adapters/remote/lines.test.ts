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

  it.each([[['1234567890\n']], [['12345', '67890\n']], [['a\n1234567890\nb']]])(
    'takes a line of the full length: %j',
    (pieces) => {
      const cutter = new LineCutter(10);
      expect(pieces.flatMap((piece) => cutter.cut(piece))).toContain('1234567890');
    },
  );

  it.each([[['12345678901\n']], [['12345', '678901\n']], [['a\n12345678901\nb']]])(
    'gives up one that is longer: %j',
    (pieces) => {
      const cutter = new LineCutter(10);
      expect(() => pieces.flatMap((piece) => cutter.cut(piece))).toThrow('line of more than 10 characters');
    },
  );
});
