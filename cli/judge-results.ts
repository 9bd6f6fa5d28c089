import { parseAnswer } from '../adapters/remote/messages.ts';
import { toBriefText, toText } from '../reports/text.ts';
import type { Adapter, ProgramResult } from '../spec/uapi/adapter.ts';
import { limits, refuseLongText } from '../spec/uapi/limits.ts';
import { Problem } from '../spec/uapi/problem.ts';
import { readText } from '../spec/uapi/read-text.ts';
import { complaint, validator } from '../spec/uapi/validator.ts';
import { visible, visibleJson } from '../spec/uapi/visible.ts';
import type { DescriptionAnswer, ProgramsPlan, RecordCase } from '../spec/uapi/vocabulary.ts';
import { assessedRun } from './assessed-run.ts';
import { replayOptions } from './options/replay-options.ts';
import { parseReports, writeReports } from './options/report-option.ts';
import { rulesToReach, selectionOf, selectionText } from './options/selection-option.ts';
import { loadData, type SettingOptions, settingAt } from './options/setting.ts';
import { type VerbosityOptions, verbosityOf } from './options/verbosity.ts';
import { paintFor } from './paint-for.ts';

interface ResultsOptions extends SettingOptions, VerbosityOptions {
  programs: string;
  report?: string[];
  allowLosses?: true;
  json?: boolean;
}

/** What a replay of a failure names: the daemon that ran it. */
const TARGET = 'exec:vfio-conformd';

/**
 * Judges what a daemon answered to a file of requests as a run of the same programs does: the programs are made again for the
 * machine that the daemon describes, and each is answered from the file. Sets the exit code. Throws a Problem.
 */
export async function judgeResults(file: string, options: ResultsOptions): Promise<void> {
  const verbosity = verbosityOf(options);
  const reports = parseReports(options.report, options.json);
  const { plan, ids } = readRequests(options.programs);
  const { description, results, cut } = readResults(file);
  const data = loadData(options);
  const made = Object.entries(plan.parameters).map(([id, value]) => `${id}=${value}`);
  const own = options.profile === undefined || options.profile === plan.profile ? made : [];
  const set = [...own, ...(options.set ?? [])];
  const { contract, profile } = settingAt(data, options.profile ?? plan.profile, { set });
  const selection = selectionOf(contract.data, plan.selection);
  const ended = new AbortController();
  const adapter: Adapter = {
    target: TARGET,
    start: async () => ({
      description,
      window: 1,
      run(program): ProgramResult | Promise<ProgramResult> {
        const known = ids.get(program.id);
        if (known === undefined || known.text !== JSON.stringify(program))
          throw new Problem(
            `${options.programs}: has not got the program ${program.id} as it is for the machine of ${file}; make it again with programs --as requests --environment, and run it.`,
          );
        const result = results.get(known.id);
        if (result) return result;
        ended.abort();
        return new Promise(() => {});
      },
      async stop() {},
    }),
  };
  const cases: RecordCase[] = [];
  const { result, code, footer, failed, complete, error } = await assessedRun(
    {
      contract,
      profile,
      target: TARGET,
      strict: false,
      adapter,
      selection,
      answers: rulesToReach(plan.selection),
      selected: selectionText(plan.selection),
      allowLosses: options.allowLosses,
      signal: ended.signal,
      options: {},
      seed: 0,
      recorded: plan.selection,
    },
    { onCase: (line) => void cases.push(line) },
  );
  if (error !== undefined) throw error;
  const replay = replayOptions({ target: TARGET, contract, profile, spec: options.spec });
  const reportable = { result, footer, failed, cases, allowLosses: options.allowLosses, replay };
  const elsewhere = options.json || reports.some(({ file: own }) => own === undefined);
  const people = elsewhere ? process.stderr : process.stdout;
  people.write((verbosity === 'quiet' ? toBriefText : toText)(reportable, paintFor(people)));
  if (!complete)
    process.stderr.write(
      `vfio-conform: ${visible(file)}: is incomplete: ${cut ?? 'not every program has a result'}; ${cases.length} cases are there and were judged.\n`,
    );
  if (options.json) process.stdout.write(`${visibleJson(result)}\n`);
  writeReports(reports, reportable);
  process.exitCode = code;
}

/** The requests of a file, each program with the number of its request, and what they were made by. */
function readRequests(file: string): { plan: ProgramsPlan; ids: Map<string, { id: number; text: string }> } {
  const remedy = 'give what vfio-conform programs --as requests printed';
  const [first, ...rest] = readText(file, remedy).split('\n').filter(Boolean);
  const begin = parsed(first ?? '', `${file}:1`, 'describe', remedy) as { plan?: ProgramsPlan };
  if (!begin.plan) throw new Problem(`${file}:1: does not say what the programs were made by; ${remedy}.`);
  const ids = new Map<string, { id: number; text: string }>();
  rest.forEach((line, i) => {
    const { id, program } = parsed(line, `${file}:${i + 2}`, 'run', remedy) as { id: number; program: { id: string } };
    ids.set(program.id, { id, text: JSON.stringify(program) });
  });
  return { plan: begin.plan, ids };
}

/** A line that is a message of a kind. Throws a Problem. */
function parsed(line: string, place: string, kind: 'describe' | 'run', remedy: string): unknown {
  refuseLongText(line, limits.line, place, 'a line');
  const validate = validator(`protocol.schema.json#/$defs/${kind}`);
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new Problem(`${place}: not a line of JSON; ${remedy}.`);
  }
  if (validate(value)) return value;
  const { place: at, clause } = complaint(validate);
  throw new Problem(`${place}: ${at} ${clause}; ${remedy}.`);
}

interface Results {
  description: DescriptionAnswer;
  /** By the number of the request. */
  results: Map<number, ProgramResult>;
  /** What is wrong with the end of the file, as a clause. */
  cut?: string;
}

/** What a daemon answered. A last line that was cut off is left out; anything else malformed throws a Problem. */
function readResults(file: string): Results {
  const remedy = 'give what vfio-conformd answered, from its first line on';
  const lines = readText(file, remedy).split('\n');
  const last = lines.pop()!;
  const results: Results['results'] = new Map();
  let description: DescriptionAnswer | undefined;
  lines.forEach((line, i) => {
    const place = `${file}:${i + 1}`;
    refuseLongText(line, limits.line, place, 'a line');
    const answer = answerOf(line, place, remedy);
    if (answer.type === 'error')
      throw new Problem(`${place}: the daemon did not understand a request: ${answer.message}; ${remedy}.`);
    if (answer.type === 'description') description ??= answer;
    else {
      const { type: _, id, ...result } = answer;
      if (results.has(id))
        throw new Problem(`${place}: a second result of request ${id}; give the answers of one run.`);
      results.set(id, result);
    }
  });
  if (!description) throw new Problem(`${file}: has no description of the machine; ${remedy}.`);
  return { description, results, ...(last !== '' && { cut: `it was cut off in line ${lines.length + 1}` }) };
}

function answerOf(line: string, place: string, remedy: string) {
  try {
    return parseAnswer(line);
  } catch (error) {
    throw new Problem(`${place}: ${(error as Error).message.replace(/^it sent/, 'holds')}; ${remedy}.`);
  }
}
