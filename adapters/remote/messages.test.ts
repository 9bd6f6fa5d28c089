import { describe, expect, it } from 'vitest';
import { parseAnswer } from './messages.ts';

describe('parseAnswer', () => {
  it('takes what the protocol allows', () => {
    const result = { type: 'result', id: 1, end: 'completed', outcomes: [{ value: 0 }, { errno: 'EINVAL' }] };
    expect(parseAnswer(JSON.stringify(result))).toEqual(result);
  });

  it.each([
    ['hello', 'a line that is not JSON: hello'],
    ['7', 'whose type is none of description, result, error'],
    ['{"type":"describe","protocol":1}', 'whose type is none of'],
    ['{"type":"result","id":1,"end":"fine","outcomes":[]}', 'a result that the protocol does not allow (/end'],
    ['{"type":"result","id":1,"end":"completed","outcomes":[{"value":0,"errno":"EIO"}]}', '/outcomes/0'],
    ['{"type":"description","protocol":2}', 'a description that the protocol does not allow'],
  ])('refuses %s', (line, why) => {
    expect(() => parseAnswer(line)).toThrow(why);
  });
});
