import type { Uapi } from '../../../spec/uapi/uapi.ts';

/** A number as the uapi writes flags and requests. */
export function hexadecimal(value: number): string {
  return `0x${value.toString(16)}`;
}

/** Flags and values of VFIO, set by set: each defined where <linux/vfio.h> lacks it, and asserted. */
export function vfioConstants(uapi: Uapi): string[] {
  return setsOf(uapi, 'VFIO_').map(({ set, about, values }) => {
    // An enumerator cannot be seen to be missing; a macro over it would be all that the assertion sees.
    const definitions = uapi.enumerators.includes(set) ? [] : values.flatMap(defined);
    return [`/* ${about} */`, ...definitions, ...values.map(asserted)].join('\n');
  });
}

/** Flags and values of the data of the 2020 nesting series: all of them where <linux/iommu.h> lacks the guard, and asserted. */
export function iommuConstants(uapi: Uapi, guard: string): string[] {
  const sets = setsOf(uapi, 'IOMMU_');
  const definitions = sets.flatMap(({ about, values }) => [`/* ${about} */`, ...values.map(define)]);
  return [
    [`#ifndef ${guard}`, ...definitions, '#endif'].join('\n'),
    sets.flatMap(({ values }) => values.map(asserted)).join('\n'),
  ];
}

type Constant = [name: string, value: string];

const define = ([name, value]: Constant) => `#define ${name} ${value}`;
const defined = (constant: Constant) => [`#ifndef ${constant[0]}`, define(constant), '#endif'];
const asserted = ([name, value]: Constant) => `VC_ASSERT(${name} == ${value}, "${name}");`;

/** The sets of constants whose names start so, and which fields they are for. */
function setsOf({ structs, flags, values }: Uapi, prefix: string) {
  const fields = (set: string) =>
    Object.entries(structs).flatMap(([struct, { fields }]) =>
      fields.filter((field) => field.flags === set).map(({ name }) => `${struct}, ${name}`),
    );
  const one = (set: string, constants: Record<string, number>, write: (value: number) => string) => ({
    set,
    about: [set.replaceAll('_', ' '), ...fields(set)].join('; '),
    values: Object.entries(constants)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]): Constant => [name, write(value)]),
  });
  return [
    ...Object.entries(flags).map(([set, constants]) => one(set, constants, hexadecimal)),
    ...Object.entries(values).map(([set, constants]) => one(set, constants, String)),
  ].filter(({ values }) => values.length > 0);
}
