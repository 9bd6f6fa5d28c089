import { Problem } from '../../spec/uapi/problem.ts';
import { canonical } from './modules.ts';

/** A kernel's command line has 2,047 characters, of which the adapter needs some itself; what is longer is cut off silently. */
const longest = 1500;

/**
 * The parameters of `--boot "..."`, one by one, as they are written; white space in double quotes does not part them. Throws
 * a Problem when a kernel would not take them for what they look like.
 */
export function parseBoot(text: string): string[] {
  const refuse = (why: string): Problem =>
    new Problem(`--boot ${JSON.stringify(text)}: ${why}; write it as in --boot "iommu.strict=1 quiet".`);
  if (text.length > longest) throw refuse(`is longer than ${longest} characters`);
  if (/[^ -~]/.test(text)) throw refuse('has a character that is not printable ASCII');
  const words = text.match(/(?:[^ "]|"[^"]*")+/g) ?? [];
  if (words.join('').replaceAll(' ', '') !== text.replaceAll(' ', '')) throw refuse('a double quote is not closed');
  return words;
}

/** What of boot parameters is for a module, without the module's name. */
export function moduleParameters(boot: readonly string[], module: string): string[] {
  return boot.flatMap((one) => {
    const [, name, rest] = /^([\w-]+)\.(.+)$/.exec(one) ?? [];
    return name !== undefined && canonical(name) === module ? [rest!] : [];
  });
}

/** Files of sysfs that are there if VFIO heeds the boot parameters that are for it, but for modules that are left out. */
export function heeded(boot: readonly string[], leftOut: readonly string[]): string[] {
  return boot.flatMap((one) => {
    const [, name, parameter] = /^(vfio[\w-]*)\.([\w-]+)/.exec(one) ?? [];
    if (name === undefined || leftOut.includes(canonical(name))) return [];
    return [`/sys/module/${canonical(name)}/parameters/${canonical(parameter!)}`];
  });
}

/** Whether the type1 backend is told to take devices whose interrupts cannot be remapped. The last one counts. */
export function allowsUnsafeInterrupts(boot: readonly string[]): boolean {
  const settings = moduleParameters(boot, 'vfio_iommu_type1').filter((one) =>
    /^allow_unsafe_interrupts(=|$)/.test(one),
  );
  return /^[^=]+(=([1yt].*|on))?$/i.test(settings.at(-1) ?? '=');
}
