import { uapi } from '../../../spec/uapi/uapi.ts';
import type { IoctlCall } from '../../call/families.ts';
import { openDeviceOf } from '../../call/operands.ts';
import { enabledAs, signal, tellLevel } from '../../state/interrupt-signals.ts';
import { type Conditions, type Effects, has } from '../rule-functions.ts';

const {
  VFIO_PCI_INTX_IRQ_INDEX: INTX,
  VFIO_PCI_MSI_IRQ_INDEX: MSI,
  VFIO_PCI_REQ_IRQ_INDEX: REQUEST,
} = uapi.values.irq_index as Record<string, number>;
const {
  VFIO_IRQ_SET_DATA_NONE: NONE,
  VFIO_IRQ_SET_DATA_BOOL: BOOL,
  VFIO_IRQ_SET_DATA_EVENTFD: EVENT,
  VFIO_IRQ_SET_ACTION_MASK: MASK,
  VFIO_IRQ_SET_ACTION_UNMASK: UNMASK,
  VFIO_IRQ_SET_ACTION_TRIGGER: TRIGGER,
} = uapi.flags.irq_set_flags as Record<string, number>;
const DATA = NONE! | BOOL! | EVENT!;
const ACTIONS = MASK! | UNMASK! | TRIGGER!;
const { size: HEADER } = uapi.structs.vfio_irq_set!;
/** Takes an event away. */
const NO_EVENT = -1;

const device = (call: IoctlCall) => openDeviceOf(call).device;

/** The header of SET_IRQS, behind argsz and flags. */
function header({ argument: { view } }: IoctlCall): { index: number; start: number; count: number } {
  return { index: view.getUint32(8, true), start: view.getUint32(12, true), count: view.getUint32(16, true) };
}

const flagged = (call: IoctlCall, flag: number | undefined) => has(call.argument.flags, flag);
const indexIs = (call: IoctlCall, index: number | undefined) => header(call).index === index;
const available = (call: IoctlCall) => device(call).model.interrupts[header(call).index]?.count ?? 0;
const ofRequest = (call: IoctlCall) => indexIs(call, REQUEST);
/** Whether the interrupt in question is enabled; that of the host's request is if it has an event, beside any other. */
const enabled = (call: IoctlCall) =>
  ofRequest(call) ? device(call).request !== undefined : indexIs(call, device(call).interrupt?.index);

/** Bytes of data behind the header. */
function dataBytes(call: IoctlCall): number {
  return header(call).count * (flagged(call, BOOL) ? 1 : flagged(call, EVENT) ? 4 : 0);
}

/** The data behind the header: a switch, or the number of a descriptor. */
function datum(call: IoctlCall): number {
  const bytes = new Uint8Array(4);
  call.process.memory.read(call.argument.value + BigInt(HEADER), bytes, 0, dataBytes(call));
  return new DataView(bytes.buffer).getInt32(0, true);
}

/** Whether SET_IRQS is to do something by way of the descriptor that is given. */
const givesEvent = (call: IoctlCall) => flagged(call, EVENT) && header(call).count > 0 && datum(call) >= 0;
const given = (call: IoctlCall) => call.process.descriptors.get(datum(call));
/** Whether nothing, or a switch that is on, says to do it. */
const triggered = (call: IoctlCall) =>
  header(call).count > 0 && (flagged(call, NONE) || (flagged(call, BOOL) && datum(call) !== 0));

/** Whether the request of the host is to have an event that is neither a descriptor nor -1, which takes it away. */
function requestByNegativeNumber(call: IoctlCall): boolean {
  return ofRequest(call) && flagged(call, EVENT) && header(call).count > 0 && datum(call) < NO_EVENT;
}

/** An MSI vector to which SET_IRQS fails to give an event has none afterwards. */
function dropEvent(call: IoctlCall): void {
  const interrupt = indexIs(call, MSI) ? enabledAs(device(call), MSI) : undefined;
  if (interrupt) interrupt.event = undefined;
}

