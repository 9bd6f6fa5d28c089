import { expect, test } from 'vitest';
import { openDevice } from '../conformance/programs/build.ts';
import type { Outcome } from '../spec/uapi/vocabulary.ts';
import { environment, program, ready } from './interpreter/test-compiled.ts';
import { runOnModel } from './model-target.ts';
import { contract, judgeLast } from './test-judging.ts';

/** Opens a device by a name, on a group in a container with a backend. */
const opens = (spelling: string) => [...ready, { ...openDevice('g', 'g', 'd'), spelling }];

/** What Linux 6.1 and 6.12 answer. */
test.each<[name: string, spelling: string, outcome: Outcome]>([
  ['its own', '{name}', { fd: 'd' }],
  ['none', '', { errno: 'ENODEV' }],
  ['a short one', 'no device', { errno: 'ENODEV' }],
  ['4095 letters', 'a'.repeat(4095), { errno: 'ENODEV' }],
  ['4096 letters', 'a'.repeat(4096), { errno: 'EINVAL' }],
  ['4095 bytes in letters of two', `a${'\u00e9'.repeat(2047)}`, { errno: 'ENODEV' }],
  ['4096 bytes in letters of two', '\u00e9'.repeat(2048), { errno: 'EINVAL' }],
  ['4092 bytes in letters of four', '\u{1f600}'.repeat(1023), { errno: 'ENODEV' }],
  ['4096 bytes in letters of four', '\u{1f600}'.repeat(1024), { errno: 'EINVAL' }],
  ['its own without the last letter', '{cut}', { errno: 'ENODEV' }],
  ['its own after a space', ' {name}', { errno: 'ENODEV' }],
  ['its own before 4096 letters', `{name}${'x'.repeat(4096)}`, { errno: 'EINVAL' }],
])('a device opened by a name: %s', (_, spelling, outcome) => {
  expect(judgeLast(opens(spelling), outcome).kind).toBe('conforms');
});

test.each(['0000:00:03.0', '0000:00:03.0 word', '{cut}7', '1{name}'])(
  'whether %s is the name of a device, only the target knows',
  (spelling) => {
    expect(runOnModel(contract, environment, program(opens(spelling)))).toMatchObject({
      end: 'unsupported',
      detail: expect.stringContaining('the contract does not say'),
    });
  },
);

test.each(['{name}', '{cut}'])('whether %s and much after it is too long depends on the name', (placeholder) => {
  expect(runOnModel(contract, environment, program(opens(`${placeholder}${' '.repeat(4090)}`)))).toMatchObject({
    end: 'unsupported',
    detail: expect.stringContaining('depends on the name of the device'),
  });
});
