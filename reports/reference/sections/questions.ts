import { outcomeText } from '../contract-text.ts';
import { address, bullets, code, link, listed, section } from '../markdown.ts';
import { ruleLink, type Site } from '../site.ts';
import { profileColumns, rowsOf, ruleOfRow } from './steps.ts';
import { whereText } from './where.ts';

/** A question of a reader, its answer in a sentence or two, and the rules that give it in full. */
interface Question {
  question: string;
  /** Ids of the handlers whose pages answer it. */
  of: readonly string[];
  /** The parameter that a profile must have for the question to be one. */
  feature?: string;
  lead: string;
  rules: readonly { rule: string; because?: string }[];
  more: { text: string; page: string; part: string };
}

/** In the order of the first page. */
const questions: readonly Question[] = [
  {
    question: 'What does BIND return for a version other than 1, and why?',
    of: ['bind'],
    feature: 'bind',
    lead: 'As posted (`v1`) ENOMEM for 2 up to 2^31 - 1, because a table of sizes returns -22 and the kernel tries to allocate that; what it does with 0 and from 2^31 on is undefined, and with `size_table=2020-01-28` what it does with any other than 1. Repaired (`v1-fixed`, `v1-singleton`) EINVAL: a rule of the recommended contract, for which no mail asks.',
    rules: [
      {
        rule: 'bind_size_is_negative',
        because:
          'The series asks the IOMMU core how large the data of a version is. The table of 25 March 2020 says -EINVAL for a version above the last one; nobody tests that, and it becomes the size of an allocation, which fails. (That it always fails follows from the limit of the page allocator; the path in Linux 5.6 was not traced.)',
      },
      { rule: 'bind_version_before_size_table' },
      { rule: 'bind_version_beyond_size_table' },
      { rule: 'iommu_core_bind_version_unknown' },
      {
        rule: 'bind_version_unknown',
        because:
          'No mail asks for it. The header names one version; that any other is EINVAL, before anything is looked up or allocated, was decided by this project, as the IOMMU core of Linux 5.10 does.',
      },
    ],
    more: {
      text: 'all that BIND refuses, field by field',
      page: 'ioctls/iommu-bind.md',
      part: 'what-the-fields-are-refused-for',
    },
  },
  {
    question: 'Which byte of UNMAP_DMA faults after the mappings are gone?',
    of: ['unmap_dma'],
    lead: 'A byte of 0..23 that can be read and not written: EFAULT, and the mappings are gone. Bytes 24..47 are only read, and before anything is done. With GET_DIRTY_BITMAP a word of the bitmap that cannot be read or written fails with EFAULT, too, and the mappings before it are gone.',
    rules: [
      { rule: 'unmap_dma_writes_argument' },
      { rule: 'unmap_dma_reads_argument' },
      { rule: 'unmap_dma_reads_bitmap' },
      { rule: 'dirty_bitmap_is_written' },
      { rule: 'unmap_dma_removes_reported_mapping' },
    ],
    more: { text: 'what faults when, byte by byte', page: 'ioctls/iommu-unmap-dma.md', part: 'what-faults-when' },
  },
  {
    question: 'Who may free a PASID?',
    of: ['pasid_request'],
    feature: 'pasid_request',
    lead: 'Its owner: the address space that chose the backend, by SET_IOMMU, of the container through which ALLOC gave the PASID. It may be freed through any container whose backend that address space chose. Which process makes the call is not looked at.',
    rules: [
      { rule: 'pasid_free_of_unallocated' },
      { rule: 'pasid_free_of_another_owner' },
      { rule: 'pasid_free_out_of_range' },
      { rule: 'pasid_free_without_domain' },
      { rule: 'pasid_free_leaves_bindings' },
      { rule: 'pasid_free_unbinds' },
    ],
    more: { text: 'all steps of ALLOC and FREE', page: 'ioctls/iommu-pasid-request.md', part: 'steps-in-order' },
  },
  {
    question: 'What becomes of PASIDs and guest page tables when a process dies or a container is closed?',
    of: ['groups_left', 'unset_container'],
    lead: 'A process that dies closes its descriptors; the end of a container is that its last group leaves. A group leaves by UNSET_CONTAINER, or when neither its own descriptor nor one of its devices is open any more, in whatever process. Bindings end device by device, PASIDs with the last backend of their owner.',
    rules: [
      { rule: 'close_releases_unreferenced' },
      { rule: 'device_detach_frees_pasid_table' },
      { rule: 'device_detach_unbinds' },
      { rule: 'last_backend_frees_pasids' },
      { rule: 'last_backend_unbinds_pasids' },
    ],
    more: { text: 'when groups have left their containers', page: 'ops.md', part: 'handler-groups_left' },
  },
  {
    question: 'What can CACHE_INVALIDATE flush, and in which granularity?',
    of: ['cache_invalidate'],
    feature: 'cache_invalidate',
    lead: 'It differs by driver: most combinations of cache and granularity are an error on one, nothing at all on another.',
    rules: [
      { rule: 'driver_invalidate_combination_unsupported_v10' },
      { rule: 'driver_invalidate_of_no_pasid_is_no_op' },
      { rule: 'driver_invalidate_combination_skipped' },
      { rule: 'cache_invalidate_combination_unsupported' },
    ],
    more: {
      text: 'each pair on each driver',
      page: 'ioctls/iommu-cache-invalidate.md',
      part: 'caches-and-granularities',
    },
  },
];

/** The questions whose rules the contract has, with their answers and the rules that give them, for the first page. */
export function questionTexts(site: Site, from: string): string[] {
  return known(site).map(({ question, lead, rules, more }) =>
    [
      `**${question}** ${lead}`,
      `${moreText(from, more)}; ${rules.map(({ rule }) => ruleLink(site, from, rule)).join(', ')}.`,
    ].join('\n\n'),
  );
}

/** The answers to questions about a handler, above all else on its page. */
export function inShort(site: Site, from: string, handler: string, level = 2): string | undefined {
  return section(
    'In short',
    known(site)
      .filter(({ of }) => of.includes(handler))
      .map(({ question, feature, lead, rules, more }) =>
        [
          `**${question}** ${lead}`,
          bullets([...rules.map((one) => ruleAnswer(site, from, one, feature)), `${moreText(from, more)}.`]),
        ].join('\n\n'),
      ),
    level,
  );
}

const known = ({ data }: Site): Question[] =>
  questions.filter(({ rules }) => rules.every(({ rule }) => data.rules.has(rule)));

const moreText = (from: string, { text, page, part }: Question['more']): string =>
  `More: ${link(text, address(from, page, part))}`;

/** A rule that answers a question: where it is there, what, and why. */
function ruleAnswer(
  site: Site,
  from: string,
  { rule, because }: Question['rules'][number],
  feature: string | undefined,
): string {
  const { sentence, outcome } = site.data.rules.get(rule)!;
  const rows = site.data.handlers.flatMap(({ steps }) => rowsOf(steps)).filter((row) => ruleOfRow(row) === rule);
  const columns = profileColumns(site.data, feature);
  const where = whereText(site, rows, columns);
  const all = feature === undefined ? 'all profiles' : listed(columns.flatMap(({ names }) => names.map(code)));
  const result = outcome ? `**${outcomeText(outcome)}**. ` : '';
  return `${where === 'all' ? all : where}: ${result}${sentence}${because ? ` ${because}` : ''} (${ruleLink(site, from, rule)})`;
}
