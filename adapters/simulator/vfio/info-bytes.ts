import type { Parameters } from '../parameters.ts';

/**
 * How many bytes of the argument of a GET_INFO are written, when the caller says that it has `argsz`. 16 are fixed; the
 * place of the first capability follows, then 4 bytes without meaning.
 */
export function infoBytes({ get_info_written }: Parameters, argsz: number): number {
  if (get_info_written === 'up_to_24') return Math.min(argsz, 24);
  return argsz >= 20 ? 20 : 16;
}
