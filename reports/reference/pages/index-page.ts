import { bullets, code, link, page, section, table } from '../markdown.ts';
import { questionTexts } from '../sections/questions.ts';
import type { Site } from '../site.ts';

/** The first page: questions and answers, how to read the others, and a list of them. */
export function indexText(site: Site, pages: ReadonlyMap<string, string>): string {
  return page(
    'index.md',
    'Reference',
    'No released kernel implements BIND, PASID_REQUEST and CACHE_INVALIDATE, the ioctls of the 2020 nesting series; all else is of Linux 6.1 and 6.12. Each page says so where it applies.',
    [
      `${link('The story', 'README.md')} comes first: what was asked for in 2020, what went wrong, and what became of it.`,
      section('Questions', [
        ...questionTexts(site, 'index.md'),
        `Any other: ${code('npx vfio-conform explain WHAT')}, with a rule, an ioctl, an errno or a parameter.`,
      ]),
      section('How to read a page', [legend]),
      section('Pages', [pagesTable(pages)]),
    ],
  );
}

const legend = [
  'The steps of a page are in the order in which an implementation must take them, and the first that decides, decides. A step',
  '',
  bullets([
    '**refuses**: if what the sentence says applies, the request fails with the result; **ends** is the same with a result that is no errno;',
    '**reads**, **writes** bytes of the argument from or to user memory; a byte that cannot be read or written makes the request fail with the result, and undoes nothing unless a line below says so;',
    '**changes** the state, or what will be returned;',
    'is a **case**: if it applies, it changes the state and, if it has a result, ends the request; of cases next to each other the first that applies is the only one; in a loop it ends the turn;',
    '**returns**: the result of a request that got so far.',
  ]),
  '',
  'What has `│` before it belongs to the loop or the condition above. Steps under **where** are there for some values of a parameter only. ✓ says that a profile has a condition or a word of a loop. Below a sentence are the id of the rule, its level unless it is MUST, the kernels on which it was observed, and the findings about the 2020 nesting series that it states.',
].join('\n');

const folders: [folder: string, about: string][] = [
  ['', 'About everything'],
  ['ioctls/', 'Ioctls'],
  ['drivers/', 'IOMMU drivers under the 2020 nesting series'],
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
        .filter(([path]) => path.endsWith('.md') && path.slice(0, path.lastIndexOf('/') + 1) === folder)
        .map(([path, text]) => link(headingOf(text), path))
        .join(', '),
    ]),
  );
}

const headingOf = (text: string): string => /^# (.*)$/m.exec(text)![1]!;
