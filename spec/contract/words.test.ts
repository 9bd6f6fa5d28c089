import { expect, test } from 'vitest';
import { contractFolder, loadContract } from './load.ts';

const { rules, parameters, profiles, findings, invariants } = loadContract(contractFolder);

/** Words that other projects do not use in this sense, with those of the kernel. */
const avoided: [word: RegExp, instead: string][] = [
  [/\banswer(s|ed)?\b/, 'returns, or fails with an errno'],
  [/\b(tells?|told)\b/, 'reports'],
  [/\bannounc(e|es|ed)\b/, 'advertises'],
  [/\bremember(s|ed)?\b/, 'caches, keeps'],
  [/\bforg(et|ets|otten)\b/, 'invalidates, drops'],
  [/\binsists?\b/, 'prefers'],
  [/\btagged\b/, 'with a PASID'],
  [/\bclaim(s|ed)?\b/, 'is bound to a host driver'],
  [/\bwrappers?\b/, 'the IOMMU core'],
  [/\bsurroundings\b/, 'the base kernel'],
  [/\bseries of (2020|March 2020)\b|\brequests of 2020\b/, 'the 2020 nesting series'],
];

const texts = [
  ...[...rules.values()].flatMap(({ id, sentence, note }) => [
    [id, id.replaceAll('_', ' ')],
    [id, sentence],
    [id, note ?? ''],
  ]),
  ...[...parameters.values()].flatMap(({ id, sentence, values }) => [
    [id, id.replaceAll('_', ' ')],
    [id, sentence],
    ...Object.entries(values).flatMap(([value, meaning]) => [
      [id, value.replaceAll('_', ' ')],
      [id, meaning],
    ]),
  ]),
  ...[...profiles.values(), ...findings.values()].map(({ id, sentence }) => [id, sentence]),
  ...[...invariants.values()].flatMap(({ id, sentence, premise }) => [
    [id, sentence],
    [id, premise],
  ]),
] as [id: string, text: string][];

test.each(avoided)('no sentence and no name of the contract says %s: %s', (word) => {
  expect(texts.filter(([, text]) => word.test(text))).toEqual([]);
});
