import { Assessment, type Judged } from '../conformance/assess/assessment.ts';
import { type Listener, run } from '../conformance/running/run.ts';
import type { Selection } from '../conformance/running/selection.ts';
import { mergeNeeds, type Suite, sameMachine } from '../conformance/suites/suite.ts';
import { describeOutcome } from '../reference/interpreter/outcome.ts';
import { describeOp, kindsOf } from '../reports/program-text.ts';
import { FORMAT, RecordFile } from '../reports/record-file.ts';
import { describeGroup, exampleOf } from '../reports/text.ts';
import { Problem } from '../spec/uapi/problem.ts';
import type { Program, RecordCase, RecordSelection } from '../spec/uapi/vocabulary.ts';
import { machineLine } from './machine-line.ts';
import { replayOptions } from './options/replay-options.ts';
import { selectionText } from './options/selection-option.ts';
import { loadSetting, type SettingOptions } from './options/setting.ts';
import { readPrograms } from './read-program.ts';
import { defaultProfile, openTarget } from './target.ts';
import { tool } from './tool.ts';

interface ReplayOptions extends SettingOptions {
  target: string;
  modules?: string;
  record?: string;
}

/** A suite of programs that were given one by one. */
const given = (programs: readonly Program[]): Suite => ({
  name: 'replay',
  about: 'Programs that were given.',
  needs: () =>
    mergeNeeds(programs.map(({ topology: { machine = {}, slots } }) => ({ machine, slots: Object.values(slots) }))),
  *units(_, { machine }) {
    for (const program of programs)
      if (sameMachine(program.topology.machine ?? {}, machine))
        yield { id: program.id, ops: program.ops, programs: () => [program] };
  },
});

/**
 * `vfio-conform replay`: runs programs, each kind of machine started once, and shows what they did: one op by op, several
 * by their verdicts. Sets the exit code. Throws a Problem.
 */
export async function replayCommand(what: readonly string[], options: ReplayOptions, version: string): Promise<void> {
  const programs = what.flatMap(readPrograms);
  const { contract, profile } = loadSetting(options, defaultProfile(options.target));
  const { target } = options;
  const { adapter, strict } = await openTarget(target, contract, version, options.modules);
  const selection: Selection = { suites: [given(programs)], only: [] };
  const selected: RecordSelection = { suites: [], programs: true };
  const assessment = new Assessment({
    contract,
    profile,
    target,
    strict,
    selection,
    answers: 'none',
    selected: selectionText(selected),
  });
  const record = options.record === undefined ? undefined : new RecordFile(options.record);
  record?.write({
    kind: 'header',
    format: FORMAT,
    tool: tool(),
    contract: contract.data.hash,
    target,
    options: options.modules === undefined ? {} : { modules: options.modules },
    profile,
    parameters: contract.parameters,
    strict,
    seed: 0,
    selection: selected,
  });
  const started = Date.now();
  const missing: Program[] = [];
  const listener: Listener<Judged> = {
    onSession(description, sessionCases) {
      const { environment, name, version: targetVersion } = description;
      process.stdout.write(`on ${name} ${targetVersion}, ${environment.id}\n`);
      const units = new Set(sessionCases.map(({ place }) => place.unit));
      assessment.machine(environment, `${name} ${targetVersion}`, units);
      record?.write(machineLine(environment, `${name} ${targetVersion}`, sessionCases));
    },
    onMissing(need) {
      record?.write(assessment.missing(need));
      missing.push(...programs.filter(({ topology }) => sameMachine(topology.machine ?? {}, need.machine)));
    },
    onCase(one, judged, environment) {
      const line = assessment.add(one, judged, environment);
      record?.write(line);
      if (programs.length === 1) showOps(line);
      const { verdict, reason, failure } = line;
      const why =
        reason ?? (failure && `${failure.signature.rule}, expected ${failure.expected}, got ${failure.actual}`);
      process.stdout.write(
        `${programs.length === 1 ? '' : `${one.trace.program.id}: `}${verdict}${why ? `: ${why}` : ''}\n`,
      );
    },
  };
  const finish = (complete: boolean, lost?: string) => {
    const seconds = (Date.now() - started) / 1000;
    const { result, code, footer, failed } = assessment.finish({ seconds, complete, lost });
    record?.write(footer);
    record?.close();
    const again = replayOptions({ ...options, contract, profile });
    for (const group of result.groups)
      process.stdout.write(`${describeGroup(group, exampleOf(group, failed)!, again)}\n`);
    process.exitCode = code;
  };
  const judge = (...args: Parameters<Assessment['judge']>) => assessment.judge(...args);
  try {
    const { complete } = await run({ contract, adapter, ...selection, judge }, listener);
    finish(complete && missing.length === 0);
  } catch (error) {
    // What was judged before the target was lost is not lost.
    if (assessment.programs > 0) finish(false, error instanceof Error ? error.message : String(error));
    throw error;
  }
  if (missing.length > 0)
    throw new Problem(
      `--target ${target}: does not offer the machine that ${missing.map(({ id }) => id).join(', ')} needs.`,
    );
}

function showOps({ trace: { program, outcomes } }: RecordCase): void {
  const kinds = kindsOf(program.ops);
  process.stdout.write(`${program.id}\n`);
  for (const [i, op] of program.ops.entries()) {
    const outcome = outcomes[i];
    process.stdout.write(
      `  ${i} ${describeOp(op, kinds)}\n      ${outcome ? describeOutcome(outcome) : 'did not return'}\n`,
    );
  }
}
