import type { KernelCoverage, SourceCoverage } from '../spec/uapi/kernel-coverage.ts';

/** A tracefile of lcov: lines, branches and functions, with the sources where they are on this host. */
export function toLcov({ sources }: KernelCoverage): string {
  return `${sources.map(section).join('\n')}\n`;
}

function section({ path, functions, lines }: SourceCoverage): string {
  const branches = lines.flatMap(({ line, count, branches }) =>
    // A dash says that the line was not executed, so that no way out of it could be taken.
    branches.map((taken, at) => ({ taken, text: `BRDA:${line},0,${at},${count === 0 ? '-' : taken}` })),
  );
  return [
    'TN:',
    `SF:${path}`,
    ...functions.map(({ name, line }) => `FN:${line},${name}`),
    ...functions.map(({ name, count }) => `FNDA:${count},${name}`),
    `FNF:${functions.length}`,
    `FNH:${functions.filter(({ count }) => count > 0).length}`,
    ...branches.map(({ text }) => text),
    `BRF:${branches.length}`,
    `BRH:${branches.filter(({ taken }) => taken > 0).length}`,
    ...lines.map(({ line, count }) => `DA:${line},${count}`),
    `LF:${lines.length}`,
    `LH:${lines.filter(({ count }) => count > 0).length}`,
    'end_of_record',
  ].join('\n');
}
