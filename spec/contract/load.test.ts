import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { compileContract } from '../../reference/interpreter/contract.ts';
import { uapi } from '../uapi/uapi.ts';
import { loadContract } from './load.ts';
import { parameterSetting } from './setting.ts';
import { everyStep } from './steps.ts';
import { contractCopy, problemOf } from './test-contract-copy.ts';
import type { ContractData, RuleOutcome } from './types.ts';

const data = loadContract();

function errnosOf(outcome: RuleOutcome | undefined): string[] {
  if (!outcome) return [];
  if (outcome.kind === 'one_of') return outcome.outcomes.flatMap(errnosOf);
  return outcome.kind === 'errno' ? [outcome.errno] : [];
}

describe('the contract of this package', () => {
  test.each([...data.rules.values()].map((rule) => [rule.id, rule] as const))('rule %s is complete', (_, rule) => {
    expect(rule.id).toMatch(/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/);
    expect(['MUST', 'SHOULD', 'MAY', 'DECISION']).toContain(rule.level);
    // One sentence: a capital or a digit first, one full stop at the end, none with a new beginning after it.
    expect(rule.sentence).toMatch(/^[A-Z0-9].*\.$/s);
    expect(rule.sentence).not.toMatch(/[.!?]\s+[A-Z]/);
    expect(rule.sentence).not.toMatch(/\n/);
    expect(rule.sources.length).toBeGreaterThan(0);
    for (const { source, at } of rule.sources) {
      expect([...data.sources.keys()]).toContain(source);
      expect(at).not.toBe('');
    }
    // A number is one that user space has no name for; a result is worked out.
    for (const errno of errnosOf(rule.outcome))
      if (!/^(\d+|result)$/.test(errno)) expect(Object.keys(uapi.errnos)).toContain(errno);
  });

  test('handlers have distinct ids, and each ioctl and op has one handler', () => {
    const ids = data.handlers.map(({ id }) => id);
    const subjects = data.handlers.map(({ ioctl, op, table }) => ioctl ?? (op ? `op ${op}` : `table ${table}`));
    expect(new Set(ids).size).toBe(ids.length);
    expect(new Set(subjects).size).toBe(subjects.length);
  });

  test('every handler of an ioctl names an ioctl of the uapi, or what is unknown or elsewhere', () => {
    for (const { ioctl } of data.handlers) {
      if (ioctl === undefined || /^(unknown|elsewhere) (container|group|device)$/.test(ioctl)) continue;
      expect(Object.keys(uapi.ioctls)).toContain(ioctl);
    }
  });

  test('every kind of descriptor says what unknown numbers answer, and taken ones where there are any', () => {
    const subjects = data.handlers.map(({ ioctl }) => ioctl);
    for (const kind of ['container', 'group', 'device']) {
      const taken = Object.values(uapi.ioctls).some(({ fd, argument }) => fd === kind && argument === 'elsewhere');
      expect(subjects).toContain(`unknown ${kind}`);
      expect(subjects.includes(`elsewhere ${kind}`), kind).toBe(taken);
    }
  });

  test('every ioctl of the uapi that is not elsewhere has a handler', () => {
    const handled = new Set(data.handlers.map(({ ioctl }) => ioctl));
    const missing = Object.entries(uapi.ioctls).filter(
      ([id, { argument }]) => argument !== 'elsewhere' && !handled.has(id),
    );
    expect(missing).toEqual([]);
  });

  test('every parameter selects steps, and at most one of its values selects none', () => {
    const steps = data.handlers.flatMap((handler) => [...everyStep(handler.steps)]);
    for (const { id, values } of data.parameters.values()) {
      if (Object.keys(values).length === 1) continue;
      const selecting = new Set(steps.flatMap(({ when }) => [when?.[id] ?? []].flat()));
      expect(selecting.size, id).toBeGreaterThan(0);
      expect(Object.keys(values).filter((value) => !selecting.has(value)).length, id).toBeLessThanOrEqual(1);
    }
  });

  test.each([...data.profiles.keys()])('profile %s sets every parameter to one of its values', (profile) => {
    const setting = parameterSetting(data, profile);
    expect(Object.keys(setting).sort()).toEqual([...data.parameters.keys()].sort());
    for (const [name, value] of Object.entries(setting)) {
      expect(Object.keys(data.parameters.get(name)!.values)).toContain(value);
    }
  });

  test('a profile takes single parameters from the caller', () => {
    expect(parameterSetting(data, 'type1-6.12', { write_only_mapping: 'unreadable' })).toEqual({
      ...parameterSetting(data, 'type1-6.12'),
      write_only_mapping: 'unreadable',
    });
  });

  test.each([
    ['an unknown profile', 'type1-2.4', {}, /^--profile type1-2\.4: unknown; known are type1-6\.1, .*v1-singleton\.$/],
    [
      'an unknown parameter',
      'type1-6.12',
      { colour: 'red' },
      /^--set colour=red: parameter colour is unknown; known are .*\bbind\b.*\.$/,
    ],
    [
      'an unknown value',
      'type1-6.12',
      { bind: 'maybe' },
      /^--set bind=maybe: bind cannot be maybe; it can be .*\babsent\b.*\.$/,
    ],
    [
      'a value that every JavaScript object has',
      'type1-6.12',
      { bind: 'constructor' },
      /^--set bind=constructor: bind cannot be constructor; it can be /,
    ],
  ] as const)('%s is a Problem that lists the known ones', (_, profile, replaced, message) => {
    expect(problemOf(() => parameterSetting(data, profile, replaced))).toMatch(message);
  });
});

