import { run } from '../conformance/run.ts';
import type { Suite } from '../conformance/suite.ts';
import { toRecordCase } from '../conformance/verdict.ts';
import { describeOutcome } from '../reference/outcome.ts';
import { describeOp, kindsOf } from '../reports/program-text.ts';
import { exitCode } from '../reports/tally.ts';
import { describeFailure } from '../reports/text.ts';
import { Problem } from '../spec/uapi/problem.ts';
import { readProgram } from './read-program.ts';
import { loadSetting, type SettingOptions } from './setting.ts';
import { defaultProfile, openTarget } from './target.ts';

interface ReplayOptions extends SettingOptions {
  target: string;
  modules?: string;
}

/** `vfio-conform replay`: runs one program, shows its trace and verdict, sets the exit code. Throws a Problem. */
export async function replayCommand(what: string, options: ReplayOptions, version: string): Promise<void> {
  const program = readProgram(what);
  const { contract } = loadSetting(options, defaultProfile(options.target));
  const { adapter, strict } = await openTarget(options.target, contract, version, options.modules);
  const { machine = {}, slots } = program.topology;
  const suite: Suite = {
    name: 'replay',
    about: '',
    needs: () => [{ machine, slots: Object.values(slots) }],
    programs: () => [program],
  };
  await run(
    { contract, adapter, suites: [suite], strict },
    {
      onSession({ name, version: targetVersion, environment }) {
        process.stdout.write(`${program.id} on ${name} ${targetVersion}, ${environment.id}\n`);
      },
      onMissing() {
        throw new Problem(`--target ${options.target}: does not offer the machine that the program needs.`);
      },
      onCase(_, trace, verdict) {
        for (const [i, op] of trace.program.ops.entries()) {
          const outcome = trace.outcomes[i];
          process.stdout.write(
            `  ${i} ${describeOp(op, kindsOf(trace.program.ops))}\n      ${outcome ? describeOutcome(outcome) : 'did not return'}\n`,
          );
        }
        const one = toRecordCase('replay', trace, verdict);
        process.stdout.write(
          one.failure
            ? `${describeFailure(one, `--target ${options.target}`)}\n`
            : `${one.verdict}${one.reason ? `: ${one.reason}` : ''}\n`,
        );
        process.exitCode = exitCode({ [one.verdict!]: 1 }, true, []);
      },
    },
  );
}
