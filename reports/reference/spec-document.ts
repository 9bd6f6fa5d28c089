import type { ContractData } from '../../spec/contract/types.ts';
import { packageJson } from '../../spec/uapi/package-json.ts';
import { uapi } from '../../spec/uapi/uapi.ts';
import type { SpecDocument, SpecOrderedStep } from '../../spec/uapi/vocabulary.ts';
import { errnosOf, kindOf, type NestedStep, outcomeText, ruleOf, stepsAt, wordsOf } from './contract-text.ts';

/** All of the contract in one document for other tools; its schema is spec/uapi/schema/spec-document.schema.json. */
export function toSpecDocument(data: ContractData): SpecDocument {
  const { sources, rules, handlers, parameters, profiles, findings, invariants } = data;
  return {
    format: 2,
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
  const words = wordsOf(step).map(([word, by]) => ({ word, rule: by }));
  return {
    depth,
    kind: kindOf(step) ?? (step.each ? 'each' : 'if'),
    ...(rule !== undefined && { rule }),
    ...(outcome && { outcome: outcomeText(outcome) }),
    errnos: outcome ? errnosOf(outcome) : [],
    ...(step.if !== undefined && { if: step.if }),
    ...(step.each && { each: step.each }),
    ...(words.length > 0 && { words }),
    ...(step.on_fault !== undefined && { onFault: step.on_fault }),
    ...(step.from !== undefined && { from: step.from }),
    ...(step.length !== undefined && { length: step.length }),
    ...(step.up_to !== undefined && { upTo: step.up_to }),
  };
}
