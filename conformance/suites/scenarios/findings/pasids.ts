import type { Op } from '../../../../spec/uapi/vocabulary.ts';
import { close, memory } from '../../../programs/build.ts';
import { allocPasid, bindTable, cutOff, freePasid } from '../../../programs/nesting-ops.ts';
import { single } from '../../suite.ts';
import {
  by,
  definedForUnallocated,
  emulated,
  guestMemory,
  inContainer,
  nestingContainer,
  OTHER,
  PASID,
  quotaChange,
  reach,
  readyDevice,
  setQuota,
  TABLES,
} from '../nesting-stage.ts';
import type { Scenario } from '../scenario.ts';

const twoGroups = { g: single, h: single };
/** ALLOC of one certain number. */
const take = (pasid: number, container = 'c') => allocPasid(container, `pasid_${pasid}`, pasid, pasid);
const anyNumber = allocPasid('c', 'some', 1, 0xfffff);

/** ALLOC with a result of which only what is before byte `writable` of the struct can be written. */
function takeUnwritable(pasid: number, writable: number, max = pasid): Op[] {
  const op = allocPasid('c', 'lost', pasid, max);
  if (!('memory' in op.argument)) return [];
  const at = 4096 - writable;
  const protect = (protection: 'read' | 'read-write'): Op => ({
    op: 'protect',
    memory: 'edge',
    at: 4096,
    length: 4096,
    protection,
  });
  const { save: _, ...plain } = op;
  return [
    { op: 'poke', memory: 'edge', at, bytes: op.argument.bytes! },
    protect('read'),
    { ...plain, argument: { memory: 'edge', at } },
    protect('read-write'),
  ];
}

