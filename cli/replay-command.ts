import type { Selection } from '../conformance/running/selection.ts';
import { mergeNeeds, type Suite, sameMachine } from '../conformance/suites/suite.ts';
import { describeOutcome } from '../reference/interpreter/outcome.ts';
import { describeOp, kindsOf } from '../reports/program-text.ts';
import { RecordFile } from '../reports/record-file.ts';
import { closing, describeGroup, describeLoss, exampleOf, verdictText } from '../reports/text.ts';
import { visible } from '../spec/uapi/visible.ts';
import type { Program, RecordCase, RecordSelection } from '../spec/uapi/vocabulary.ts';
import { assessedRun } from './assessed-run.ts';
import { Interruption } from './interruption.ts';
import { replayOptions } from './options/replay-options.ts';
import { selectionText } from './options/selection-option.ts';
import { loadSetting, type SettingOptions } from './options/setting.ts';
import { type VerbosityOptions, verbosityOf } from './options/verbosity.ts';
import { type OverlaidTargetOptions, openOverlaidTarget } from './overlaid-target.ts';
import { paintFor } from './paint-for.ts';
import { readPrograms } from './read-program.ts';
import { defaultProfile } from './target.ts';

interface ReplayOptions extends SettingOptions, Omit<OverlaidTargetOptions, 'coverage'>, VerbosityOptions {
  target: string;
  record?: string;
  force?: true;
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
  const verbosity = verbosityOf(options);
  const paint = paintFor(process.stdout);
  const programs = what.flatMap(readPrograms);
  const { contract, profile } = loadSetting(options, defaultProfile(options.target));
  const { target } = options;
  const selection: Selection = { suites: [given(programs)], only: [] };
  const selected: RecordSelection = { suites: [], programs: true };
  const record = options.record === undefined ? undefined : new RecordFile(options.record, options.force);
  const opened = await openOverlaidTarget(target, contract, version, options).catch((error) => {
    record?.close();
    throw error;
  });
  const interruption = new Interruption();
  const tell = ({ id }: Program, verdict: string) =>
    process.stdout.write(`${programs.length === 1 ? '' : `${visible(id)}: `}${verdict}
`);
  const { result, code, failed, error } = await assessedRun(
    {
      contract,
      profile,
      target,
      strict: opened.strict,
      adapter: opened.adapter,
      selection,
      answers: 'none',
      needsEveryMachine: true,
      selected: selectionText(selected),
      signal: interruption.signal,
      record,
      environment: opened.overlay,
      options: opened.options,
      seed: 0,
      recorded: selected,
    },
    {
      onSession({ environment, name, version: targetVersion }) {
        if (verbosity !== 'quiet')
          process.stdout.write(`on ${visible(`${name} ${targetVersion}, ${environment.id}`)}\n`);
      },
      onMissing(need, why) {
        for (const program of programs)
          if (sameMachine(program.topology.machine ?? {}, need.machine))
            tell(program, `not-applicable: ${visible(why)}`);
      },
      onCase(line) {
        if (verbosity === 'quiet') return;
        if (programs.length === 1 || verbosity === 'verbose') showOps(line);
        tell(line.trace.program, verdictText(line, paint));
      },
    },
  );
  interruption.release();
  const again = replayOptions({ ...options, contract, profile });
  for (const group of result.groups)
    process.stdout.write(`${describeGroup(group, exampleOf(group, failed)!, again, paint)}\n`);
  for (const loss of result.losses) process.stdout.write(`${describeLoss(loss)}\n`);
  if (verbosity === 'quiet') process.stdout.write(`${closing(result, paint)}\n`);
  if (error !== undefined) throw error;
  process.exitCode = code;
}

function showOps({ trace: { program, outcomes } }: RecordCase): void {
  const kinds = kindsOf(program.ops);
  process.stdout.write(`${visible(program.id)}\n`);
  for (const [i, op] of program.ops.entries()) {
    const outcome = outcomes[i];
    process.stdout.write(
      `  ${i} ${describeOp(op, kinds)}\n      ${outcome ? visible(describeOutcome(outcome)) : 'did not return'}\n`,
    );
  }
}
