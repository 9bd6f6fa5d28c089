import type { SimulatorDefect } from './defect.ts';

/** What the container holds is not looked at when configuration space is made. */
export const pasidCapabilityAlwaysExposed: SimulatorDefect = {
  name: 'pasid_capability_always_exposed',
  sentence: 'A device exposes its PASID capability also where its container holds more than it.',
  handler: 'open device',
  kind: 'capability',
  needs: { pasid_exposure: ['singleton_container', 'singleton_group', 'never'] },
  change: ({ VfioDevice }) => ({
    VfioDevice: class extends VfioDevice {
      protected override get exposesPasids(): boolean {
        return true;
      }
    },
  }),
};
