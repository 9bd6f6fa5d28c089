import { extended } from '../../../spec/uapi/emulated-machine.ts';
import { uapi } from '../../../spec/uapi/uapi.ts';
import type { Name, Op } from '../../../spec/uapi/vocabulary.ts';
import { memory } from '../../programs/build.ts';
import { regionAt } from '../../programs/device-ops.ts';
import {
  allocPasid,
  bindTable,
  type DataLayout,
  freePasid,
  invalidate,
  taggedIn,
  taggedOut,
  unbindTable,
} from '../../programs/nesting-ops.ts';
import { DATA, GUEST, guestMemory, mapGuest, ROOT } from '../../programs/nesting-setup.ts';
import type { StageStep } from './stage.ts';
import { step } from './steps.ts';

/** Memory for arguments, and that of the guest. */
export const nestingMemories: Op[] = [memory('arg', 1), ...guestMemory];

/** Where in `arg` no argument stands. */
const LINK = 2048;

/** Being given a PASID, and giving it back. */
export const allocates = (c: Name, pasid: Name): StageStep => step(`alloc ${c} ${pasid}`, allocPasid(c, pasid));
export const frees = (c: Name, pasid: Name): StageStep => step(`free ${c} ${pasid}`, freePasid(c, { ref: pasid }));

/** Binding the table of the guest, twice at most where that is counted, and not. */
export const binds = (c: Name, pasid: Name, layout: DataLayout): StageStep => ({
  ...step(`bind ${c} ${pasid}`, bindTable(c, { pasid: { ref: pasid }, root: ROOT }, layout)),
  unless: ({ pasids }) =>
    [...pasids.values()].some(({ bound }) => bound && [...bound.devices.values()].some(({ uses }) => uses > 1)),
});
export const unbinds = (c: Name, pasid: Name, layout: DataLayout): StageStep =>
  step(`unbind ${c} ${pasid}`, unbindTable(c, { ref: pasid }, {}, layout));
export const flushes = (c: Name, pasid: Name, layout: DataLayout): StageStep =>
  step(`flush ${c} ${pasid}`, invalidate(c, { pasid: { ref: pasid } }, layout));

/** Giving a container the memory of the guest. */
export const mapsGuest = (c: Name): StageStep => step(`map ${c} guest`, mapGuest(c));

/** Whether a device shows its PASIDs: what its capability for page requests is linked to. */
export const looksForPasids = (d: Name): StageStep =>
  step(
    `link ${d}`,
    { op: 'poke', memory: 'arg', at: LINK, bytes: 'ffff' },
    {
      op: 'pread',
      fd: d,
      offset: regionAt(uapi.device.configRegion, extended.pageRequest + 2),
      memory: 'arg',
      at: LINK,
      length: 2,
    },
  );

/** A transfer with a PASID through the device and back, as transfers() does it without. */
export const transfersTagged = (d: Name, pasid: Name): StageStep =>
  step(
    `transfer ${d} ${pasid}`,
    { op: 'poke', memory: 'guest', at: DATA, bytes: '0123456789abcdefff' },
    taggedIn(d, { ref: pasid }, GUEST, 8),
    taggedOut(d, { ref: pasid }, GUEST + 8, 1),
  );

/** One more device appears. */
export const plugs = (slot: Name): StageStep => step(`plug ${slot}`, { op: 'plug', slot });