export const conditions = {
  set_irqs_argsz_too_small: ({ argument }) => argument.argsz < HEADER,
  set_irqs_index_unknown: (call) => header(call).index >= uapi.device.interruptCount,
  set_irqs_flag_unknown: ({ argument }) => (argument.flags & ~(DATA | ACTIONS)) !== 0,
  set_irqs_range_outside: (call) => {
    const { start, count } = header(call);
    return start >= available(call) || start + count > available(call);
  },
  set_irqs_not_one_data_type: ({ argument }) => ![NONE, BOOL, EVENT].includes(argument.flags & DATA),
  set_irqs_argsz_without_data: (call) => call.argument.argsz - HEADER < dataBytes(call),
  set_irqs_reads_data: (call) =>
    call.process.memory.accessible(call.argument.value + BigInt(HEADER), dataBytes(call), 'read') < dataBytes(call),
  set_irqs_action_unknown: (call) => {
    const action = call.argument.flags & ACTIONS;
    return action !== TRIGGER && !(indexIs(call, INTX) && (action === MASK || action === UNMASK));
  },
  set_irqs_multiple_vectors_outside_contract: (call) => available(call) > 1,
  set_irqs_req_negative_eventfd_ignored: requestByNegativeNumber,
  set_irqs_req_negative_eventfd_fails: requestByNegativeNumber,
  set_irqs_disables: (call) =>
    enabled(call) && flagged(call, TRIGGER) && flagged(call, NONE) && header(call).count === 0,
  set_irqs_other_interrupt_enabled: (call) =>
    !ofRequest(call) && device(call).interrupt !== undefined && !enabled(call),
  set_irqs_not_enabled: (call) => {
    const bySwitch = ofRequest(call) && flagged(call, BOOL);
    return !enabled(call) && !(flagged(call, TRIGGER) && (flagged(call, EVENT) || bySwitch));
  },
  set_irqs_count_not_one: (call) => !indexIs(call, MSI) && header(call).count !== 1,
  set_irqs_msi_without_vectors: (call) => !enabled(call) && header(call).count === 0,
  set_irqs_mask_by_eventfd: (call) => flagged(call, MASK) && flagged(call, EVENT),
  set_irqs_unmask_by_eventfd_outside_contract: (call) => flagged(call, UNMASK) && flagged(call, EVENT),
  set_irqs_eventfd_not_open: (call) => givesEvent(call) && (given(call)?.pathOnly ?? true),
  set_irqs_not_an_eventfd: (call) => {
    const object = givesEvent(call) ? given(call)!.object : undefined;
    return object !== undefined && !(object.kind === 'foreign' && object.event);
  },
  set_irqs_of_intx_raised_before_outside_contract: (call) =>
    indexIs(call, INTX) && !enabled(call) && device(call).cause !== 0,
  set_irqs_sets_eventfd: (call) => flagged(call, EVENT) && header(call).count > 0,
  set_irqs_masks: (call) => flagged(call, MASK) && triggered(call),
  set_irqs_unmasks: (call) => flagged(call, UNMASK) && triggered(call),
  set_irqs_signals: (call) => flagged(call, TRIGGER) && triggered(call),
} satisfies Conditions<IoctlCall>;

export const effects = {
  set_irqs_disables: (call) => {
    if (ofRequest(call)) device(call).request = undefined;
    else device(call).interrupt = undefined;
  },
  set_irqs_eventfd_not_open: dropEvent,
  set_irqs_not_an_eventfd: dropEvent,
  set_irqs_sets_eventfd: (call) => {
    const one = device(call);
    const object = givesEvent(call) ? given(call)!.object : undefined;
    const event = object?.kind === 'foreign' ? object.event : undefined;
    if (ofRequest(call)) one.request = event;
    else if (one.interrupt) one.interrupt.event = event;
    else one.interrupt = { index: header(call).index, event, masked: one.intxDisabled, sends: true };
  },
  set_irqs_masks: (call) => {
    device(call).interrupt!.masked = true;
  },
  set_irqs_unmasks: (call) => {
    if (device(call).intxDisabled) return;
    device(call).interrupt!.masked = false;
    tellLevel(device(call));
  },
  set_irqs_signals: (call) => {
    const { request, interrupt, intxDisabled } = device(call);
    if (ofRequest(call)) signal(request);
    else if (!(indexIs(call, INTX) && intxDisabled)) signal(interrupt!.event);
  },
} satisfies Effects<IoctlCall>;
