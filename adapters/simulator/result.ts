import type { End } from '../../spec/uapi/vocabulary.ts';

/** The errnos that this kernel gives. */
export type Errno =
  | 'EPERM'
  | 'ENOENT'
  | 'EIO'
  | 'EBADF'
  | 'EACCES'
  | 'ENOMEM'
  | 'EFAULT'
  | 'EBUSY'
  | 'EEXIST'
  | 'ENODEV'
  | 'EISDIR'
  | 'EINVAL'
  | 'EMFILE'
  | 'ENOTTY'
  | 'ENOSPC'
  | 'ESPIPE'
  | 'ERANGE'
  | 'EOVERFLOW'
  | 'EBADFD'
  | 'EOPNOTSUPP'
  /** ENOTSUPP, which is the kernel's own and has no name outside. */
  | '524';

/** What a system call gives back: a number that is not negative, or an errno. */
export type Result = number | Errno;

/** Ends the program otherwise than by reaching its last op. */
export class ProgramEnd extends Error {
  constructor(
    readonly end: Exclude<End, 'completed'>,
    message: string,
  ) {
    super(message);
  }
}

/** Ends the program because the simulator cannot do what was asked for. */
export function unsupported(what: string): never {
  throw new ProgramEnd('unsupported', `The simulator does not perform ${what}.`);
}
