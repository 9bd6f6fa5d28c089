import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { compileContract } from '../../reference/interpreter/contract.ts';
import { Problem } from '../uapi/problem.ts';
import { uapi } from '../uapi/uapi.ts';
import { contractFolder, loadContract } from './load.ts';
import { parameterSetting } from './setting.ts';
import { everyStep } from './steps.ts';
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
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'contract-'));
    cpSync(contractFolder, folder, { recursive: true, filter: (file) => !file.endsWith('.ts') });
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Replaces the first occurrence of a text in a file. In `to`, `@` is the place that the message must name. */
  function edit(file: string, from: string | RegExp, to: string): string {
    const path = join(folder, file);
    const marked = readFileSync(path, 'utf8').replace(from, () => to);
    const at = marked.indexOf('@');
    expect(at, `${file} has no ${from}`).toBeGreaterThanOrEqual(0);
    writeFileSync(path, marked.slice(0, at) + marked.slice(at + 1));
    const before = marked.slice(0, at).split('\n');
    return `${relative(process.cwd(), path)}:${before.length}:${before.at(-1)!.length + 1}`;
  }

  /** Where a text stands in a file, as messages name places. */
  function placeOf(file: string, text: string): string {
    const path = join(folder, file);
    const before = readFileSync(path, 'utf8').split(text, 1)[0]!.split('\n');
    return `${relative(process.cwd(), path)}:${before.length}:${before.at(-1)!.length + 1}`;
  }

  test('loads as the original does', () => {
    expect(loadContract(folder)).toEqual(data);
  });

  test('has the hash of the original as long as it says the same', () => {
    const path = join(folder, 'rules/map-dma.yaml');
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, `# A comment.\n\n${text}`);
    expect(loadContract(folder).hash).toBe(data.hash);
    writeFileSync(path, text.replace('{ errno: EEXIST }', '{ errno: EBUSY }'));
    const { hash } = loadContract(folder);
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(hash).not.toBe(data.hash);
  });

  test('brings in its own words and answers', () => {
    const path = join(folder, 'rules/map-dma.yaml');
    writeFileSync(path, readFileSync(path, 'utf8').replace('{ errno: EEXIST }', '{ errno: EBUSY }'));
    expect(loadContract(folder).rules.get('map_dma_overlaps')!.outcome).toEqual({ kind: 'errno', errno: 'EBUSY' });
  });

  test.each<[title: string, file: string, from: string | RegExp, to: string, message: RegExp]>([
    [
      'a flow map that is not closed',
      'rules/map-dma.yaml',
      /\{ errno: EFAULT \}\n {2}sources/,
      '{ errno: EFAULT\n  @sources',
      /^not YAML: .*; mend the syntax\.$/,
    ],
    [
      'a wrong indentation',
      'rules/map-dma.yaml',
      /id: map_dma_size_zero\n {2}level/,
      'id: @map_dma_size_zero\n   level',
      /^not YAML: .*; mend the syntax\.$/,
    ],
    [
      'a key that is there twice',
      'rules/map-dma.yaml',
      '  level: MUST',
      '  level: MUST\n  @level: MUST',
      /^not YAML: Map keys must be unique; mend the syntax\.$/,
    ],
    [
      'an unknown key of a rule',
      'rules/map-dma.yaml',
      '  level: MUST',
      '  level: MUST\n  levle: @MUST',
      /^\/0\/levle must NOT have additional properties; mend it to fit spec\/contract\/schema\/rules\.schema\.json\.$/,
    ],
    [
      'an unknown key of a step',
      'handlers/type1.yaml',
      'refuse: map_dma_overlaps',
      'refuse: map_dma_overlaps\n      unless: @map_dma_no_flag',
      /^\/0\/steps\/\d+\/unless must NOT have additional properties; mend it to fit .*handlers\.schema\.json\.$/,
    ],
    [
      'a rule without a sentence',
      'rules/map-dma.yaml',
      /id: map_dma_size_zero\n(.*\n) {2}sentence: .*\n/,
      '@id: map_dma_size_zero\n  level: MUST\n',
      /^\/5 must have required property 'sentence'; mend it to fit .*rules\.schema\.json\.$/,
    ],
    [
      'a sentence without a full stop',
      'rules/map-dma.yaml',
      'sentence: A size of 0 answers EINVAL.',
      'sentence: @A size of 0 answers EINVAL',
      /^\/5\/sentence must match pattern "\\\.\$"; mend it to fit .*rules\.schema\.json\.$/,
    ],
    [
      'a number for a sentence',
      'rules/map-dma.yaml',
      'sentence: A size of 0 answers EINVAL.',
      'sentence: @3',
      /^\/5\/sentence must be string; mend it to fit .*rules\.schema\.json\.$/,
    ],
    [
      'an unknown level',
      'rules/map-dma.yaml',
      'level: MUST',
      'level: @OUGHT',
      /^\/0\/level must be equal to one of the allowed values: MUST, SHOULD, MAY, DECISION; mend it to fit .*rules\.schema\.json\.$/,
    ],
    [
      'an id in capitals',
      'rules/map-dma.yaml',
      'id: map_dma_size_zero',
      'id: @Map_Dma_Size_Zero',
      /^\/5\/id must match pattern .*; mend it to fit .*rules\.schema\.json\.$/,
    ],
    [
      'an outcome that says two things',
      'rules/map-dma.yaml',
      '{ errno: EFAULT }',
      '@{ errno: EFAULT, value: 0 }',
      /^\/0\/outcome must NOT have more than 1 propert(y|ies); mend it to fit .*rules\.schema\.json\.$/,
    ],
    [
      'an id that is there twice',
      'rules/map-dma.yaml',
      'id: map_dma_size_zero',
      'id: @map_dma_no_flag',
      /^rule map_dma_no_flag is there twice; rename or delete one\.$/,
    ],
    [
      'an id that another file has',
      'rules/unmap-dma.yaml',
      'id: unmap_dma_size_zero',
      'id: @map_dma_size_zero',
      /^rule map_dma_size_zero is there twice; rename or delete one\.$/,
    ],
    [
      'a source that is there twice',
      'sources.yaml',
      'id: type1-6.1\n',
      'id: @type1-6.12\n',
      /^type1-6\.12 is there twice; rename or delete one\.$/,
    ],
    [
      'a profile that is there twice',
      'profiles.yaml',
      'id: type1-6.12',
      'id: @type1-6.1',
      /^type1-6\.1 is there twice; rename or delete one\.$/,
    ],
    [
      'a source that nobody knows',
      'rules/map-dma.yaml',
      '{ source: gup-6.12, at: check_vma_flags }',
      '@{ source: gup-7.1, at: check_vma_flags }',
      /^source gup-7\.1 is not in sources\.yaml; add it there\.$/,
    ],
    [
      'a reviewer that nobody knows',
      'findings.yaml',
      'said: [review-bind]',
      'said: @[review-unbind]',
      /^source review-unbind is not in sources\.yaml; add it there\.$/,
    ],
    [
      'a decision that nobody wrote down',
      'rules/device.yaml',
      "{ source: project, at: '0001' }",
      "@{ source: project, at: '9999' }",
      /^9999 is neither the number of a document in docs\/decisions\/ nor a file of this package; mend it, or write the document\.$/,
    ],
    [
      'a file of this package that is not there',
      'rules/drivers.yaml',
      '{ source: project, at: spec/uapi/schema/program.schema.json }',
      '@{ source: project, at: spec/uapi/schema/programs.json }',
      /^spec\/uapi\/schema\/programs\.json is neither the number of a document in docs\/decisions\/ nor a file /,
    ],
    [
      'a heading that a page does not have',
      'invariants.yaml',
      '{ source: guest-page-tables, at: the hardware }',
      '@{ source: guest-page-tables, at: the software }',
      /^docs\/guest-page-tables\.md has no heading that starts with the software; it has .*"The machine", "The hardware"/,
    ],
    [
      'a demand of which this project is the only source',
      'rules/nesting.yaml',
      /id: request_driver_cannot_nest\n {2}level: DECISION/,
      'id: request_driver_cannot_nest\n  level: @MUST',
      /^rule request_driver_cannot_nest has no source but this project; make its level DECISION, or cite who else says so\.$/,
    ],
    [
      'a field that the argument does not have',
      'rules/map-dma.yaml',
      'about: [iova, size]',
      'about: @[iova, length]',
      /^length is no field of the argument of VFIO_IOMMU_MAP_DMA; it has argsz, flags, vaddr, iova, size\.$/,
    ],
    [
      'an errno that nobody knows',
      'rules/map-dma.yaml',
      '{ errno: ENOSPC }',
      '@{ errno: ENOSPACE }',
      /^ENOSPACE is not among the errnos of spec\/uapi\/uapi\.yaml; add it there or mend the name\.$/,
    ],
    [
      'an unknown errno among several',
      'rules/map-dma.yaml',
      '{ errno: ENOSPC }',
      '@{ oneOf: [{ errno: ENOMEM }, { errno: ENOSPACE }] }',
      /^ENOSPACE is not among the errnos of /,
    ],
    [
      'a rule that no file has',
      'handlers/type1.yaml',
      'refuse: map_dma_overlaps',
      'refuse: @map_dma_overlapz',
      /^rule map_dma_overlapz is not in rules\/; add it there or mend the name\.$/,
    ],
    [
      'an unknown rule inside each',
      'handlers/type1.yaml',
      'case: map_dma_pins_page',
      'case: @map_dma_pins_pages',
      /^rule map_dma_pins_pages is not in rules\/; add it there or mend the name\.$/,
    ],
    [
      'an unknown rule as a condition to read',
      'handlers/type1.yaml',
      'if: unmap_dma_asks_for_dirty_bitmap',
      'if: @unmap_dma_asks',
      /^rule unmap_dma_asks is not in rules\/; add it there or mend the name\.$/,
    ],
    [
      'a refusal by a rule without outcome',
      'handlers/type1.yaml',
      'refuse: map_dma_overlaps',
      'refuse: @map_dma_creates_mapping',
      /^rule map_dma_creates_mapping has no outcome, which refuse needs; add it in rules\/\.$/,
    ],
    [
      'a result by a rule without outcome',
      'handlers/type1.yaml',
      'return: map_dma_returns_zero',
      'return: @map_dma_creates_mapping',
      /^rule map_dma_creates_mapping has no outcome, which return needs; add it in rules\/\.$/,
    ],
    [
      'a parameter that nobody knows',
      'handlers/type1.yaml',
      '{ untouched_read_map: zero_page }',
      '{ untouched_map: @zero_page }',
      /^parameter untouched_map is unknown; known are .*\buntouched_read_map\b.*\.$/,
    ],
    [
      'a value that the parameter does not have',
      'handlers/type1.yaml',
      '{ untouched_read_map: zero_page }',
      '{ untouched_read_map: @zeros }',
      /^untouched_read_map cannot be zeros; it can be zero_page, private_page\.$/,
    ],
    [
      'one wrong value among several',
      'handlers/type1.yaml',
      '{ untouched_read_map: zero_page }',
      '{ untouched_read_map: @[zero_page, zeros] }',
      /^untouched_read_map cannot be zeros; it can be zero_page, private_page\.$/,
    ],
    [
      'a profile without one parameter',
      'profiles.yaml',
      /parameters:\n {4}foreign_container_fd: einval\n {4}/,
      'parameters:\n    @',
      /^profile type1-6\.1 does not set foreign_container_fd; add it\.$/,
    ],
    [
      'a profile with an unknown value',
      'profiles.yaml',
      'write_only_mapping: readable',
      'write_only_mapping: @legible',
      /^write_only_mapping cannot be legible; it can be readable, unreadable\.$/,
    ],
    [
      'a profile with an unknown parameter',
      'profiles.yaml',
      '    bind: absent',
      '    bind: absent\n    colour: @red',
      /^parameter colour is unknown; known are .*\bbind\b.*\.$/,
    ],
    [
      'a step of two kinds',
      'handlers/type1.yaml',
      'refuse: map_dma_overlaps',
      '@refuse: map_dma_overlaps\n      effect: map_dma_creates_mapping',
      /^\/0\/steps\/\d+ must match exactly one schema in oneOf; mend it to fit .*handlers\.schema\.json\.$/,
    ],
    [
      'a step of no kind',
      'handlers/type1.yaml',
      'refuse: map_dma_overlaps',
      '@from: 0',
      /^\/0\/steps\/\d+ must match exactly one schema in oneOf; mend it to fit .*handlers\.schema\.json\.$/,
    ],
    [
      'a read without a length',
      'handlers/type1.yaml',
      'read: map_dma_reads_argument\n      from: 0\n      length: 32',
      '@read: map_dma_reads_argument\n      from: 0',
      /^\/0\/steps\/1 must match exactly one schema in oneOf; mend it to fit .*handlers\.schema\.json\.$/,
    ],
    [
      'a file that is empty',
      'parameters.yaml',
      /[\s\S]*/,
      '@',
      /^\/ must be array; mend it to fit .*parameters\.schema\.json\.$/,
    ],
    [
      'a file that holds no list',
      'parameters.yaml',
      /[\s\S]*/,
      '@bind: absent\n',
      /^\/ must be array; mend it to fit .*parameters\.schema\.json\.$/,
    ],
  ])('with %s gives one sentence with its place', (_, file, from, to, message) => {
    const place = edit(file, from, to);
    const said = problemOf(() => loadContract(folder));
    expect(said.split('\n')).toHaveLength(1);
    expect(said.slice(0, place.length + 2)).toBe(`${place}: `);
    expect(said.slice(place.length + 2)).toMatch(message);
  });

  test('with a rule that stands in no handler says where the rule is', () => {
    const path = join(folder, 'handlers/type1.yaml');
    writeFileSync(path, readFileSync(path, 'utf8').replace('    - refuse: map_dma_overlaps\n', ''));
    expect(problemOf(() => loadContract(folder))).toBe(
      `${placeOf('rules/map-dma.yaml', 'map_dma_overlaps\n')}: rule map_dma_overlaps stands in no handler; use it in handlers/ or delete it.`,
    );
  });

  test.each(['sources.yaml', 'parameters.yaml', 'profiles.yaml'])('without %s says which file is missing', (file) => {
    rmSync(join(folder, file));
    expect(problemOf(() => loadContract(folder))).toBe(
      `${relative(process.cwd(), join(folder, file))}: cannot be read; a folder given with --spec needs the same files as spec/contract/.`,
    );
  });

  test.each(['rules', 'handlers'])('without the folder %s says which folder is missing', (name) => {
    rmSync(join(folder, name), { recursive: true });
    expect(problemOf(() => loadContract(folder))).toBe(
      `${folder}: has no folder ${name}/; --spec takes a copy of spec/contract/ (or of spec/).`,
    );
  });

  test('that is not there says so', () => {
    expect(problemOf(() => loadContract(join(folder, 'nowhere')))).toMatch(
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
    const path = join(folder, 'handlers/type1.yaml');
    const text = readFileSync(path, 'utf8');
    writeFileSync(
      path,
      text.replace('    - refuse: map_dma_overlaps\n', `    - refuse: map_dma_overlaps\n    ${step}\n`),
    );
    const copy = loadContract(folder);
    expect(problemOf(() => compileContract(copy, parameterSetting(copy, 'type1-6.12')))).toBe(
      `handlers/: rule ${rule} stands in a step that needs ${needs}, and has none; use it in another kind of step or write one in reference/rules/.`,
    );
  });

  test('with a new rule of a name that every JavaScript object has is a Problem when it is compiled', () => {
    const rule =
      "- id: constructor\n  level: DECISION\n  sentence: A rule of a special name.\n  outcome: { errno: EIO }\n  sources: [{ source: project, at: '0001' }]\n";
    writeFileSync(join(folder, 'rules/more.yaml'), rule);
    const path = join(folder, 'handlers/type1.yaml');
    writeFileSync(
      path,
      readFileSync(path, 'utf8').replace(
        '    - refuse: map_dma_overlaps\n',
        '    - refuse: map_dma_overlaps\n    - refuse: constructor\n',
      ),
    );
    const copy: ContractData = loadContract(folder);
    expect(problemOf(() => compileContract(copy, parameterSetting(copy, 'type1-6.12')))).toMatch(
      /rule constructor stands in a step that needs a condition/,
    );
  });
});

/** What the Problem says that a function throws; any other error fails the test. */
function problemOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof Problem) return error.message;
    throw error;
  }
  throw new Error('no Problem was thrown');
}
