import type { AnyCall } from '../call/families.ts';
import { opOf } from '../call/operands.ts';
import { hasFreeDescriptor, release } from '../state/descriptors.ts';
import { numberOf } from '../state/names.ts';
import type { Conditions, Effects } from './rule-functions.ts';

/** The descriptor that an op names. */
const descriptor = (call: AnyCall) => numberOf(call.process, opOf(call, 'ioctl', 'close_on_exec').fd);

export const conditions = {
  open_no_free_descriptor: ({ process }) => !hasFreeDescriptor(process),
  close_of_descriptor_not_open: (call) => call.object === undefined,
  access_of_descriptor_not_open: (call) => call.object === undefined,
  seek_outside_contract: (call) => call.object!.kind === 'foreign',
} satisfies Conditions<AnyCall>;

export const effects = {
  close_releases_unreferenced: (call) => release(call.world, call.process, opOf(call, 'close').fd),
  fioclex_sets_close_on_exec: (call) => {
    call.process.closeOnExec.add(descriptor(call));
  },
  fionclex_clears_close_on_exec: (call) => {
    call.process.closeOnExec.delete(descriptor(call));
  },
  close_on_exec_is_reported: (call) => {
    call.result = call.process.closeOnExec.has(descriptor(call)) ? 1 : 0;
  },
} satisfies Effects<AnyCall>;
