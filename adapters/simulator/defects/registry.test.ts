import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { opNames } from '../../../spec/uapi/op-names.ts';
import { packageRoot } from '../../../spec/uapi/package-root.ts';
import { Problem } from '../../../spec/uapi/problem.ts';
import { uapi } from '../../../spec/uapi/uapi.ts';
import { simulatorAdapter } from '../adapter.ts';
import { parseParameters } from '../parameters.ts';
import { map, ready, run } from '../test-programs.ts';
import type { SimulatorDefect } from './defect.ts';
import { defectNamed, defects } from './registry.ts';

const names = defects.map(({ name }) => name);

describe('the registry', () => {
  it('lists each file of its folder', () => {
    const aside = ['as-owner.ts', 'defect.ts', 'registry.ts', 'registry.test.ts'];
    const files = readdirSync(`${packageRoot}/adapters/simulator/defects`).filter((file) => !aside.includes(file));
    expect(names.map((name) => `${name.replaceAll('_', '-')}.ts`).sort()).toEqual(files.sort());
  });

  it('has each name once', () => {
    expect(new Set(names).size).toBe(names.length);
  });
});

describe.each(defects)('$name', ({ name, sentence, handler, needs = {} }) => {
  it('says in one sentence what is wrong', () => {
    expect(sentence).toMatch(/^[A-Z][^.]*[^. ]\.$/);
  });

  it('is in an operation that there is', () => {
    const [op, what] = handler.split(' ');
    if (uapi.ioctls[handler] === undefined) expect(opNames).toContain(op);
    if (what !== undefined) expect(['container', 'group', 'device']).toContain(what);
  });

  it('names values that parameters can have', () => {
    for (const [parameter, values] of Object.entries(needs)) {
      for (const value of values) expect(() => parseParameters({ [parameter]: value })).not.toThrow();
    }
    const setting = Object.fromEntries(Object.entries(needs).map(([parameter, values]) => [parameter, values[0]!]));
    expect(() => simulatorAdapter(setting, 'sim', defectNamed(name))).not.toThrow();
  });
});

describe('a defect that is asked for', () => {
  it('and unknown is refused with all that are known, the nearest first', () => {
    const ask = () => defectNamed('gpgd_cut_to_16_bits');
    expect(ask).toThrow(Problem);
    expect(ask).toThrow(/^The simulator has no defect gpgd_cut_to_16_bits; it has gpgd_cut_to_32_bits, /);
    for (const name of names) expect(ask).toThrow(name);
    expect(() => defectNamed('gpgd')).toThrow(/; it has gpgd_cut_to_32_bits, /);
  });

  it('where it makes no difference is refused with what to change', () => {
    const ask = () => simulatorAdapter({ nesting_series: 'repaired' }, 'sim', defectNamed('no_roll_back_after_enoent'));
    expect(ask).toThrow(Problem);
    expect(ask).toThrow(/nesting_series=repaired.*--set nesting_series=as_posted/);
  });

  it('is in the simulator that was asked for it, and in no other', async () => {
    const program = [...ready(), map(), map({ size: 0 })];
    const outcomes = async (defect?: SimulatorDefect) => (await run(program, { defect })).outcomes;
    const before = await outcomes();
    const wrong = await outcomes(defectNamed('map_checks_overlap_before_size'));
    expect(before.at(-1)).toEqual({ errno: 'EINVAL' });
    expect(wrong.at(-1)).toEqual({ errno: 'EEXIST' });
    expect(await outcomes()).toEqual(before);
  });
});