/** Allocating and freeing PASIDs. */
export const pasidScenarios: Scenario[] = [
  {
    id: 'findings/p1_failures_of_alloc',
    about: 'However ALLOC fails, it answers the same errno.',
    changes: quotaChange,
    ops: [
      ...nestingContainer(),
      take(PASID),
      take(PASID),
      allocPasid('c', 'none', 10, 9),
      setQuota(2),
      take(OTHER),
      anyNumber,
    ],
  },
  {
    id: 'findings/p1_any_number_of_a_range',
    about: 'ALLOC gives free numbers of its range, each once.',
    ops: [
      ...nestingContainer(),
      allocPasid('c', 'first', 20, 22),
      allocPasid('c', 'second', 20, 22),
      allocPasid('c', 'third', 20, 22),
      allocPasid('c', 'fourth', 20, 22),
      freePasid('c', { ref: 'second' }),
      allocPasid('c', 'fourth', 20, 22),
    ],
  },
  {
    id: 'findings/p1_ends_of_the_numbers',
    about: 'The greatest number that devices can send, and what a range beyond it gives.',
    ops: [...nestingContainer(), take(0xfffff), allocPasid('c', 'last', 0xffffe, 0xffffffff), take(1)],
  },
  {
    id: 'findings/p2_v14_result_cannot_be_written',
    about:
      'A result that cannot be written at all, or not in full: how many bytes are missing, and whose the PASID is.',
    ops: [
      ...nestingContainer(),
      memory('edge', 2),
      ...takeUnwritable(PASID, 16),
      ...takeUnwritable(OTHER, 18),
      take(PASID),
      take(OTHER),
    ],
  },
  {
    id: 'findings/p3_number_0',
    about: 'ALLOC of 0: what it answers, and whether 0 is then taken.',
    ops: [...nestingContainer(), take(0), take(0), freePasid('c', 0), freePasid('c', 0), take(0)],
  },
  {
    id: 'findings/p3_negative_number',
    about: 'ALLOC of a number from 2^31 on: what it answers, and what is left of the quota.',
    changes: quotaChange,
    ops: [...nestingContainer(), setQuota(1), allocPasid('c', 'high', 0x80000000, 0x80000000), take(PASID)],
  },
  {
    id: 'findings/p4_argsz_of_the_header_is_enough',
    about: 'PASID_REQUEST reads all of its struct whatever argsz says.',
    ops: [
      ...nestingContainer(),
      allocPasid('c', 'pasid', PASID, PASID, { argsz: 8 }),
      freePasid('c', PASID, { argsz: 8 }),
      cutOff(allocPasid('c', 'pasid', PASID, PASID, { argsz: 8 }), 8),
      cutOff(freePasid('c', PASID), 12),
      cutOff(freePasid('c', PASID), 7),
      freePasid('c', PASID, { max: 3, result: 4 }),
    ],
  },
  {
    id: 'findings/p4_container_that_does_not_nest',
    about: 'PASID_REQUEST in a container that is not of the nesting type.',
    ops: [...nestingContainer('c', 'g', 'VFIO_TYPE1v2_IOMMU'), take(PASID), freePasid('c', PASID)],
  },
  {
    id: 'findings/p4_without_domain',
    about: 'PASID_REQUEST in a container without any IOMMU domain: not even FREE is possible.',
    slots: { g: single, h: emulated },
    ops: [
      ...nestingContainer(),
      take(PASID),
      ...nestingContainer('k', 'h'),
      freePasid('k', PASID),
      take(OTHER, 'k'),
      freePasid('c', PASID),
    ],
  },
  {
    id: 'findings/p4_after_the_last_group',
    about: 'PASID_REQUEST after the last group left the container.',
    ops: [...nestingContainer(), take(PASID), close('g'), freePasid('c', PASID), take(OTHER)],
  },
  {
    id: 'findings/p5_containers_of_a_process_share_pasids',
    about: 'Containers of a process share its PASIDs; they go with the last one.',
    slots: twoGroups,
    ops: [
      ...nestingContainer(),
      ...nestingContainer('k', 'h'),
      take(PASID),
      take(PASID, 'k'),
      take(OTHER),
      freePasid('k', OTHER),
      close('g'),
      close('c'),
      take(PASID, 'k'),
      freePasid('k', PASID),
      take(PASID, 'k'),
      close('h'),
      close('k'),
      ...nestingContainer(),
      take(PASID),
    ],
  },
  {
    id: 'findings/p5_pasids_of_another_process',
    about: 'FREE of a PASID of another process, and of one that nobody has.',
    slots: twoGroups,
    ops: [
      ...nestingContainer(),
      take(PASID),
      { op: 'fork', as: 'child' },
      ...by('child', [
        ...nestingContainer('k', 'h'),
        freePasid('k', PASID),
        take(PASID, 'k'),
        freePasid('k', OTHER),
        take(OTHER, 'k'),
      ]),
      freePasid('c', OTHER),
      { op: 'exit', actor: 'child' },
      take(OTHER),
    ],
  },
  {
    id: 'findings/p6_quota_counts_at_the_next_alloc',
    about: 'The quota is applied by the next ALLOC of a process.',
    changes: quotaChange,
    ops: [...nestingContainer(), setQuota(1), anyNumber, anyNumber, setQuota(2), anyNumber, anyNumber],
  },
  {
    id: 'findings/p6_quota_of_each_process',
    about: 'The quota is of a process, not of a container and not of all.',
    changes: quotaChange,
    slots: { g: single, h: single, i: single },
    ops: [
      setQuota(1),
      ...nestingContainer(),
      ...nestingContainer('k', 'h'),
      take(PASID),
      take(OTHER, 'k'),
      { op: 'fork', as: 'child' },
      ...by('child', [...nestingContainer('l', 'i'), take(OTHER, 'l'), take(7, 'l')]),
    ],
  },
  {
    id: 'findings/p6_quota_does_not_count_at_set_iommu',
    about: 'SET_IOMMU while the quota is more than all PASIDs: ALLOC gives PASIDs all the same.',
    changes: quotaChange,
    ops: [setQuota(2_000_000), ...nestingContainer(), take(PASID), anyNumber, freePasid('c', PASID)],
  },
  {
    id: 'findings/p6_freed_numbers_count_no_more',
    about: 'A freed PASID gives its place in the quota back.',
    changes: quotaChange,
    ops: [...nestingContainer(), setQuota(1), take(PASID), take(OTHER), freePasid('c', PASID), take(OTHER)],
  },
  {
    id: 'findings/p6_quota_that_leaves_nothing_for_others',
    about:
      'A quota of nearly all PASIDs: the next process still gets its share, the one after it none, and is not told.',
    changes: quotaChange,
    slots: { g: single, h: single, i: single },
    ops: [
      setQuota(1_047_000),
      ...nestingContainer(),
      take(PASID),
      setQuota(1000),
      { op: 'fork', as: 'child' },
      ...by('child', [...nestingContainer('k', 'h'), take(OTHER, 'k')]),
      { op: 'fork', as: 'other' },
      ...by('other', [...nestingContainer('l', 'i'), take(7, 'l'), inContainer('l', freePasid('c', PASID))]),
    ],
  },
  {
    id: 'findings/p2_lost_number_of_a_range',
    about: 'One of two numbers is lost: which one, nobody knows before it is named.',
    ops: [
      ...nestingContainer(),
      memory('edge', 2),
      ...takeUnwritable(PASID, 16, OTHER),
      inContainer('c', bindTable('c', { pasid: PASID, root: 0x10000 })),
      inContainer('c', bindTable('c', { pasid: OTHER, root: 0x10000 })),
      take(PASID),
      take(OTHER),
    ],
    when: definedForUnallocated,
  },
  {
    id: 'findings/u4_owner_goes_while_another_process_has_it_bound',
    about: 'The last container of an owner goes while another process has its PASID bound.',
    slots: { g: single, h: single },
    ops: [
      ...nestingContainer(),
      take(PASID),
      { op: 'fork', as: 'child' },
      ...by('child', [
        close('c'),
        close('g'),
        ...nestingContainer('k', 'h'),
        ...guestMemory('k'),
        ...readyDevice('h', 'e'),
        inContainer('k', bindTable('c', { pasid: PASID, root: TABLES })),
        reach('e'),
      ]),
      close('g'),
      close('c'),
      ...by('child', [reach('e', 1)]),
    ],
  },
  {
    id: 'findings/p7_quota_below_use',
    about: 'A quota below what is in use: whether ALLOC goes on, and until when.',
    changes: quotaChange,
    ops: [
      ...nestingContainer(),
      setQuota(3),
      take(PASID),
      take(OTHER),
      setQuota(1),
      take(7),
      take(8),
      freePasid('c', PASID),
      freePasid('c', OTHER),
      freePasid('c', 7),
      take(7),
      take(8),
    ],
  },
];
