import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadContract } from '../../spec/contract/load.ts';
import { packageRoot } from '../../spec/uapi/package-root.ts';
import { validator } from '../../spec/uapi/validator.ts';
import { toSpecDocument } from './spec-document.ts';

const data = loadContract();
const document = toSpecDocument(data);
const folder = join(packageRoot, 'spec/uapi/schema');
const accepts = validator('spec-document.schema.json');

describe('the document', () => {
  test('fits its schema, before and after it was JSON', () => {
    accepts(document);
    expect(accepts.errors).toBeNull();
    expect(accepts(JSON.parse(JSON.stringify(document)))).toBe(true);
    expect(JSON.parse(JSON.stringify(document))).toEqual(document);
  });

  test.each<[title: string, one: (copy: typeof document) => object]>([
    ['the whole', (copy) => copy],
    ['the uapi', (copy) => copy.uapi],
    ['an ioctl', (copy) => copy.uapi.ioctls.VFIO_IOMMU_BIND!],
    ['a struct', (copy) => copy.uapi.structs.vfio_iommu_type1_bind!],
    ['a field', (copy) => copy.uapi.structs.vfio_iommu_type1_bind!.fields[0]!],
    ['a source', (copy) => copy.sources[0]!],
    ['a rule', (copy) => copy.rules[0]!],
    ['an outcome', (copy) => copy.rules.find(({ outcome }) => outcome)!.outcome!],
    ['a handler', (copy) => copy.handlers[0]!],
    ['a step', (copy) => copy.handlers[0]!.steps[0]!],
    ['a parameter', (copy) => copy.parameters[0]!],
    ['a profile', (copy) => copy.profiles[0]!],
    ['a handler of a profile', (copy) => copy.profiles[0]!.handlers[0]!],
    ['a step of a profile', (copy) => copy.profiles[0]!.handlers[0]!.steps[0]!],
    ['a finding', (copy) => copy.findings[0]!],
    ['an invariant', (copy) => copy.invariants[0]!],
  ])('would not fit with an unknown key of %s', (_, part) => {
    const copy = structuredClone(document);
    Object.assign(part(copy), { colour: 'red' });
    expect(accepts(copy)).toBe(false);
  });

  test('has all of the contract', () => {
    expect(document.rules.map(({ id }) => id)).toEqual([...data.rules.keys()]);
    expect(document.handlers).toEqual(data.handlers);
    expect(document.profiles.map(({ id }) => id)).toEqual([...data.profiles.keys()]);
    for (const name of ['sources', 'parameters', 'findings', 'invariants'] as const)
      expect(document[name].map(({ id }) => id)).toEqual([...data[name].keys()]);
  });
});

describe('the handlers of a profile', () => {
  const stepsOf = (profile: string, handler: string) =>
    document.profiles.find(({ id }) => id === profile)!.handlers.find((one) => one.handler === handler)!.steps;
  const answers = (profile: string, handler: string) =>
    stepsOf(profile, handler).map(({ rule, errnos }) => [rule, ...errnos].join(' '));

  test('have the steps of its setting only', () => {
    expect(answers('v1', 'bind')).toContain('bind_size_is_negative ENOMEM');
    expect(answers('v1', 'bind')).not.toContain('bind_version_unknown EINVAL');
    expect(answers('v1-singleton', 'bind')).toContain('bind_version_unknown EINVAL');
    expect(answers('v1-singleton', 'bind').join()).not.toContain('ENOMEM');
    expect(answers('type1-6.12', 'bind')).toEqual(['container_ioctl_needs_backend EINVAL', 'bind_is_absent ENOTTY']);
  });

  test('say what is read and written, and what a fault undoes', () => {
    expect(stepsOf('v1-singleton', 'pasid_request')).toContainEqual({
      depth: 0,
      kind: 'read',
      rule: 'pasid_request_reads_rest',
      outcome: 'EFAULT',
      errnos: ['EFAULT'],
      from: 8,
      length: 12,
    });
    expect(stepsOf('v1-singleton', 'pasid_request')).toContainEqual({
      depth: 1,
      kind: 'write',
      rule: 'pasid_alloc_cannot_write_result',
      outcome: 'EFAULT',
      errnos: ['EFAULT'],
      onFault: 'pasid_alloc_frees_unreported_pasid',
      from: 16,
      length: 4,
    });
    expect(stepsOf('type1-6.12', 'get_info')).toContainEqual(
      expect.objectContaining({ rule: 'get_info_writes_up_to_24', from: 0, length: 16, upTo: 24 }),
    );
  });

  test('have a table where it is used, and the words over its devices', () => {
    const steps = stepsOf('v1-fixed', 'bind');
    const loop = steps.findIndex(({ each }) => each === 'devices');
    expect(steps[loop]).toMatchObject({
      kind: 'each',
      words: [{ word: 'stop container', rule: 'bind_is_all_or_nothing' }, {}, {}],
    });
    expect(steps[loop + 1]!.depth).toBe(steps[loop]!.depth + 1);
    expect(steps.slice(loop + 1).map(({ rule }) => rule)).toContain('nested_setup_address_width_unsupported');
  });

  test('have every rule of some profile under the contract, and none that it does not have', () => {
    const named = document.profiles.flatMap(({ handlers }) =>
      handlers.flatMap(({ steps }) => steps.flatMap(({ rule }) => rule ?? [])),
    );
    expect(named.filter((rule) => !data.rules.has(rule))).toEqual([]);
    expect(new Set(named).size).toBeGreaterThan(data.rules.size / 2);
  });
});

test('its schema leaves no object open', () => {
  const schema = JSON.parse(readFileSync(join(folder, 'spec-document.schema.json'), 'utf8'));
  const open: string[] = [];
  const visit = (one: unknown, path: string) => {
    if (one === null || typeof one !== 'object') return;
    const { type, additionalProperties } = one as { type?: unknown; additionalProperties?: unknown };
    if (type === 'object' && additionalProperties === undefined) open.push(path);
    for (const [key, inner] of Object.entries(one)) visit(inner, `${path}/${key}`);
  };
  visit(schema, '');
  expect(open).toEqual([]);
});
