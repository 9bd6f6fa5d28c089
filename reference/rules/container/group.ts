import { uapi } from '../../../spec/uapi/uapi.ts';
import type { IoctlCall } from '../../call/families.ts';
import { containerAt, groupOf } from '../../call/operands.ts';
import { interruptsNotIsolated } from '../../state/interrupt-isolation.ts';
import { detachGroup, hasDomain, joinDomain, membersOf } from '../../state/state.ts';
import type { Conditions, Contents, Effects } from '../rule-functions.ts';

const flags = uapi.flags.group_flags!;
const statusSize = uapi.structs.vfio_group_status!.size;

/** What SET_CONTAINER's descriptor refers to, and the container that it is once that was asked for. */
const asked = (call: IoctlCall) => call.process.descriptors.get(call.argument.word);
const container = (call: IoctlCall) => containerAt(call, call.argument.word);

/** A container of the nesting type, whose groups have no IOMMU so far, is to get one whose IOMMU cannot nest. */
function joinsWithoutNesting(call: IoctlCall): boolean {
  const { backend } = container(call);
  return backend?.nesting === true && hasDomain(groupOf(call)) && call.world.environment.nesting === undefined;
}

export const conditions = {
  set_container_descriptor_not_open: (call) => asked(call)?.pathOnly ?? true,
  set_container_already_attached: (call) => groupOf(call).container !== undefined,
  set_container_group_orphaned: (call) => groupOf(call).orphaned,
  set_container_fd_is_not_a_container_einval: (call) => asked(call)?.object.kind !== 'container',
  set_container_fd_is_not_a_container_ebadfd: (call) => asked(call)?.object.kind !== 'container',
  set_container_group_not_viable: (call) => groupOf(call).slot.boundToHostDriver,
  set_container_vaddr_invalidated: (call) =>
    [...(container(call).backend?.mappings ?? [])].some(({ vaddrInvalid }) => vaddrInvalid),
  set_container_interrupts_not_isolated: (call) => container(call).backend !== undefined && interruptsNotIsolated(call),
  set_container_iommu_does_not_nest: joinsWithoutNesting,
  set_container_iommu_does_not_nest_in_2020: joinsWithoutNesting,
  set_container_second_group_of_nesting: (call) => {
    const { backend, groups } = container(call);
    return backend?.nesting === true && groups.size > 0;
  },
  set_container_while_bound: (call) => {
    const { backend, groups } = container(call);
    return (
      backend?.nesting === true &&
      [...groups].some((one) => membersOf(one).some((device) => device.pasidTable.size > 0))
    );
  },
  set_container_while_pasid_exposed: (call) => {
    const { backend, groups } = container(call);
    return (
      backend?.nesting === true && [...groups].some((one) => one.slot.devices.some(({ showsPasid }) => showsPasid))
    );
  },
  unknown_group_ioctl: () => true,
  unset_container_not_attached: (call) => groupOf(call).container === undefined,
  unset_container_device_open: (call) => groupOf(call).devicesOpen > 0,
  get_status_argsz_too_small: (call) => call.argument.word >>> 0 < statusSize,
  get_status_group_orphaned: (call) => groupOf(call).orphaned,
  get_status_of_attached_group: (call) => groupOf(call).container !== undefined,
  get_status_of_unattached_group: () => true,
} satisfies Conditions<IoctlCall>;

export const effects = {
  set_container_attaches_group: (call) => {
    const group = groupOf(call);
    group.container = container(call);
    group.container.groups.add(group);
    if (group.container.backend) joinDomain(group.container.backend, group);
  },
  unset_container_detaches_group: (call) => detachGroup(call.world, groupOf(call)),
  get_status_of_attached_group: (call) => {
    call.result = flags.VFIO_GROUP_FLAGS_VIABLE! | flags.VFIO_GROUP_FLAGS_CONTAINER_SET!;
  },
  get_status_of_unattached_group: (call) => {
    call.result = groupOf(call).slot.boundToHostDriver ? 0 : flags.VFIO_GROUP_FLAGS_VIABLE!;
  },
} satisfies Effects<IoctlCall>;

export const contents = {
  get_status_writes_argument: (call) => {
    const bytes = call.argument.bytes.slice(0, statusSize);
    new DataView(bytes.buffer).setUint32(4, call.result, true);
    return { address: call.argument.value, bytes };
  },
} satisfies Contents<IoctlCall>;
