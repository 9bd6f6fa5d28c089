import { emulatedEnvironment, missingModel, spelledOut } from '../../spec/uapi/emulated-machine.ts';
import { Problem } from '../../spec/uapi/problem.ts';
import { readText } from '../../spec/uapi/read-text.ts';
import { complaint, validator } from '../../spec/uapi/validator.ts';
import type { Environment } from '../../spec/uapi/vocabulary.ts';

/** What a user knows of an environment: any part of it, as a JSON merge patch (RFC 7396). */
export type EnvironmentOverlay = Record<string, unknown>;

/**
 * The environment of a file, or a part of one: as such, or as the member `environment` of what vfio-conformd --probe prints.
 * Throws a Problem for what cannot be part of any environment.
 */
export function readOverlay(file: string): EnvironmentOverlay {
  const place = `--environment ${file}`;
  const text = readText(file, 'give a file with an environment, or with a part of one, as JSON');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Problem(`${place}: not JSON: ${(error as Error).message}; write one object.`);
  }
  const own = isObject(value) && isObject(value.environment) ? value.environment : value;
  if (!isObject(own))
    throw new Problem(`${place}: is no object; write a part of an environment, as in {"pageSize": 4096}.`);
  overlaid(sample(own), own, file);
  return own;
}

/** An environment with what the user knows better. Throws a Problem where that does not make one. */
export function overlaid(environment: Environment, overlay: EnvironmentOverlay, file: string): Environment {
  const merged = patched(environment, overlay);
  const validate = validator('environment.schema.json');
  const wrong = validate(merged) ? missingModel(merged as Environment) : complaint(validate);
  if (wrong)
    throw new Problem(
      `--environment ${file}: ${wrong.place} ${wrong.clause}; mend it to fit spec/uapi/schema/environment.schema.json.`,
    );
  return merged as Environment;
}

/** The whole environment of a file. Throws a Problem if it is only a part of one. */
export function readEnvironment(file: string): Environment {
  return overlaid({} as Environment, readOverlay(file), file);
}

/** An environment on which a part of one can be tried: it has the slots and models that the part names. */
function sample({ slots, models }: EnvironmentOverlay): Environment {
  const names = (value: unknown) => (isObject(value) ? Object.keys(value) : []);
  const environment = emulatedEnvironment(spelledOut({}), {});
  const model = Object.entries(isObject(slots) ? slots : {}).flatMap(([, slot]) =>
    isObject(slot) && typeof slot.model === 'string' ? [slot.model] : [],
  );
  return {
    ...environment,
    slots: Object.fromEntries(names(slots).map((name) => [name, { devices: 1, viable: true }])),
    // A slot may name a model of the target's.
    models: Object.fromEntries([...names(models), ...model].map((name) => [name, environment.device])),
  };
}

/** Members are merged; null takes one away; everything else takes the place of what was there. */
function patched(value: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged = new Map(Object.entries(isObject(value) ? value : {}));
  for (const [name, one] of Object.entries(patch))
    if (one === null) merged.delete(name);
    else merged.set(name, patched(merged.get(name), one));
  return Object.fromEntries(merged);
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
