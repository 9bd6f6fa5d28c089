import type { PasidOwner } from '../pasids/pasid-owner.ts';
import type { SimulatorDefect } from './defect.ts';

/** The set of a process is dropped without freeing what is in it. */
export const lastCloseLeaksPasids: SimulatorDefect = {
  name: 'last_close_leaks_pasids',
  sentence:
    'When the last container of a process is closed, its PASIDs stay allocated, and nobody can have them again.',
  handler: 'close',
  kind: 'lifetime',
  needs: { pasid_request: ['present'] },
  change: ({ PasidService }) => ({
    PasidService: class extends PasidService {
      override leave(owner: PasidOwner): void {
        if (owner.references === 1) owner.pasids.clear();
        super.leave(owner);
      }
    },
  }),
};
