import { outcomeText, sourceText, stepsAt } from '../../reports/reference/contract-text.ts';
import { rulesOf } from '../../spec/contract/steps.ts';
import { explainHandler } from './handler.ts';
import type { Subject } from './subject.ts';
import { profilesText } from './where.ts';

/** Rules, by id: all that they say, and where they are among the steps. */
export const ruleSubject: Subject = {
  kind: 'a rule',
  names: ({ rules }) => [...rules.keys()],
  fits: ({ contract }, name) => contract.rules.has(name),
  explain(asking, name) {
    const { data, contract, label } = asking;
    const { id, level, sentence, outcome, sources, verified, note, logs = [], findings = [] } = data.rules.get(name)!;
    const lines = [`${id} (${level})`, `  ${sentence}`];
    if (outcome) lines.push(`  outcome:    ${outcomeText(outcome)}`);
    for (const source of sources) lines.push(`  source:     ${sourceText(data, source)}`);
    if (verified) lines.push(`  observed:   Linux ${verified.join(', ')}`);
    if (note) lines.push(`  note:       ${note}`);
    for (const pattern of logs) lines.push(`  may log:    what fits ${pattern}`);
    for (const finding of findings) lines.push(`  finding:    ${finding}: ${data.findings.get(finding)!.sentence}`);
    lines.push(`  present in: ${profilesText(data, id).replace(/^in /, '')}`);
    if (!contract.rules.has(id)) lines.push(`  not part of ${label}`);
    for (const handler of data.handlers) {
      const steps = handler.table ? [] : stepsAt(data, handler.steps, contract.parameters);
      if (steps.some(({ step }) => rulesOf(step).includes(id))) lines.push('', explainHandler(asking, handler, id));
    }
    return lines.join('\n');
  },
};
