import { outcomeText } from './contract-text.ts';
import { bullets, code, link, listed, page, section, table } from './markdown.ts';
import { ruleLink, type Site } from './site.ts';
import { isThere, rowsOf } from './steps.ts';

/** Questions of a reader, and the rules that answer them, in the order in which they are told. */
const questions: { question: string; rules: string[]; more: [text: string, page: string] }[] = [
  {
    question: 'What does BIND answer to a version that nobody knows, and why?',
    rules: ['bind_size_is_negative', 'bind_version_unknown'],
    more: ['all that BIND refuses, field by field', 'ioctls/iommu-bind.md#what-the-fields-are-refused-for'],
  },
  {
    question: 'Which byte of UNMAP_DMA faults after the mapping is gone?',
    rules: ['unmap_dma_reads_argument', 'unmap_dma_writes_argument'],
    more: ['what faults when, byte by byte', 'ioctls/iommu-unmap-dma.md#what-faults-when'],
  },
  {
    question: 'Who may free a PASID?',
    rules: ['pasid_free_of_unallocated', 'pasid_free_of_another_owner'],
    more: ['all steps of ALLOC and FREE', 'ioctls/iommu-pasid-request.md#steps-in-order'],
  },
];

/** The first page: questions with their answers, how to read the others, and a list of them. */
export function indexText(site: Site, pages: ReadonlyMap<string, string>): string {
  const answered = questions.filter(({ rules }) => rules.every((rule) => site.data.rules.has(rule)));
  return page(
    'index.md',
    'Reference',
    'No released kernel implements BIND, PASID_REQUEST and CACHE_INVALIDATE, the requests of 2020; all else is of Linux 6.1 and 6.12. Each page says it for what stands on it.',
    [
      section('Questions', [
        ...answered.map(({ question, rules, more }) =>
          [`**${question}**`, bullets([...rules.map((rule) => answer(site, rule)), `More: ${link(...more)}.`])].join(
            '\n\n',
          ),
        ),
        `Any other: ${code('npx vfio-conform explain WHAT')}, with a rule, an ioctl, an errno or a parameter.`,
      ]),
      section('How to read a page', [legend]),
      section('Pages', [pagesTable(pages)]),
    ],
  );
}

/** A rule that answers a question: in which profiles, what, why. */
function answer(site: Site, id: string): string {
  const { sentence, outcome } = site.data.rules.get(id)!;
  const rows = site.data.handlers.flatMap(({ steps }) => rowsOf(steps)).filter(({ rule }) => rule === id);
  const profiles = [...site.data.profiles.values()].filter(({ parameters }) =>
    rows.some((row) => isThere(row, parameters)),
  );
  const where =
    profiles.length === site.data.profiles.size ? 'all profiles' : listed(profiles.map((one) => code(one.id)));
  return `${where}: ${outcome ? `**${outcomeText(outcome)}**. ` : ''}${sentence} (${ruleLink(site, 'index.md', id)})`;
}

const legend = [
  'The steps of a page are in the order in which an implementation must take them, and the first that decides, decides. A step',
  '',
  bullets([
    '**refuses**: if what the sentence says applies, the answer ends the request;',
    '**reads**, **writes** bytes of the argument from or to user memory; a byte that cannot be read or written gives the answer, and undoes nothing unless a line below says so;',
    '**changes** the state, or what will be answered;',
    'is a **case**: if it applies, it changes the state and, if it has an answer, ends the request; of cases next to each other the first that applies is the only one; in a loop it ends the turn;',
    '**returns**: the answer of a request that got so far.',
  ]),
  '',
  'What stands with `│` before it belongs to the loop or the condition above. Steps under **where** are there for some values of a parameter only. ✓ says that a profile has a condition or a word of a loop. Below a sentence stand the id of the rule, its level unless it is MUST, the kernels on which it was observed, and the findings about the series of 2020 that it states.',
].join('\n');

const folders: [folder: string, about: string][] = [
  ['', 'About everything'],
  ['ioctls/', 'Ioctls'],
  ['drivers/', 'IOMMU drivers under the requests of 2020'],
  ['profiles/', 'Profiles'],
  ['structs/', 'Structs'],
];

/** The pages by folder, with their headings. */
function pagesTable(pages: ReadonlyMap<string, string>): string {
  return table(
    ['', 'pages'],
    folders.map(([folder, about]) => [
      about,
      [...pages]
        .filter(([path]) => path.slice(0, path.lastIndexOf('/') + 1) === folder)
        .map(([path, text]) => link(headingOf(text), path))
        .join(', '),
    ]),
  );
}

const headingOf = (text: string): string => /^# (.*)$/m.exec(text)![1]!;
