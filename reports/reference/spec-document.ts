import { loopOf, ruleOf, wordsOf } from '../../spec/contract/steps.ts';
import type { ContractData, Step } from '../../spec/contract/types.ts';
import { packageJson } from '../../spec/uapi/package-json.ts';
import { uapi } from '../../spec/uapi/uapi.ts';
import type { SpecDocument, SpecOrderedStep } from '../../spec/uapi/vocabulary.ts';
import { errnosOf, type NestedStep, outcomeText, stepsAt } from './contract-text.ts';

/** All of the contract in one document for other tools; its schema is spec/uapi/schema/spec-document.schema.json. */
export function toSpecDocument(data: ContractData): SpecDocument {
  const { sources, rules, handlers, parameters, profiles, findings, invariants } = data;
  return {
    format: 3,
    tool: `${packageJson.name} ${packageJson.version}`,
    uapi,
    sources: [...sources.values()],
    rules: [...rules.values()],
    handlers,
    parameters: [...parameters.values()],
    profiles: [...profiles.values()].map((profile) => ({
      ...profile,
      handlers: handlers.map(({ id, steps }) => ({
        handler: id,
        steps: stepsAt(data, steps, profile.parameters).map((nested) => orderedStep(data, nested)),
      })),
    })),
    findings: [...findings.values()],
    invariants: [...invariants.values()],
  };
}

function orderedStep({ rules }: ContractData, { step, depth }: NestedStep): SpecOrderedStep {
  const rule = ruleOf(step);
  const outcome = rule === undefined ? undefined : rules.get(rule)!.outcome;
  const loop = loopOf(step);
  const words = wordsOf(step).map(([word, by]) => ({ word, rule: by }));
  return {
    depth,
    kind: step.kind === 'each_device' ? 'each' : step.kind === 'block' ? 'if' : step.kind,
    ...(rule !== undefined && { rule }),
    ...(outcome && { outcome: outcomeText(outcome) }),
    errnos: outcome ? errnosOf(outcome) : [],
    ...(step.if !== undefined && { if: step.if }),
    ...(loop !== undefined && { each: loop }),
    ...(words.length > 0 && { words }),
    ...copied(step),
  };
}

/** What a step copies of the argument. */
function copied(step: Step): Pick<SpecOrderedStep, 'from' | 'length' | 'upTo' | 'onFault'> {
  if (step.kind === 'read') return { from: step.from, length: step.length };
  if (step.kind !== 'write') return {};
  const { from, length, up_to: upTo, on_fault: onFault } = step;
  return {
    ...(onFault !== undefined && { onFault }),
    ...(from !== undefined && { from }),
    ...(length !== undefined && { length }),
    ...(upTo !== undefined && { upTo }),
  };
}
