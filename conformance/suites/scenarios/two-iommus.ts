import {
  busMaster,
  close,
  dmaIn,
  dmaOut,
  map,
  memory,
  openDevice,
  openGroup,
  setContainer,
  unmap,
} from '../../programs/build.ts';
import { copyGround, SOURCE, TARGET, UNMAPPED } from './dma.ts';
import { twoDomains } from './nesting-stage.ts';
import { readyForDma, type Scenario } from './scenario.ts';

/** The group of h, which is behind another IOMMU than that of g, joins with its device e. */
const joinSecondIommu = [openGroup('h', 'h'), setContainer('h', 'c'), openDevice('h', 'h', 'e'), ...busMaster('e')];

/** Each of two devices reads from one page and writes to another; `nth` distinguishes attempts. */
const bothCopy = (nth: number) => [
  dmaIn('d', SOURCE, 16),
  dmaOut('d', TARGET + nth * 64, 16),
  dmaIn('e', SOURCE + 0x1000, 16),
  dmaOut('e', TARGET + nth * 64 + 32, 16),
];

/** Containers whose groups are behind two IOMMUs, and so have two page tables. */
export const twoIommuScenarios: Scenario[] = [
  {
    id: 'dma_behind_two_iommus',
    about: 'A mapping of a container with two IOMMUs is for the devices behind either, until UNMAP takes it from both.',
    slots: twoDomains,
    ops: [...readyForDma(), ...joinSecondIommu, ...copyGround, ...bothCopy(0), unmap('c', TARGET, 2), ...bothCopy(1)],
  },
  {
    id: 'dma_behind_a_second_iommu_that_came_later',
    about: 'A group behind another IOMMU gets the mappings that were made before it joined, and UNMAP takes them away.',
    slots: twoDomains,
    ops: [...readyForDma(), ...copyGround, ...joinSecondIommu, ...bothCopy(0), unmap('c', TARGET, 2), ...bothCopy(1)],
  },
  ...(['g', 'h'] as const).map(
    (leaving): Scenario => ({
      id: `dma_behind_the_other_iommu_after_${leaving}_left`,
      about:
        'When the group behind one of two IOMMUs leaves, the device behind the other reaches old and new mappings.',
      slots: twoDomains,
      ops: ((stays) => [
        ...readyForDma(),
        ...joinSecondIommu,
        ...copyGround,
        ...bothCopy(0),
        close(leaving === 'g' ? 'd' : 'e'),
        close(leaving),
        memory('new', 1),
        map('c', UNMAPPED, 'new', 0, 1),
        dmaOut(stays, TARGET + 64, 16),
        dmaOut(stays, UNMAPPED, 16),
        unmap('c', UNMAPPED, 1),
        dmaOut(stays, UNMAPPED + 64, 16),
      ])(leaving === 'g' ? 'e' : 'd'),
    }),
  ),
];
