import { readFileSync } from 'node:fs';
import { run } from '../conformance/run.ts';
import type { Suite } from '../conformance/suite.ts';
import { checkedProgram, fromToken } from '../conformance/token.ts';
import { toRecordCase } from '../conformance/verdict.ts';
import { describeOutcome } from '../reference/outcome.ts';
import { describeOp, kindsOf } from '../reports/program-text.ts';
import { exitCode } from '../reports/tally.ts';
import { describeFailure } from '../reports/text.ts';
import { Problem } from '../spec/uapi/problem.ts';
import { unknownName } from '../spec/uapi/unknown-name.ts';
import type { Program } from '../spec/uapi/vocabulary.ts';
import { loadSetting, type SettingOptions } from './setting.ts';
import { defaultProfile, openTarget } from './target.ts';

interface ReplayOptions extends SettingOptions {
  target: string;
  modules?: string;
}

/** `vfio-conform replay`: runs one program, shows its trace and verdict, sets the exit code. Throws a Problem. */
export async function replayCommand(what: string, options: ReplayOptions, version: string): Promise<void> {
  const program = what.startsWith('vc1.') ? fromToken(what) : readProgram(what);
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

function readProgram(file: string): Program {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new Problem(
      `${file}: cannot be read; give the token of a failure (it starts with vc1.) or a file with a program.`,
    );
  }
  let program: Program;
  try {
    program = checkedProgram(JSON.parse(text), file);
  } catch (error) {
    if (error instanceof SyntaxError) throw new Problem(`${file}: not JSON: ${error.message}`);
    throw error;
  }
  const unknown = unknownName(program);
  if (unknown !== undefined) throw new Problem(`${file}: ${unknown}; mend the name.`);
  return program;
}
