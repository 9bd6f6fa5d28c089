import { expect, test } from 'vitest';
import { otherAssignments } from '../../conformance/assess/settings.ts';
import { compileContract } from '../../reference/interpreter/contract.ts';
import { loadContract } from '../../spec/contract/load.ts';
import { parameterSetting } from '../../spec/contract/setting.ts';
import { replayOptions } from './replay-options.ts';
import { settingAt } from './setting.ts';

const data = loadContract();
const at = (profile: string, set: string[] = []) => settingAt(data, profile, { set });

/** What --set gives of the options that were told. */
const set = (options: string) => [...options.matchAll(/--set (\S+)/g)].map(([, one]) => one!);

test.each([...data.profiles.keys()])(
  'what is told of %s with a parameter set otherwise makes that setting',
  (profile) => {
    const others = otherAssignments(at(profile).contract);
    expect(others.length).toBeGreaterThan(10);
    for (const [id, value] of others) {
      const parameters = parameterSetting(data, profile, { [id]: value });
      const told = replayOptions({ target: 'sim', profile, contract: compileContract(data, parameters) });
      expect(at(profile, set(told)).contract.parameters, `${id}=${value}`).toEqual(parameters);
      expect(set(told).length, `${id}=${value}`).toBeLessThanOrEqual(1);
    }
  },
);

test('a value that brings others along is told with those of them that were set themselves, and without the others', () => {
  const given = ['base_kernel=6.12', 'foreign_container_fd=einval', 'driver=v5.8'];
  const told = replayOptions({ target: 'sim', ...at('v1', given) });
  expect(set(told).sort()).toEqual([...given].sort());
  expect(at('v1', set(told)).contract.parameters).toEqual(at('v1', given).contract.parameters);
});

const other = at('type1-6.12', ['untouched_read_map=zero_page', 'foreign_container_fd=einval']).contract.parameters;
test.each([
  ['sim', 'sim:foreign_container_fd=einval,untouched_read_map=zero_page'],
  ['sim:bind=absent', 'sim:foreign_container_fd=einval,untouched_read_map=zero_page,bind=absent'],
  ['model', 'model'],
  ['kernel:6.1', 'kernel:6.1'],
])('%s, judged by another setting than it followed, is told as %s', (target, told) => {
  const options = replayOptions({ target, followed: other, ...at('type1-6.12') });
  expect(options).toBe(`--target ${told} --profile type1-6.12`);
});

test('what a kernel was given beside its name is told', () => {
  const given = { modules: 'm', boot: 'iommu.strict=1 quiet', kernelPackage: 'k.deb' };
  expect(replayOptions({ target: 'kernel', ...given, ...at('type1-6.12') })).toBe(
    `--target kernel --profile type1-6.12 --modules m --kernel-package k.deb --boot 'iommu.strict=1 quiet'`,
  );
});

test('what a shell would take apart is quoted', () => {
  const options = replayOptions({ target: "exec:python3 'my daemon.py'", spec: 'a folder', ...at('v1') });
  expect(options).toBe(`--target 'exec:python3 '\\''my daemon.py'\\''' --profile v1 --spec 'a folder'`);
});
