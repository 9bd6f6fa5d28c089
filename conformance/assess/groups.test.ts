import { describe, expect, test } from 'vitest';
import { simulatorAdapter } from '../../adapters/simulator/adapter.ts';
import { defectNamed } from '../../adapters/simulator/defects/registry.ts';
import { contractAt } from '../../reference/interpreter/contracts.ts';
import { loadContract } from '../../spec/contract/load.ts';
import { parameterSetting } from '../../spec/contract/setting.ts';
import type { FailureGroup } from '../../spec/uapi/vocabulary.ts';
import { run } from '../running/run.ts';
import type { Selection } from '../running/selection.ts';
import { suites } from '../suites/suites.ts';
import { Assessment } from './assessment.ts';

const data = loadContract();

interface Wrong {
  profile?: string;
  defect?: string;
  /** What the simulator does otherwise than the profile. */
  set?: Record<string, string>;
  /** Starts of the ids of the programs that are run. */
  only: string[];
}

/** What a run of a simulator that is wrong says of its failures. */
async function groupsOf({ profile = 'v1-singleton', defect, set, only }: Wrong): Promise<readonly FailureGroup[]> {
  const contract = contractAt(data, parameterSetting(data, profile));
  const selection: Selection = { suites, only: only.map((start) => ({ kind: 'programs', start })) };
  const assessment = new Assessment({ contract, profile, target: 'sim', strict: true, selection, answers: 'none' });
  const slip = defect === undefined ? undefined : defectNamed(defect);
  await run(
    {
      contract,
      adapter: simulatorAdapter({ ...contract.parameters, ...set }, 'sim', slip),
      ...selection,
      judge: (trace, environment) => assessment.judge(trace, environment),
    },
    {
      onCase(one, judged, environment) {
        assessment.add(one, judged, environment);
      },
    },
  );
  return assessment.finish({ seconds: 0, complete: true }).result.groups;
}

const headlines = (groups: readonly FailureGroup[]) => groups.map(({ explanation }) => explanation?.rule);

describe('the headline of a defect is the rule', () => {
  test.each<[what: string, wrong: Wrong, rules: string[]]>([
    [
      'about the flag that is missing, not about how many bytes are written',
      { defect: 'get_info_lacks_caps_flag', only: ['boundary/VFIO_IOMMU_GET_INFO/c2_v2/'] },
      ['get_info_chain_fits', 'get_info_chain_does_not_fit'],
    ],
    [
      'that made the binding which a refused BIND took away',
      { defect: 'roll_back_unbinds_older_bindings', only: ['isolation/one_device/rebind_'] },
      ['driver_bind_sets_pasid_entry'],
    ],
    [
      'whose effect did not come about, where a later request shows it',
      { defect: 'free_leaves_bindings', only: ['scenarios/p5', 'isolation/one_device/free_'] },
      ['pasid_free_unbinds'],
    ],
    [
      'that would refuse what must succeed, where something stayed behind',
      { defect: 'unmap_keeps_memlock_charge', only: ['scenarios/memlock'] },
      ['map_dma_memlock_exceeded'],
    ],
    [
      'about the mapping that one of two IOMMUs lacks',
      { defect: 'map_reaches_newest_iommu_only', only: ['scenarios/dma_behind_'] },
      ['map_dma_creates_mapping'],
    ],
    [
      'that decides, where nothing points elsewhere',
      { defect: 'unset_container_returns_einval_for_ebusy', only: ['boundary/VFIO_GROUP_UNSET_CONTAINER/'] },
      ['unset_container_device_open'],
    ],
  ])('%s', async (_, wrong, rules) => {
    const groups = await groupsOf(wrong);
    expect(groups.length).toBeGreaterThan(0);
    for (const rule of headlines(groups)) expect(rules).toContain(rule);
  });
});

describe('a setting beside a group', () => {
  test('explains every failure of it, and the one that changes the fewest rules comes first', async () => {
    const groups = await groupsOf({ set: { free_of_bound: 'survives' }, only: ['isolation/one_device/free_'] });
    expect(groups.length).toBeGreaterThan(0);
    for (const { explanation } of groups) {
      const { settings } = explanation!;
      expect(settings[0]?.set).toEqual(['free_of_bound=survives']);
      expect(settings.map(({ changes }) => changes)).toEqual(
        settings.map(({ changes }) => changes).sort((a, b) => a - b),
      );
    }
  });

  test('is put together of two parameters where it takes both', async () => {
    const set = { get_info_written: 'sixteen_or_twenty', dma_available_capability: 'twelve_bytes' };
    const only = ['boundary/VFIO_IOMMU_GET_INFO/c2_v2/'];
    const groups = await groupsOf({ profile: 'type1-6.12', set, only });
    const told = groups.flatMap(({ explanation }) => explanation!.settings.map((one) => one.set.toSorted().join()));
    expect(told).toContain('dma_available_capability=twelve_bytes,get_info_written=sixteen_or_twenty');
    for (const { explanation } of groups) expect(explanation!.settings.length).toBeGreaterThan(0);
  });

  test('is not there if something that conforms contradicts it', async () => {
    // BIND of a bound PASID takes the table away: for the transfers after it, as if nothing could be bound at all.
    const groups = await groupsOf({ defect: 'roll_back_unbinds_older_bindings', only: ['isolation/one_device/'] });
    for (const { explanation } of groups) expect(explanation!.settings).toEqual([]);
  });
});

test('failures with one signature are one group, told by the shortest program', async () => {
  const only = ['boundary/VFIO_IOMMU_MAP_DMA/c2_v2_mapped/'];
  const groups = await groupsOf({ defect: 'map_checks_overlap_before_size', only });
  const signatures = groups.map(({ signature }) => JSON.stringify(signature));
  expect(new Set(signatures).size).toBe(groups.length);
  for (const { signature } of groups)
    expect(signature).toMatchObject({ handler: 'map_dma', op: 'ioctl', expected: 'EINVAL', actual: 'EEXIST' });
  expect(groups.map(({ count }) => count)).toEqual(groups.map(({ count }) => count).sort((a, b) => b - a));
});
