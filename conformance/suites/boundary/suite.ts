import type { Contract } from '../../../reference/interpreter/contract.ts';
import { fromBigInt } from '../../../spec/uapi/integer.ts';
import { type Ioctl, uapi } from '../../../spec/uapi/uapi.ts';
import type { Environment, Op, Program } from '../../../spec/uapi/vocabulary.ts';
import { memory, openDevice } from '../../programs/build.ts';
import { type DataLayout, layoutOf } from '../../programs/nesting-ops.ts';
import { decides } from '../../programs/rehearsal.ts';
import { mergeNeeds, type Suite, sameMachine, type Unit } from '../suite.ts';
import { readCuts, writeCuts } from './cuts.ts';
import { interruptData } from './device-interrupts.ts';
import { anyAccess, deviceRegions, regionOps } from './device-regions.ts';
import type { EdgeContext } from './edge.ts';
import { valueEdges } from './edges.ts';
import { pairsOfFields, ranges, singleFields } from './field-edges.ts';
import { atTheEnd, formsOf } from './forms.ts';
import { nameProbes } from './names.ts';
import { nestingSituations } from './nesting-situations.ts';
import { unknownNumbers } from './numbers.ts';
import { badPointers } from './pointers.ts';
import { type Make, probe } from './probe.ts';
import type { Situation } from './situation.ts';
import { leavesOpen, SituationModel } from './situation-model.ts';
import { situations } from './situations.ts';

/** Each ioctl, in each state it can meet, with each field at its edges and its argument cut off at every byte. */
export const boundary: Suite = {
  name: 'boundary',
  about: 'Each field of each argument at its edges, each argument cut off at every byte, in each state.',
  needs: () =>
    mergeNeeds(
      [...situations, ...nestingSituations('version_first')].map(({ machine = {}, slots }) => ({
        machine,
        slots: Object.values(slots),
      })),
    ),
  *units(contract, environment) {
    const layout = layoutOf(contract.parameters);
    for (const situation of [...situations, ...nestingSituations(layout)]) {
      const { machine = {}, feature, numbers } = situation;
      if (!sameMachine(machine, environment.machine)) continue;
      if (feature && contract.parameters[feature] === 'absent') continue;
      yield* unitsOf(situation, contract, environment, layout);
      if (situation.id === 'd_open') yield* regionUnits(situation, environment);
      if (numbers) yield unknownNumbersIn(situation, contract, environment);
    }
  },
};

/** A unit for each ioctl that is tried in a situation. What the model says of the situation is worked out once, and only if one is asked. */
function* unitsOf(
  situation: Situation,
  contract: Contract,
  environment: Environment,
  layout: DataLayout,
): Iterable<Unit> {
  let model: SituationModel | undefined;
  for (const [name, ioctl] of Object.entries(uapi.ioctls)) {
    if (situation.only && !situation.only.includes(name)) continue;
    if (ioctl.fd !== situation.probe || !contract.data.handlers.some((handler) => handler.ioctl === name)) continue;
    const struct = (layout === 'argsz_first' && ioctl.argszFirst) || ioctl.struct;
    yield {
      id: `boundary/${name}/${situation.id}`,
      ops: [
        { op: 'ioctl', fd: situation.fd, number: ioctl.number, argument: { value: 0 } },
        ...(ioctl.argument === 'string' ? [openDevice(situation.fd, 'g', 'd')] : []),
      ],
      *programs() {
        model ??= new SituationModel(situation, contract, environment);
        if (!model.comesAbout) return;
        const programs = probesOf(situation, name, { ...ioctl, ...(struct && { struct }) }, model, environment);
        if (!leavesOpen(contract, name)) yield* programs;
        else for (const program of programs) if (decides(contract, environment, program)) yield program;
        if (situation.id === 'd_open' && name === 'VFIO_DEVICE_SET_IRQS') yield* interruptData(situation);
      },
    };
  }
}

/** Units for the accesses to regions of an open device. */
function* regionUnits(situation: Situation, environment: Environment): Iterable<Unit> {
  for (const kind of regionOps) {
    const id = `boundary/${kind}/${situation.id}`;
    yield {
      id,
      ops: [anyAccess[kind]],
      *programs() {
        for (const program of deviceRegions(situation, environment)) if (program.id.startsWith(`${id}/`)) yield program;
      },
    };
  }
}

function unknownNumbersIn(situation: Situation, contract: Contract, environment: Environment): Unit {
  const { id, probe: kind, fd } = situation;
  const requests = unknownNumbers(kind).map(({ label, number }) => ({ label, number: fromBigInt(BigInt(number)) }));
  return {
    id: `boundary/unknown/${id}`,
    // Some of the numbers are known to other kinds of descriptors, and mean nothing here.
    ops: [{ op: 'ioctl', fd, number: 0, argument: { value: 0 } }],
    *programs() {
      if (!new SituationModel(situation, contract, environment).comesAbout) return;
      for (const { label, number } of requests) {
        yield probe(situation, 'unknown', label, [], { number, argument: { value: 0 } });
        yield probe(situation, 'unknown', `${label}_with_memory`, [], { number, argument: { memory: 'arg', at: 0 } });
      }
    },
  };
}

function* probesOf(
  situation: Situation,
  name: string,
  ioctl: Ioctl,
  model: SituationModel,
  environment: Environment,
): Iterable<Program> {
  const { number, feature, argument: kind } = ioctl;
  const { mappings, saved } = model;
  const context: EdgeContext = { environment, mappings, saved };
  const make: Make = (what, before, argument) => probe(situation, name, what, before, { number, argument }, feature);
  if (kind === 'string') {
    yield* nameProbes(situation, name, make);
    return;
  }
  if (kind !== 'struct') {
    for (const { label, value } of valueEdges(ioctl)) yield make(label, [], { value: fromBigInt(value) });
    return;
  }
  const holds = uapi.structs[ioctl.struct!]!.fields.map((field) => field.holds);
  const buffers: Op[] = [];
  if (holds.includes('address')) buffers.push(memory('buf', 4));
  if (holds.includes('bitmap')) buffers.push(memory('bitmap', 1));
  const buffered: Make = (what, before, argument) => make(what, [...buffers, ...before], argument);
  const forms = formsOf(ioctl.struct!, saved[0]);
  // An argument that is not even read has no edges.
  const reads = model.reads(ioctl);
  // What is only there on machines that nest has its edges there.
  const ordinary = situation.effort === 'ordinary' || (feature !== undefined && !situation.machine?.nesting);
  for (const form of forms) {
    if (!reads || ordinary) {
      yield buffered(`ordinary${form.suffix}`, [], atTheEnd(form, {}));
      continue;
    }
    const essential = situation.effort === 'essential';
    yield* singleFields(form, buffered, context, essential ? 'essential' : 'all');
    if (essential) continue;
    const { form: only, effort } = situation;
    const all = effort !== undefined && (only === undefined || (only === 'extended') === form.extended);
    yield* readCuts(form, buffered, all);
    if (!all) continue;
    if (effort === 'pairs') yield* pairsOfFields(form, buffered, context);
    if (form === forms[0] || !('iova' in forms[0]!.values)) yield* ranges(form, buffered, context);
    yield* writeCuts(form, (values) => model.extent(ioctl, form, values, buffers), buffered, context);
  }
  if (situation.effort !== 'ordinary')
    for (const [label, value] of badPointers) yield make(`pointer_${label}`, [], { value });
}