describe('a copy of the contract', () => {
  const yaml = contractCopy();

  test('loads as the original does', () => {
    expect(loadContract(yaml.folder)).toEqual(data);
  });

  test('has the hash of the original as long as it says the same', () => {
    const path = join(yaml.folder, 'rules/map-dma.yaml');
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, `# A comment.\n\n${text}`);
    expect(loadContract(yaml.folder).hash).toBe(data.hash);
    writeFileSync(path, text.replace('{ errno: EEXIST }', '{ errno: EBUSY }'));
    const { hash } = loadContract(yaml.folder);
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(hash).not.toBe(data.hash);
  });

  test('brings in its own words and answers', () => {
    const path = join(yaml.folder, 'rules/map-dma.yaml');
    writeFileSync(path, readFileSync(path, 'utf8').replace('{ errno: EEXIST }', '{ errno: EBUSY }'));
    expect(loadContract(yaml.folder).rules.get('map_dma_overlaps')!.outcome).toEqual({ kind: 'errno', errno: 'EBUSY' });
  });

  test('with a rule that stands in no handler says where the rule is', () => {
    const path = join(yaml.folder, 'handlers/type1.yaml');
    writeFileSync(path, readFileSync(path, 'utf8').replace('    - refuse: map_dma_overlaps\n', ''));
    expect(problemOf(() => loadContract(yaml.folder))).toBe(
      `${yaml.placeOf('rules/map-dma.yaml', 'map_dma_overlaps\n')}: rule map_dma_overlaps stands in no handler; use it in handlers/ or delete it.`,
    );
  });

  test.each(['sources.yaml', 'parameters.yaml', 'profiles.yaml'])('without %s says which file is missing', (file) => {
    rmSync(join(yaml.folder, file));
    expect(problemOf(() => loadContract(yaml.folder))).toBe(
      `${relative(process.cwd(), join(yaml.folder, file))}: cannot be read; a folder given with --spec needs the same files as spec/contract/.`,
    );
  });

  test.each(['rules', 'handlers'])('without the folder %s says which folder is missing', (name) => {
    rmSync(join(yaml.folder, name), { recursive: true });
    expect(problemOf(() => loadContract(yaml.folder))).toBe(
      `${yaml.folder}: has no folder ${name}/; --spec takes a copy of spec/contract/ (or of spec/).`,
    );
  });

  test('that is not there says so', () => {
    expect(problemOf(() => loadContract(join(yaml.folder, 'nowhere')))).toMatch(
      /nowhere: has no folder rules\/; --spec takes /,
    );
  });

  test.each([
    ['a refusal', '- refuse: map_dma_returns_zero', 'map_dma_returns_zero', 'a condition'],
    ['an effect', '- effect: map_dma_overlaps', 'map_dma_overlaps', 'an effect'],
    ['a case without a condition', '- case: map_dma_creates_mapping', 'map_dma_creates_mapping', 'a condition'],
    ['a case without an effect', '- case: map_dma_overlaps', 'map_dma_overlaps', 'an effect'],
    [
      'a condition to read',
      '- { read: map_dma_reads_argument, from: 0, length: 4, if: map_dma_reads_argument }',
      'map_dma_reads_argument',
      'a condition',
    ],
    ['a write', '- { write: map_dma_overlaps, from: 0, length: 24 }', 'map_dma_overlaps', 'contents to write'],
  ])('with %s for which the reference has no function is a Problem when it is compiled', (_, step, rule, needs) => {
    const path = join(yaml.folder, 'handlers/type1.yaml');
    const text = readFileSync(path, 'utf8');
    writeFileSync(
      path,
      text.replace('    - refuse: map_dma_overlaps\n', `    - refuse: map_dma_overlaps\n    ${step}\n`),
    );
    const copy = loadContract(yaml.folder);
    expect(problemOf(() => compileContract(copy, parameterSetting(copy, 'type1-6.12')))).toBe(
      `handlers/: rule ${rule} stands in a step that needs ${needs}, and has none; use it in another kind of step or write one in reference/rules/.`,
    );
  });

  test('with a new rule of a name that every JavaScript object has is a Problem when it is compiled', () => {
    const rule =
      "- id: constructor\n  level: DECISION\n  sentence: A rule of a special name.\n  outcome: { errno: EIO }\n  sources: [{ source: project, at: '0001' }]\n";
    writeFileSync(join(yaml.folder, 'rules/more.yaml'), rule);
    const path = join(yaml.folder, 'handlers/type1.yaml');
    writeFileSync(
      path,
      readFileSync(path, 'utf8').replace(
        '    - refuse: map_dma_overlaps\n',
        '    - refuse: map_dma_overlaps\n    - refuse: constructor\n',
      ),
    );
    const copy: ContractData = loadContract(yaml.folder);
    expect(problemOf(() => compileContract(copy, parameterSetting(copy, 'type1-6.12')))).toMatch(
      /rule constructor stands in a step that needs a condition/,
    );
  });
});
