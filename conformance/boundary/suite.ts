import { fromBigInt } from '../../spec/uapi/integer.ts';
import { type Ioctl, uapi } from '../../spec/uapi/uapi.ts';
import type { Op, Program } from '../../spec/uapi/vocabulary.ts';
import { memory } from '../build.ts';
import { situations } from '../situations.ts';
import { mergeNeeds, type Suite, sameMachine } from '../suite.ts';
import { readCuts, writeCuts } from './cuts.ts';
import { type Surroundings, valueEdges } from './edges.ts';
import { pairsOfFields, singleFields } from './field-edges.ts';
import { formsOf } from './forms.ts';
import { unknownNumbers } from './numbers.ts';
import { type Make, probe } from './probe.ts';
import { SituationModel } from './situation-model.ts';

/** Each ioctl, in each state it can meet, with each field at its edges and its argument cut off at every byte. */
export const boundary: Suite = {
  name: 'boundary',
  about: 'Each field of each argument at its edges, each argument cut off at every byte, in each state.',
  needs: () => mergeNeeds(situations.map(({ machine = {}, slots }) => ({ machine, slots: Object.values(slots) }))),
  *programs(contract, environment) {
    for (const situation of situations) {
      if (!sameMachine(situation.machine ?? {}, environment.machine)) continue;
      const model = new SituationModel(situation, contract, environment);
      const surroundings = { environment, mappings: model.mappings };
      for (const [name, ioctl] of Object.entries(uapi.ioctls)) {
        if (ioctl.fd !== situation.probe || ioctl.argument === 'elsewhere') continue;
        const { number, feature } = ioctl;
        yield* probesOf(
          ioctl,
          (what, before, argument) => probe(situation, name, what, before, { number, argument }, feature),
          model,
          surroundings,
        );
      }
      for (const { label, number } of unknownNumbers(situation.probe)) {
        const request = fromBigInt(BigInt(number));
        yield probe(situation, 'unknown', label, [], { number: request, argument: { value: 0 } });
        yield probe(situation, 'unknown', `${label}_with_memory`, [], {
          number: request,
          argument: { memory: 'arg', at: 0 },
        });
      }
    }
  },
};

function* probesOf(ioctl: Ioctl, make: Make, model: SituationModel, surroundings: Surroundings): Iterable<Program> {
  if (ioctl.argument !== 'struct') {
    for (const { label, value } of valueEdges(ioctl)) yield make(label, [], { value: fromBigInt(value) });
    return;
  }
  const buffer: Op[] = uapi.structs[ioctl.struct!]!.fields.some(({ holds }) => holds === 'address')
    ? [memory('buf', 4)]
    : [];
  const buffered: Make = (what, before, argument) => make(what, [...buffer, ...before], argument);
  const [plain, ...extended] = formsOf(ioctl.struct!);
  for (const form of [plain!, ...extended]) {
    yield* singleFields(form, buffered, surroundings);
    yield* readCuts(form, buffered);
  }
  // Where the argument is not even read, two wrong fields tell no more than one.
  if (model.reads(ioctl)) yield* pairsOfFields(plain!, buffered, surroundings);
  for (const length of model.writes(ioctl)) yield* writeCuts(plain!, length, buffered, surroundings);
  for (const [label, value] of badPointers) yield make(`pointer_${label}`, [], { value });
}

/** Pointers that no process may pass. */
const badPointers: [string, number | string][] = [
  ['null', 0],
  ['one', 1],
  ['not_canonical', '0x800000000000'],
  ['kernel_half', '0xffff800000000000'],
  ['top', '0xffffffffffffffff'],
];
