import type { When } from './types.ts';

/** Whether something that is there for some settings is there at a setting of the parameters. */
export function selected(when: When | undefined, parameters: Record<string, string>): boolean {
  return Object.entries(when ?? {}).every(([name, values]) => [values].flat().includes(parameters[name]!));
}
