import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { simulatorAdapter } from '../adapters/simulator/adapter.ts';
import { defects } from '../adapters/simulator/defects/registry.ts';
import { Assessment } from '../conformance/assess/assessment.ts';
import { run } from '../conformance/running/run.ts';
import type { Selection } from '../conformance/running/selection.ts';
import { suites } from '../conformance/suites/suites.ts';
import { headline } from '../reports/text.ts';
import { loadContract } from '../spec/contract/load.ts';
import { packageRoot } from '../spec/uapi/package-root.ts';
import type { RunResult } from '../spec/uapi/vocabulary.ts';
import { parseOnly } from './options/selection-option.ts';
import { contractFor } from './test-defects.ts';

const data = loadContract();

/** What a run of the scenarios, and of everything about the operation that a defect sits in, says of it. */
async function resultOf(defect: (typeof defects)[number]): Promise<{ profile: string; result: RunResult }> {
  const { contract, profile } = contractFor(data, defect);
  const selection: Selection = { suites, only: parseOnly(data, ['scenarios', defect.handler]) };
  const target = `sim:defect=${defect.name}`;
  const assessment = new Assessment({ contract, profile, target, strict: true, selection, answers: 'none' });
  await run(
    {
      contract,
      adapter: simulatorAdapter(contract.parameters, target, defect),
      ...selection,
      judge: (trace, environment) => assessment.judge(trace, environment),
    },
    {
      onCase(one, judged, environment) {
        assessment.add(one, judged, environment);
      },
    },
  );
  return { profile, result: assessment.finish({ seconds: 0, complete: true }).result };
}

/** Kinds of failures that are told of a defect. */
const TOLD = 3;

test.runIf(inject('sweep') === 'whole')('the page of defects tells what a run says of each', async () => {
  const sections: string[] = [];
  for (const defect of defects) {
    const { profile, result } = await resultOf(defect);
    const failing = result.groups.reduce((sum, { count }) => sum + count, 0);
    const told = result.groups.slice(0, TOLD).map((group) => {
      const { signature, count, explanation } = group;
      const settings = explanation?.settings[0]?.set.map((one) => `\`--set ${one}\``).join(' ');
      const shows = headline(group) === signature.rule ? '' : `, seen at \`${signature.rule}\``;
      const sentence = explanation?.sentence ?? 'Whatever a program asks for, the implementation goes on working.';
      return `- \`${headline(group)}\`${shows} (${count}): ${sentence} Expected ${signature.expected}, got ${signature.actual}.${settings ? ` All conform with ${settings}.` : ''}`;
    });
    const more = result.groups.length - TOLD;
    sections.push(
      [
        `## ${defect.name}`,
        '',
        `${defect.sentence} (${defect.handler}, ${defect.kind.replaceAll('_', ' ')})`,
        '',
        ...(told.length > 0
          ? [
              `By \`${profile}\`, ${failing === 1 ? 'one program fails' : `${failing} programs fail`}:`,
              '',
              ...told,
              ...(more > 0 ? [`- and ${more === 1 ? 'one more kind' : `${more} more kinds`} of failures.`] : []),
            ]
          : [`By \`${profile}\`, no program fails: ${defect.unnoticed ?? 'nothing notices it.'}`]),
      ].join('\n'),
    );
  }
  const page = [
    '<!-- Made by cli/defects-page.sweep.test.ts; `npm run test:full -- -u` writes it. -->',
    '# Defects of the simulator, and what is said of each',
    '',
    'Each of these can be put into the simulator with `--target sim:defect=NAME`. Below it stand the first kinds of failures',
    'of `vfio-conform run --target sim:defect=NAME --only scenarios --only OPERATION`: the rule that is named, where it is seen, how',
    'many programs fail so, and the rule in one sentence.',
    '',
    sections.join('\n\n'),
    '',
  ].join('\n');
  await expect(page).toMatchFileSnapshot(join(packageRoot, 'docs/defects.md'));
});
