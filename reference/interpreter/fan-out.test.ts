import { describe, expect, test } from 'vitest';
import type { Rule } from '../../spec/contract/types.ts';
import type { Call } from '../call/call.ts';
import { DriverVisit } from '../call/driver-visit.ts';
import { modelEnvironment } from '../model-target.ts';
import { Device } from '../state/device.ts';
import type { Decision } from './expectation.ts';
import { type DriverTable, type FanOut, fanOut } from './fan-out.ts';

const rule = (id: string): Rule => ({ id, level: 'MUST', sentence: 'It is so.', sources: [] });
const refusal = (errno: string): Decision => ({ rule: rule(errno), outcome: { kind: 'errno', errno } });

/** Domains, groups and devices by name, the last attached first. */
type Names = string[][][];

interface Setup {
  names?: Names;
  /** Errno by device that refuses. */
  refuses?: Record<string, string>;
  /** Errno by device that refuses to be undone. */
  keeps?: Record<string, string>;
}

/** Takes a request over some devices; who was asked, who was undone, which rules were noted, and what came of it. */
function go(words: Pick<FanOut, 'stop' | 'result' | 'undo'>, setup: Setup) {
  const { names = [[['n']], [['o']]], refuses = {}, keeps = {} } = setup;
  const byDevice = new Map<Device, string>();
  const domains = names.map((groups) => ({
    groups: groups.map((devices) => ({
      slot: {
        devices: devices.map((name) => {
          const device = new Device({ devices: 1, viable: true }, modelEnvironment({ machine: {}, slots: [] }).device);
          byDevice.set(device, name);
          return device;
        }),
      },
    })),
  }));
  const object = { kind: 'container', backend: { domains } };
  const call = { object, visit: new DriverVisit() } as unknown as Call;
  const asked: string[] = [];
  const undone: string[] = [];
  const noted: string[] = [];
  const tableOf =
    (list: string[], errnos: Record<string, string>): DriverTable =>
    ({ visit }) => {
      const name = byDevice.get(visit.device!)!;
      list.push(name);
      return errnos[name] === undefined ? undefined : refusal(errnos[name]);
    };
  const decision = fanOut(
    {
      ...words,
      table: tableOf(asked, refuses),
      undoTable: tableOf(undone, keeps),
    },
    call,
    (id) => noted.push(id),
  );
  return { asked, undone, noted, errno: (decision?.outcome as { errno: string } | undefined)?.errno };
}

const posted = {
  stop: { word: 'group', rule: 'stops' },
  result: { word: 'last', rule: 'reports' },
  undo: { word: 'all', rule: 'undoes' },
} as const;
const repaired = {
  stop: { word: 'container', rule: 'stops' },
  result: { word: 'first', rule: 'reports' },
  undo: { word: 'done_reversed', rule: 'undoes' },
} as const;

describe('as posted', () => {
  test.each([
    ['neither refuses', {}, undefined, []],
    ['the newer domain refuses', { n: 'EIO' }, undefined, []],
    ['the older domain refuses', { o: 'EIO' }, 'EIO', ['n', 'o']],
    ['both refuse', { n: 'EIO', o: 'ENOSPC' }, 'ENOSPC', ['n', 'o']],
  ])('the older domain decides: %s', (_, refuses, errno, undone) => {
    expect(go(posted, { refuses })).toMatchObject({ asked: ['n', 'o'], errno, undone });
  });

  test('a refusal ends its domain, and not the next', () => {
    const names = [[['a', 'b'], ['c']], [['d']]];
    expect(go(posted, { names, refuses: { a: 'EIO', d: 'EBUSY' } })).toMatchObject({
      asked: ['a', 'd'],
      errno: 'EBUSY',
      // The undoing loop is the same loop, and goes over all.
      undone: ['a', 'b', 'c', 'd'],
    });
  });

  test('undoing stops where undoing is refused', () => {
    const names = [[['a'], ['b']]];
    expect(go(posted, { names, refuses: { b: 'EIO' }, keeps: { a: 'EINVAL' } })).toMatchObject({
      errno: 'EIO',
      undone: ['a'],
    });
  });
});

describe('repaired', () => {
  test('the first refusal ends all and is undone in reverse', () => {
    const names = [
      [['a', 'b'], ['c']],
      [['d'], ['e']],
    ];
    expect(go(repaired, { names, refuses: { d: 'EIO', e: 'EBUSY' } })).toMatchObject({
      asked: ['a', 'b', 'c', 'd'],
      errno: 'EIO',
      undone: ['c', 'b', 'a'],
    });
  });

  test('nobody refuses', () => {
    expect(go(repaired, {})).toMatchObject({ asked: ['n', 'o'], errno: undefined, undone: [], noted: [] });
  });

  test('without a stop everybody is asked, and the first refusal counts', () => {
    const all = { ...repaired, stop: { word: 'none', rule: 'stops' } } as const;
    const names = [[['a', 'b']], [['c']]];
    const { asked, errno, noted } = go(all, { names, refuses: { a: 'EIO', c: 'EBUSY' } });
    expect({ asked, errno }).toEqual({ asked: ['a', 'b', 'c'], errno: 'EIO' });
    expect(noted).toEqual(['EIO', 'EBUSY', 'stops', 'reports', 'undoes']);
  });
});
