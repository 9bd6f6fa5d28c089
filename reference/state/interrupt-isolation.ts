import type { World } from './state.ts';

/** Whether devices could interrupt what is not theirs, and the administrator has not said that this is fine. */
export function interruptsNotIsolated({ world: { environment, parameters } }: { world: World }): boolean {
  const allowed = Number(parameters.get('vfio_iommu_type1.allow_unsafe_interrupts') ?? 0) !== 0;
  return environment.machine.interruptRemapping === false && !allowed;
}
