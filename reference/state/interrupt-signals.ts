import { uapi } from '../../spec/uapi/uapi.ts';
import type { Device, EnabledInterrupt } from './device.ts';
import type { Event } from './event.ts';

const { VFIO_PCI_INTX_IRQ_INDEX: INTX, VFIO_PCI_MSI_IRQ_INDEX: MSI } = uapi.values.irq_index!;

/** The interrupt that is enabled, if it is the one of an index. */
export function enabledAs({ interrupt }: Device, index: number | undefined): EnabledInterrupt | undefined {
  return interrupt?.index === index ? interrupt : undefined;
}

/** INTx is a level: it is signalled once, then masked, and signalled again when it is unmasked while the device still asks. */
export function tellLevel(one: Device): void {
  const interrupt = enabledAs(one, INTX);
  if (!interrupt || interrupt.masked || one.intxDisabled || one.cause === 0) return;
  interrupt.masked = true;
  signal(interrupt.event);
}

/** MSI is a message, which a device writes as it writes memory. */
export function sendMessage(one: Device): void {
  const interrupt = enabledAs(one, MSI);
  if (interrupt?.sends && one.busMaster) signal(interrupt.event);
}

/** Counts a signal, where there is something to be signalled. */
export function signal(event: Event | undefined): void {
  if (event) event.count++;
}
