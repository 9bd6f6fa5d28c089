/**
 * Characters that a terminal, an editor or a reader of XML would act on, or not show: controls (C0, DEL, C1), format characters (marks
 * of direction, of zero width, tags), separators of lines and paragraphs, fillers, halves of surrogate pairs, and what is no character.
 */
const unseen = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}]/gu;

const short: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/**
 * Data as people may see it: in a text, or in each text and key of an object or array, every character that is not shown as
 * itself is an escape such as `\x1b` or `\u{202e}`. What a target, a record or a file says goes through here before it becomes a part
 * of something that is printed; colours and line breaks of the printer's own come after. Doing it twice changes nothing more.
 */
export function visible<T>(data: T): T;
export function visible(data: unknown): unknown {
  if (typeof data === 'string') return data.replace(unseen, escaped);
  if (data === null || typeof data !== 'object') return data;
  if (Array.isArray(data)) return data.map((one) => visible(one));
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [visible(key), visible(value)]));
}

/** A text of several lines as people may see it: lines stay apart, and those after the first are indented, so that none passes for another message. */
export const visibleLines = (text: string): string => text.split('\n').map(visible).join('\n  ');

/** A value as JSON that is safe to look at: exactly the same value, with what a terminal would act on as \u escapes. */
export function visibleJson(value: unknown, indent?: number): string {
  // Line breaks of the layout are the only such characters outside strings.
  return JSON.stringify(value, null, indent).replace(unseen, (one) =>
    one === '\n' ? one : [...units(one)].map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join(''),
  );
}

function escaped(one: string): string {
  const point = one.codePointAt(0)!;
  return short[one] ?? (point < 0x100 ? `\\x${point.toString(16).padStart(2, '0')}` : `\\u{${point.toString(16)}}`);
}

function* units(character: string): Generator<number> {
  for (let i = 0; i < character.length; i++) yield character.charCodeAt(i);
}
