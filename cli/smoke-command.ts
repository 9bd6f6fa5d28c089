import { NotTheProtocol } from '../adapters/remote/not-the-protocol.ts';
import type { Session } from '../spec/uapi/adapter.ts';
import { shellWord, shellWords } from '../spec/uapi/shell-words.ts';
import { visible, visibleJson } from '../spec/uapi/visible.ts';
import type { SmokeResult, SmokeStepResult } from '../spec/uapi/vocabulary.ts';
import { loadSetting } from './options/setting.ts';
import { paintFor } from './paint-for.ts';
import { noDescription } from './smoke/description.ts';
import { smoke, smokeSentence } from './smoke/smoke.ts';
import { defaultProfile, openTarget, type TargetOptions } from './target.ts';

interface SmokeOptions extends Pick<TargetOptions, 'stall'> {
  target: string;
  json?: boolean;
}

/**
 * `vfio-conform smoke`: takes an adapter step by step, with programs that need no VFIO, and says where it is not what
 * docs/protocol.md says. Sets the exit code. Throws a Problem.
 */
export async function smokeCommand({ target, stall, json }: SmokeOptions, version: string): Promise<void> {
  const { contract } = loadSetting({}, defaultProfile(target));
  const { adapter } = await openTarget(target, contract, version, { stall });
  const out = json ? process.stderr : process.stdout;
  const steps: SmokeStepResult[] = [];
  const losses: string[] = [];
  const add = (step: SmokeStepResult): void => {
    steps.push(step);
    out.write(`${stepText(step, target, out)}\n`);
  };
  let session: Session | undefined;
  try {
    session = await adapter.start(
      { machine: {}, slots: [] },
      {
        onLoss({ why }) {
          losses.push(why);
          out.write(`${paintFor(out)('bad', 'LOST')}      ${visible(why)}\n`);
        },
      },
    );
    for await (const step of smoke(session)) add(step);
  } catch (error) {
    if (!(error instanceof NotTheProtocol) || session) throw error;
    add(noDescription(error.clause));
  } finally {
    await session?.stop();
  }
  const failed = steps.some(({ verdict }) => verdict === 'failed');
  const conforms = !failed && losses.length === 0 && steps.some(wasTried);
  const { name, version: targetVersion, ops } = session?.description ?? {};
  const result: SmokeResult = {
    target,
    ...(name !== undefined && { name, version: targetVersion, ops }),
    conforms,
    steps,
    losses,
  };
  out.write(`${visible(closing(result))}\n`);
  if (json) process.stdout.write(`${visibleJson(result)}\n`);
  process.exitCode = conforms ? 0 : failed ? 1 : 3;
}

/** That a target describes itself says nothing of what it does. */
const wasTried = ({ step, verdict }: SmokeStepResult): boolean => step !== 'describe' && verdict === 'passed';

const labels = { passed: 'passed', failed: 'FAILED', left_out: 'left out' } as const;
const tones = { passed: 'good', failed: 'bad', left_out: 'open' } as const;
const indent = ' '.repeat(10);

/** A step; of what is wrong in it the first, and how to see that. */
function stepText(one: SmokeStepResult, target: string, out: NodeJS.WriteStream): string {
  const { step, verdict, failures } = one;
  const label = paintFor(out)(tones[verdict], labels[verdict]) + ' '.repeat(indent.length - labels[verdict].length);
  const [first, ...others] = failures;
  if (!first) return `${label}${visible([step, about(one)].filter(Boolean).join(': '))}`;
  const lines = [`${label}${visible(`${step}: ${smokeSentence(first)}`)}`];
  if (first.programs.length > 0)
    lines.push(`${indent}vfio-conform ${shellWords(['replay', ...first.programs])} --target ${shellWord(target)}`);
  if (others.length > 0) lines.push(`${indent}${others.length} more of this step; --json has all.`);
  return lines.join('\n');
}

/** How much of a step was tried, where nothing is wrong. */
function about({ step, verdict, programs, leftOut }: SmokeStepResult): string {
  if (step === 'describe') return '';
  const why = leftOut.join('; ');
  if (verdict === 'left_out') return why;
  const tried = `${programs} program${programs === 1 ? '' : 's'}`;
  return why === '' ? tried : `${tried}; others are left out: ${why}`;
}

function closing({ name, version, conforms, steps, losses }: SmokeResult): string {
  const who = name === undefined ? 'The adapter' : `${name} ${version}`;
  const named = (wanted: SmokeStepResult['verdict']) =>
    steps.flatMap(({ step, verdict }) => (verdict === wanted ? [step] : []));
  const [first] = named('failed');
  if (first !== undefined) return `${who} does not do what docs/protocol.md says; mend ${first} first.`;
  if (losses.length > 0) return `${who} was lost, and nothing brought it about again.`;
  if (!conforms) return `${who} performs none of the ops that are tried here.`;
  const without = named('left_out');
  return `${who} does what docs/protocol.md says${without.length === 0 ? '' : `; left out: ${without.join(', ')}`}.`;
}
