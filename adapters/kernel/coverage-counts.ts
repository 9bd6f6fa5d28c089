import type { FunctionCoverage, LineCoverage } from '../../spec/uapi/kernel-coverage.ts';
import { Problem } from '../../spec/uapi/problem.ts';

/** The parts that are used of what `gcov --json-format` prints. */
interface GcovReport {
  files: {
    file: string;
    functions: { name: string; start_line: number; execution_count: number }[];
    lines: { line_number: number; function_name?: string; count: number; branches: { count: number }[] }[];
  }[];
}

/** Adds up what gcov says of one source file, machine by machine. */
export class Counts {
  private readonly functionCounts = new Map<string, FunctionCoverage>();
  private readonly lineCounts = new Map<string, LineCoverage>();

  /**
   * Adds a report: what gcov printed with --json-format, --branch-probabilities
   * and --stdout. Of a report on several files, such as headers, the one that
   * ends in `file` counts. Throws a Problem for anything else.
   */
  add(report: string, file: string): void {
    const source = parse(report).files.find((one) => one.file === file || one.file.endsWith(`/${file}`));
    if (!source) throw new Problem(`gcov says nothing of ${file}; were the kernel and its notes built together?`);
    for (const { name, start_line: line, execution_count: count } of source.functions) {
      const known = this.functionCounts.get(name);
      if (known) known.count += count;
      else this.functionCounts.set(name, { name, line, count });
    }
    for (const { line_number: line, function_name = '', count, branches } of source.lines) {
      const key = `${line} ${function_name}`;
      const known = this.lineCounts.get(key);
      if (known) {
        known.count += count;
        known.branches = known.branches.map((taken, at) => taken + branches[at]!.count);
      } else {
        this.lineCounts.set(key, { line, function: function_name, count, branches: branches.map((one) => one.count) });
      }
    }
  }

  get functions(): FunctionCoverage[] {
    return [...this.functionCounts.values()].sort((a, b) => a.line - b.line);
  }

  get lines(): LineCoverage[] {
    return [...this.lineCounts.values()].sort((a, b) => a.line - b.line);
  }
}

function parse(report: string): GcovReport {
  try {
    const parsed = JSON.parse(report) as GcovReport;
    if (Array.isArray(parsed.files)) return parsed;
  } catch {
    // Not JSON: the same sentence tells.
  }
  throw new Problem('gcov did not print JSON; version 9 or later is needed, of the compiler that built the kernel.');
}
