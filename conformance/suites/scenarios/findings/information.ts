import { getInfo, ioctlValue, memory, openContainer, setIommu } from '../../../programs/build.ts';
import { allocPasid, checkNestingUapi, nestingInfo } from '../../../programs/nesting-ops.ts';
import { single } from '../../suite.ts';
import {
  emulated,
  fiveLevels,
  join,
  mediated,
  nestingContainer,
  oneDomain,
  platform,
  twoDomains,
  withoutPasid,
} from '../nesting-stage.ts';
import type { Scenario } from '../scenario.ts';

const into = memory('info', 1);

/** What a container tells about nesting. */
export const nestingInformationScenarios: Scenario[] = [
  {
    id: 'findings/g1_container_without_domain',
    about: 'GET_INFO of a container that has nothing but an emulated group.',
    slots: { g: emulated },
    when: ({ nesting_series }) => nesting_series === 'as_posted',
    ops: [...nestingContainer(), into, nestingInfo('c', 'info')],
  },
  {
    id: 'findings/g1_machine_that_does_not_nest',
    about: 'GET_INFO and the nesting type where the IOMMU cannot nest.',
    machine: {},
    ops: [
      ...nestingContainer(),
      setIommu('c', 'VFIO_TYPE1v2_IOMMU'),
      into,
      nestingInfo('c', 'info'),
      checkNestingUapi('c'),
    ],
  },
  {
    id: 'findings/g2_container_of_the_nesting_type',
    about: 'GET_INFO of a container of the nesting type, and the capability cut off at every place.',
    ops: [
      ...nestingContainer(),
      into,
      nestingInfo('c', 'info'),
      ...[24, 64, 72, 79, 80, 87, 88].map((argsz) => getInfo('c', 'info', argsz)),
      allocPasid('c', 'pasid'),
      nestingInfo('c', 'info'),
    ],
  },
  {
    id: 'findings/g2_container_of_another_type',
    about: 'GET_INFO of a container that is not of the nesting type.',
    ops: [...nestingContainer('c', 'g', 'VFIO_TYPE1v2_IOMMU'), into, nestingInfo('c', 'info')],
  },
  {
    id: 'findings/g2_second_group',
    about: 'GET_INFO before and after a second group came, behind the same IOMMU.',
    slots: oneDomain,
    ops: [...nestingContainer(), into, nestingInfo('c', 'info'), ...join('h'), nestingInfo('c', 'info')],
  },
  {
    id: 'findings/g2_second_domain',
    about: 'The same with a group behind another IOMMU.',
    slots: twoDomains,
    ops: [...nestingContainer(), into, ...join('h'), nestingInfo('c', 'info')],
  },
  ...Object.entries({ platform, mediated, without_pasid: withoutPasid, two_devices: { ...single, devices: 2 } }).map(
    ([name, g]): Scenario => ({
      id: `findings/g2_device_${name}`,
      about: 'GET_INFO of a container of the nesting type with another kind of device.',
      slots: { g },
      ops: [...nestingContainer(), into, nestingInfo('c', 'info'), allocPasid('c', 'pasid')],
    }),
  ),
  {
    id: 'findings/g2_five_levels',
    about: 'GET_INFO on an IOMMU that walks five levels.',
    machine: fiveLevels,
    ops: [...nestingContainer(), into, nestingInfo('c', 'info')],
  },
  {
    id: 'findings/g2_version_of_the_uapi',
    about: 'CHECK_EXTENSION tells the version of the nesting uapi, before and after SET_IOMMU.',
    ops: [
      openContainer('c'),
      checkNestingUapi('c'),
      ...nestingContainer().slice(1),
      checkNestingUapi('c'),
      ioctlValue('c', 'VFIO_CHECK_EXTENSION', 6),
      ioctlValue('c', 'VFIO_CHECK_EXTENSION', 10),
    ],
  },
];
