import type { Type1State } from '../type1/type1-state.ts';
import { translatedDevices } from './container-devices.ts';

/** Invalidates translations of requests with PASIDs after mappings went, if the driver does so. */
export function flushNested(backend: Type1State): void {
  if (backend.unit.nesting === undefined || backend.parameters.unmap_flushes_nested === 'no') return;
  for (const { domain } of backend.domains) domain.nested.flushAll();
  for (const { pasids } of translatedDevices(backend)) pasids?.tlb?.flush();
}
