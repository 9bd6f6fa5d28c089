import type { KernelCoverage, LineCoverage, SourceCoverage } from '../spec/uapi/kernel-coverage.ts';
import { type Explanations, linesOf, NOT_YET } from './kernel-coverage-explanations.ts';

/** A line that was not reached, and why not if that is known. */
interface Missed {
  line: LineCoverage;
  text: string;
  why?: string;
}

/** A function of which something was not reached. */
interface Gap {
  file: string;
  name: string;
  /** Lines of it that hold code. */
  size: number;
  /** Not called at all. */
  whole: boolean;
  missed: Missed[];
}

/**
 * What a person reads of a kernel's coverage: a table of files, functions that
 * were not called, and lines of the others that were not reached, each with its
 * reason. Reachable lines are those without a reason not to be.
 */
export function toCoverageText(coverage: KernelCoverage, explanations: Explanations): string {
  const gaps = coverage.sources.flatMap((source) => gapsOf(source, explanations));
  const whole = gaps.filter((gap) => gap.whole);
  const parts = [
    heading(coverage),
    table(coverage.sources, gaps),
    ...section('Functions not called, and nothing says why', whole.filter(unexplained), functionLine),
    ...section(
      'Functions not called',
      whole.filter((gap) => !unexplained(gap)),
      functionLine,
    ),
    ...section(
      'Lines not reached, by function',
      gaps.filter((gap) => !gap.whole && unexplained(gap)),
      functionLines,
    ),
    ...section(
      'Lines out of reach, by function',
      gaps.filter((gap) => !gap.whole && gap.missed.some(({ why }) => why !== undefined)),
      functionReasons,
    ),
    ...section('Said to be out of reach, but reached', disproved(coverage.sources, explanations), (one) => one),
  ];
  return `${parts.join('\n\n')}\n`;
}

function heading({ machines, silent }: KernelCoverage): string {
  const heading = `What ${machines} ${machines === 1 ? 'machine' : 'machines'} reached of the kernel's sources`;
  return silent === 0
    ? `${heading}.`
    : `${heading}; ${silent} of them crashed or hung before handing over what was counted, and are not in it.`;
}

function gapsOf(source: SourceCoverage, explanations: Explanations): Gap[] {
  return source.functions.flatMap(({ name, count }) => {
    const lines = source.lines.filter((line) => line.function === name);
    const reasonFor = reasons(source, lines, count > 0, explanations.get(name));
    const missed = lines
      .filter((line) => line.count === 0)
      .map((line) => {
        const why = reasonFor(line.line);
        return { line, text: (source.text[line.line - 1] ?? '').trim(), ...(why !== undefined && { why }) };
      });
    return missed.length === 0 ? [] : [{ file: source.file, name, size: lines.length, whole: count === 0, missed }];
  });
}

/** What gives the reason of a line of a function, if there is one. */
function reasons(
  { text }: SourceCoverage,
  lines: readonly LineCoverage[],
  called: boolean,
  explanation: string | ReadonlyMap<string, string> | undefined,
): (line: number) => string | undefined {
  // That a function is never called says nothing of one that was.
  if (typeof explanation === 'string') return () => (called ? undefined : explanation);
  const known = new Map<number, string>();
  for (const [place, why] of explanation ?? []) for (const line of placed(place, text, lines)) known.set(line, why);
  return (line) => known.get(line);
}

function placed(place: string, text: readonly string[], lines: readonly LineCoverage[]): number[] {
  return lines.length === 0 ? [] : linesOf(place, text, lines[0]!.line, lines.at(-1)!.line);
}

function unexplained({ missed }: Gap): boolean {
  return missed.some(({ why }) => why === undefined);
}

function table(sources: readonly SourceCoverage[], gaps: readonly Gap[]): string {
  const rows = sources.map((source) => ({ name: source.file, sources: [source] }));
  const cells = [...rows, { name: 'all', sources: [...sources] }].map(({ name, sources: some }) => {
    const lines = some.flatMap((source) => source.lines);
    const out = gaps
      .filter(({ file }) => some.some((source) => source.file === file))
      .flatMap(({ missed }) => missed.filter(({ why }) => why !== undefined && !why.startsWith(NOT_YET)));
    const reached = lines.filter(({ count }) => count > 0).length;
    return [
      name,
      share(reached, lines.length),
      share(reached, lines.length - out.length),
      hits(lines.flatMap(({ branches }) => branches)),
      hits(some.flatMap(({ functions }) => functions.map(({ count }) => count))),
    ];
  });
  const all = [['', 'lines', 'of reachable', 'branches', 'functions'], ...cells];
  const widths = all[0]!.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  return all
    .map((row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('   '))
    .join('\n');
}

function hits(counts: readonly number[]): string {
  return share(counts.filter((count) => count > 0).length, counts.length);
}

function share(part: number, whole: number): string {
  const percent = whole === 0 ? '-' : `${((100 * part) / whole).toFixed(1)} %`;
  return `${part} of ${whole}${percent.padStart(9)}`;
}

function section<T>(title: string, items: readonly T[], describe: (item: T) => string): string[] {
  return items.length === 0 ? [] : [`${title}:\n${items.map((item) => `  ${describe(item)}`).join('\n')}`];
}

function functionLine({ file, name, size, missed }: Gap): string {
  const why = missed[0]?.why;
  return `${file}: ${name} (${size} lines)${why === undefined ? '' : `: ${why}`}`;
}

function functionLines({ file, name, size, missed }: Gap): string {
  const open = missed.filter(({ why }) => why === undefined);
  const lines = open.map(({ line, text }) => `    ${String(line.line).padStart(5)}  ${text}`);
  return [`${file}: ${name} (${open.length} of ${size} lines)`, ...lines].join('\n');
}

function functionReasons({ file, name, missed }: Gap): string {
  const stretches: { first: number; last: number; why: string | undefined }[] = [];
  for (const { line, why } of missed) {
    const latest = stretches.at(-1);
    if (latest && latest.why === why) latest.last = line.line;
    else stretches.push({ first: line.line, last: line.line, why });
  }
  const lines = stretches
    .filter(({ why }) => why !== undefined)
    .map(({ first, last, why }) => `    ${(first === last ? `${first}` : `${first}-${last}`).padEnd(11)} ${why}`);
  return [`${file}: ${name}`, ...lines].join('\n');
}

/** Explanations that this run contradicts. */
function disproved(sources: readonly SourceCoverage[], explanations: Explanations): string[] {
  return sources.flatMap(({ file, functions, lines, text }) =>
    functions.flatMap(({ name, count }) => {
      const reason = explanations.get(name);
      if (reason === undefined) return [];
      if (typeof reason === 'string') return count > 0 ? [`${file}: ${name}: ${reason}`] : [];
      const own = lines.filter((line) => line.function === name);
      return [...reason].flatMap(([place, why]) => {
        const named = new Set(placed(place, text, own));
        const reached = own.filter((line) => named.has(line.line));
        return reached.length > 0 && reached.every((line) => line.count > 0)
          ? [`${file}: ${name}, ${place}: ${why}`]
          : [];
      });
    }),
  );
}
