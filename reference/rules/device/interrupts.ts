import { uapi } from '../../../spec/uapi/uapi.ts';
import type { RegionCall } from '../../call/families.ts';
import { openDeviceOf } from '../../call/operands.ts';
import { enabledAs, sendMessage, tellLevel } from '../../state/interrupt-signals.ts';
import type { Conditions, Effects } from '../rule-functions.ts';

const INTX = uapi.values.irq_index!.VFIO_PCI_INTX_IRQ_INDEX;
/** The region with the registers that raise and acknowledge an interrupt. */
const CAUSE_REGION = 0;

const device = (call: RegionCall) => openDeviceOf(call).device;

/** Whether a pwrite writes something to a register of 4 bytes of the region that the interrupt's registers are in. */
function writesCause(call: RegionCall, at: number): boolean {
  const { offset, width } = call.region.access!;
  return call.region.target.region === CAUSE_REGION && offset === at && width === 4 && written(call) !== 0;
}

const written = (call: RegionCall) => new DataView(call.region.access!.bytes.buffer).getUint32(0, true);

export const conditions = {
  command_register_disables_intx: (call) => device(call).interruptDisable !== device(call).intxDisabled,
  interrupt_is_raised: (call) => writesCause(call, device(call).model.interruptCause.raise),
  interrupt_is_acknowledged: (call) => writesCause(call, device(call).model.interruptCause.acknowledge),
} satisfies Conditions<RegionCall>;

export const effects = {
  interrupt_is_raised: (call) => {
    const one = device(call);
    one.cause |= written(call);
    sendMessage(one);
    tellLevel(one);
  },
  command_register_disables_intx: (call) => {
    const one = device(call);
    one.intxDisabled = one.interruptDisable;
    const interrupt = enabledAs(one, INTX);
    if (interrupt) interrupt.masked = one.intxDisabled;
    tellLevel(one);
  },
  interrupt_is_acknowledged: (call) => {
    device(call).cause &= ~written(call);
  },
} satisfies Effects<RegionCall>;
