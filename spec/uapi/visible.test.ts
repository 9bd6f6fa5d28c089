import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { visible, visibleJson, visibleLines } from './visible.ts';

const named = {
  ...{ escape: '\x1b', csi: '\x9b', bell: '\x07', delete: '\x7f', carriageReturn: '\r', arabicLetterMark: '\u061c' },
  ...{ leftToRightMark: '\u200e', rightToLeftMark: '\u200f', override: '\u202e', isolate: '\u2066', pop: '\u2069' },
  ...{
    line: '\u2028',
    paragraph: '\u2029',
    zeroWidthSpace: '\u200b',
    joiner: '\u200d',
    byteOrder: '\ufeff',
    tag: '\u{e0041}',
  },
  ...{ filler: '\u3164', selector: '\ufe0f', half: '\ud800', noCharacter: '\uffff' },
};
const any = fc.string({
  unit: fc.oneof(fc.constantFrom(...Object.values(named)), fc.string({ unit: 'binary', minLength: 1, maxLength: 1 })),
});

describe('visible', () => {
  it.each(Object.entries(named))('writes %s as an escape', (_, character) => {
    expect(visible(`a${character}b`)).toMatch(/^a\\[\x21-\x7e]+b$/);
  });

  it('leaves what is shown as itself', () => {
    const text = 'read 0x10 of /dev/vfio/17: größer, 大, \u{1f600}, "\\"';
    expect(visible(text)).toBe(text);
  });

  it('says which character it was', () => {
    expect(visible('\x1b[31m\x9b\u202e\u{e0041}\n')).toBe('\\x1b[31m\\x9b\\u{202e}\\u{e0041}\\n');
  });

  it('reaches every text and key of a value', () => {
    expect(visible({ 'a\x1b': ['b\x1b', { c: 'd\x1b' }, 7, null, true] })).toEqual({
      'a\\x1b': ['b\\x1b', { c: 'd\\x1b' }, 7, null, true],
    });
  });

  it('changes nothing the second time', () => {
    fc.assert(fc.property(any, (text) => visible(visible(text)) === visible(text)));
  });
});

it('visibleLines keeps lines apart, and none but the first starts at the margin', () => {
  expect(visibleLines('one\ntw\x1bo\nPASS')).toBe('one\n  tw\\x1bo\n  PASS');
});

describe('visibleJson', () => {
  it('is exactly the same value', () => {
    fc.assert(
      fc.property(fc.dictionary(any, any), any, (members, text) => {
        const value = { ...members, text: [text] };
        expect(JSON.parse(visibleJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
        expect(JSON.parse(visibleJson(value, 2))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('shows nothing that a terminal would act on', () => {
    fc.assert(fc.property(any, (text) => visible(visibleJson({ text })) === visibleJson({ text })));
  });
});
