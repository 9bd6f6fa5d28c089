import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { toToken } from '../conformance/running/token.ts';
import { scenarioSuite } from '../conformance/suites/scenarios/suite.ts';
import { programsOf } from '../conformance/suites/suite.ts';
import { compileContract } from '../reference/interpreter/contract.ts';
import { modelEnvironment } from '../reference/model-target.ts';
import { loadContract } from '../spec/contract/load.ts';
import { parameterSetting } from '../spec/contract/setting.ts';
import { Problem } from '../spec/uapi/problem.ts';
import type { Op, Program } from '../spec/uapi/vocabulary.ts';
import { explanation } from './explain-command.ts';

const data = loadContract();
const folder = mkdtempSync(join(tmpdir(), 'vfio-conform-explain-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A program of the suite of stories, by the end of its id. */
function scenario(profile: string, end: string): Program {
  const contract = compileContract(data, parameterSetting(data, profile));
  for (const need of scenarioSuite.needs())
    for (const program of programsOf(scenarioSuite, contract, modelEnvironment(need)))
      if (program.id.endsWith(`/${end}`)) return program;
  throw new Error(`no scenario ${end}`);
}

/** The block of an explanation that a line starts, up to an empty line. */
const block = (text: string, start: string) => text.split('\n\n').find((part) => part.startsWith(start));

describe('a rule', () => {
  test('shows the profiles that have it, and the finding that it states', async () => {
    const text = await explanation('bind_failure_ends_domain', {});
    expect(text).toMatch(/^ {2}present in: v1$/m);
    expect(text).toMatch(/^ {2}finding: {4}L1: A failure ends the loop/m);
    expect(text).toMatch(/^> +stop group, by bind_failure_ends_domain/m);
  });

  test('of no profile shows the parameters that bring it, and with them where it is', async () => {
    const rule = 'driver_bind_of_unallocated_oopses';
    expect(await explanation(rule, {})).toContain(
      'present in: no profile as it is; in v1 with driver=v5.8 or v5.8-aux',
    );
    expect(await explanation(rule, { set: ['driver=v5.8'] })).toMatch(
      new RegExp(`^VFIO_IOMMU_BIND .*\\(v1 with driver=v5.8\\):\\n(.*\n)*> +refuse ${rule} `, 'm'),
    );
  });
});

describe('a retired name', () => {
  test.each([
    ['bind_binds', 'rule bind_binds is retired; use bind_flag_bind.', 'bind_flag_bind'],
    ['unit', 'parameter unit is retired; use singleton_scope.', 'singleton_scope'],
    ['size_lookup=january', 'value size_lookup=january is retired; use size_table=2020-01-28.', 'size_table'],
    // Retired twice.
    ['inject_lets_something_fail', 'rule inject_lets_something_fail is retired; use ', 'inject_applies_to_next_op'],
  ])('%s says what takes its place, and goes on with that', async (name, sentence, successor) => {
    const text = await explanation(name, {});
    expect(text.startsWith(sentence)).toBe(true);
    expect(text.endsWith(`\n\n${await explanation(successor, {})}`)).toBe(true);
  });
});

describe('an ioctl', () => {
  test.each(['VFIO_IOMMU_MAP_DMA', 'IOMMU_MAP_DMA', 'MAP_DMA', 'map_dma', 'Map_DMA'])(
    'is known as %s',
    async (name) => {
      expect(await explanation(name, {})).toMatch(
        /^VFIO_IOMMU_MAP_DMA \(0x3b71 on a container\), in this order \(type1-6\.12\):/,
      );
    },
  );

  test('of the series is explained by the recommended contract, together with what has the same name', async () => {
    const text = await explanation('bind', {});
    expect(text).toMatch(/^VFIO_IOMMU_BIND .*\(v1-singleton\):/);
    expect(text).toMatch(/^parameter bind: /m);
  });

  test('of a driver is explained where there is one', async () => {
    expect(await explanation('driver_unbind', {})).toMatch(/^table unbind, in this order \(v1\):\n {2}refuse/);
  });

  test('follows --profile and --set', async () => {
    expect(await explanation('BIND', { profile: 'v1' })).toContain('driver_bind_device_is_not_pci -> 524');
    expect(await explanation('BIND', { set: ['bind=absent'], profile: 'v1' })).toContain('bind_is_absent -> ENOTTY');
  });
});

describe('an errno', () => {
  test.each([
    ['22', 'EINVAL (22)'],
    ['-22', 'EINVAL (22)'],
    ['EINVAL', 'EINVAL (22)'],
    ['ENOTSUP', 'EOPNOTSUPP (95)'],
    ['524', '524'],
  ])('%s is %s', async (name, shown) => {
    expect((await explanation(name, {})).startsWith(`These rules give ${shown} (`)).toBe(true);
  });

  test('shows its rules by handler, in the order of steps', async () => {
    const rules = block(await explanation('EINVAL', {}), 'VFIO_IOMMU_MAP_DMA\n') ?? '';
    const order = block(await explanation('MAP_DMA', {}), 'VFIO_IOMMU_MAP_DMA ')!;
    const ids = [...rules.matchAll(/^ {2}\w+ (\w+)/gm)].map(([, id]) => id!);
    expect(ids.length).toBeGreaterThan(1);
    expect(ids.map((id) => order.indexOf(id))).toEqual(ids.map((id) => order.indexOf(id)).sort((a, b) => a - b));
  });

  test('is looked for in one profile, and counted in the others', async () => {
    const text = await explanation('524', { profile: 'v1-singleton' });
    expect(text).toMatch(/^No rule of v1-singleton gives 524\.\n/);
    expect(text).toMatch(/other profiles: v1 \(1\)\.$/);
  });

  test.each([
    ['EXDEV', 'No rule gives EXDEV (18).'],
    ['18', 'No rule gives EXDEV (18).'],
    ['4000', 'No rule gives 4000.'],
  ])('%s that no rule gives is said to be so', async (name, text) => {
    expect(await explanation(name, {})).toBe(text);
  });

  test.each(['0', '4096', '-5000'])('%s is none', async (name) => {
    await expect(explanation(name, {})).rejects.toThrow(/no errno; they are from 1 to 4095/);
  });
});

test('a parameter tells what its values mean, and which rules come and go', async () => {
  const text = await explanation('second_member_at_attach', {});
  expect(text).toMatch(/^ {2}while_bound: .*\n {4}profiles: v1-fixed, v1-singleton$/m);
  expect(text).toMatch(/^ {2}always: .*\n {4}brings: .*set_container_second_group_of_nesting/m);
  expect(text).toMatch(/^ {2}finding A4: /m);
});

describe('a profile', () => {
  test('tells every parameter, and what no kernel implements', async () => {
    const text = await explanation('v1', {});
    for (const name of data.parameters.keys()) expect(text).toContain(`    ${name}=`);
    expect(text).toContain('No released kernel implements');
    expect(await explanation('type1-6.1', {})).not.toContain('No released kernel');
  });

  test('is compared with the one of --profile', async () => {
    const text = await explanation('v1-fixed', { profile: 'v1-singleton' });
    expect(text).toMatch(/^ {2}singleton_scope: none, not device$/m);
    expect(text).toMatch(
      /rules of v1-fixed only:\n[\s\S]*bind_is_all_or_nothing[\s\S]*rules of v1-singleton only:\n[\s\S]*nesting_ioctl_with_second_device/,
    );
  });
});

test('an invariant tells when it applies, and which profiles are asked for it', async () => {
  const text = await explanation('I4', {});
  expect(text).toMatch(/^I4: Each binding is on exactly one device\.\n {2}applies: {2}There is a binding\./);
  expect(text).toMatch(/^ {2}asked of: v1-singleton \(singleton_scope=device\)$/m);
});

describe('a finding', () => {
  test.each(['L1', 'V5', 'C3', 'A5'])('%s shows everything that states it', async (finding) => {
    const text = await explanation(finding, {});
    const states = ({ findings = [] }: { findings?: string[] }) => findings.includes(finding);
    for (const rule of data.rules.values()) {
      expect(block(text, `${rule.id} (`) !== undefined, rule.id).toBe(states(rule));
    }
    for (const parameter of data.parameters.values())
      expect(block(text, `parameter ${parameter.id}: `) !== undefined, parameter.id).toBe(states(parameter));
  });

  test('shows which profiles have a rule, and which programs show it', async () => {
    const text = await explanation('L1', {});
    expect(text).toContain('present in: v1; not in v1-fixed, v1-singleton');
    expect(text).toContain('scenarios/findings/l1_newer_domain_fails: ');
    expect(text).not.toContain('/l2_');
  });

  test('follows --profile and --set', async () => {
    const text = await explanation('C3', { profile: 'v1', set: ['driver=v5.8'] });
    expect(block(text, 'driver_invalidate_of_no_pasid_uses_pasid_0')).toMatch(/present in: v1 with driver=v5\.8$/);
    expect(block(text, 'driver_invalidate_combination_unsupported_v10')).toMatch(
      /present in: v1; not in v1 with driver=v5\.8$/,
    );
  });
});

describe('a program', () => {
  const program = scenario('v1', 'l1_newer_domain_fails');
  const child: Op = { op: 'fork', as: 'child' };

  test('is explained op by op: the result, the rule that decides, its sentence and source', async () => {
    const text = await explanation(toToken(program), { profile: 'v1' });
    expect(text.startsWith(`${program.id}, by v1: `)).toBe(true);
    expect(text.match(/^ {2}\d+ /gm)).toHaveLength(program.ops.length);
    expect(text).toMatch(
      / VFIO_IOMMU_BIND .*\n {6}result: {3}returns 0\n {6}decides: {2}bind_returns_zero: .* \[\d+\]\n {6}passes: .*\n(.*\n)* {6}passes: {3}bind_reports_oldest_domain: /,
    );
    expect(text).toMatch(/^ {2}\[1\] /m);
  });

  test('of the series is explained by the recommended contract, any other one by that of Linux', async () => {
    expect(await explanation(toToken(program), {})).toMatch(/, by v1-singleton: /);
    expect(await explanation(toToken(scenario('type1-6.12', 'dma_copies')), {})).toMatch(/, by type1-6\.12/);
  });

  test('is read from a file, too', async () => {
    const file = join(folder, 'program.json');
    writeFileSync(file, JSON.stringify(program));
    expect(await explanation(file, {})).toBe(await explanation(toToken(program), {}));
  });

  test('shows all results where the contract leaves open which', async () => {
    const ops: Op[] = [
      { op: 'inject', fault: 'allocation', nth: 1 },
      { op: 'open', what: 'container', as: 'c' },
    ];
    const text = await explanation(toToken({ id: 'open', topology: { slots: {} }, ops }), {});
    expect(text).toMatch(
      /result: {3}returns the descriptor c\n[\s\S]*or: {7}ENOMEM\n {6}decides: [\s\S]*leaves open which/,
    );
  });

  test('ends where the contract says nothing', async () => {
    const ops: Op[] = [
      { op: 'open', what: 'path', path: '/somewhere', as: 'p' },
      { op: 'close', fd: 'p' },
    ];
    const text = await explanation(toToken({ id: 'undefined', topology: { slots: {} }, ops }), {});
    expect(text).toMatch(/result: {3}anything\n {2}Of what follows \(one op\) nothing is said\.$/);
  });

  test.each([
    ['a damaged token', () => 'vc1.AAAA', /the token is damaged/],
    [
      'a token with a wrong name',
      () => toToken({ ...program, ops: [{ op: 'peek', memory: 'm', at: 0, length: 1 }] }),
      /the token: .*names the memory m/,
    ],
    ['a file that is not there', () => join(folder, 'none.json'), /none\.json: cannot be read/],
    [
      'what no program may do',
      () => toToken({ ...program, ops: [child, child] }),
      /op 1: there is a process child already; mend the program/,
    ],
  ])('%s is a Problem', async (_, what, message) => {
    await expect(explanation(what(), {})).rejects.toThrow(Problem);
    await expect(explanation(what(), {})).rejects.toThrow(message);
  });
});

describe('a setting', () => {
  test.each([
    [{ set: ['driver=v99'] }, /driver cannot be v99/],
    [{ set: ['drver=v10'] }, /parameter drver is unknown/],
    [{ profile: 'v9' }, /--profile v9: unknown/],
    [{ profile: 'v1-singleton', set: ['driver=v5.10'] }, /needs nesting_series=as_posted/],
  ])('that cannot be is a Problem: %o', async (options, message) => {
    await expect(explanation('BIND', options)).rejects.toThrow(Problem);
    await expect(explanation('BIND', options)).rejects.toThrow(message);
  });

  test('that is impossible in one profile is taken from another', async () => {
    expect(await explanation('BIND', { set: ['driver=v5.10'] })).toMatch(/\(v1 with driver=v5\.10\):/);
  });
});

describe('a name that nothing has', () => {
  test.each([
    ['bind_of_unalocated', 'bind_of_unallocated'],
    ['VFIO_IOMU_BIND', 'VFIO_IOMMU_BIND'],
    ['EINVL', 'EINVAL'],
    ['L11', 'L1'],
    ['v1-singelton', 'v1-singleton'],
    ['untouched_read_mpa', 'untouched_read_map'],
    ['type1-6-12', 'type1-6.12'],
  ])('%s is answered with %s first', async (name, first) => {
    await expect(explanation(name, {})).rejects.toThrow(new RegExp(`did you mean ${first.replaceAll('.', '\\.')}[,?]`));
  });

  test.each(['xyzzy', 'qwerty', 'foo', 'Q7', 'page', '???', 'the quick brown fox', ''])(
    '%j gets no guess',
    async (name) => {
      await expect(explanation(name, {})).rejects.toThrow(/nothing is called alike; name a rule, an ioctl, /);
    },
  );
});
