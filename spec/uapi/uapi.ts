export { uapi } from './uapi-data.ts';
export type { Field, Ioctl, Struct, Uapi } from './uapi-types.ts';
