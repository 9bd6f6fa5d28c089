import type { ConditionId, EffectId, WriteId } from '../../spec/contract/rule-ids.ts';
import * as allocation from './allocation.ts';
import * as container from './container/container.ts';
import * as drivers from './container/drivers.ts';
import * as group from './container/group.ts';
import * as openDevice from './container/open-device.ts';
import * as opening from './container/opening.ts';
import * as descriptors from './descriptors.ts';
import * as configSpace from './device/config-space.ts';
import * as device from './device/device.ts';
import * as deviceFeature from './device/device-feature.ts';
import * as deviceInfo from './device/device-info.ts';
import * as dma from './device/dma.ts';
import * as dmaWithPasid from './device/dma-with-pasid.ts';
import * as interrupts from './device/interrupts.ts';
import * as region from './device/region.ts';
import * as setIrqs from './device/set-irqs.ts';
import * as bind from './nesting/bind.ts';
import * as cacheInvalidate from './nesting/cache-invalidate.ts';
import * as driverBind from './nesting/driver-bind.ts';
import * as driverCall from './nesting/driver-call.ts';
import * as driverInvalidate from './nesting/driver-invalidate.ts';
import * as nesting from './nesting/nesting.ts';
import * as pasidRequest from './nesting/pasid-request.ts';
import type { Condition, Content, Effect } from './rule-functions.ts';
import * as dirtyPages from './type1/dirty-pages.ts';
import * as getInfo from './type1/get-info.ts';
import * as mapDma from './type1/map-dma.ts';
import * as unmapDma from './type1/unmap-dma.ts';

/** The conditions of all rules that have one: the compiler sees one that is missing or left over. */
export const conditions = {
  ...allocation.conditions,
  ...container.conditions,
  ...group.conditions,
  ...opening.conditions,
  ...drivers.conditions,
  ...descriptors.conditions,
  ...device.conditions,
  ...deviceFeature.conditions,
  ...deviceInfo.conditions,
  ...region.conditions,
  ...configSpace.conditions,
  ...setIrqs.conditions,
  ...interrupts.conditions,
  ...mapDma.conditions,
  ...unmapDma.conditions,
  ...dirtyPages.conditions,
  ...getInfo.conditions,
  ...openDevice.conditions,
  ...dma.conditions,
  ...nesting.conditions,
  ...pasidRequest.conditions,
  ...bind.conditions,
  ...cacheInvalidate.conditions,
  ...driverCall.conditions,
  ...driverBind.conditions,
  ...driverInvalidate.conditions,
  ...dmaWithPasid.conditions,
} satisfies Record<ConditionId, Condition>;

/** The effects of all rules that have one. */
export const effects = {
  ...allocation.effects,
  ...container.effects,
  ...group.effects,
  ...opening.effects,
  ...drivers.effects,
  ...descriptors.effects,
  ...region.effects,
  ...configSpace.effects,
  ...setIrqs.effects,
  ...interrupts.effects,
  ...mapDma.effects,
  ...unmapDma.effects,
  ...dirtyPages.effects,
  ...getInfo.effects,
  ...openDevice.effects,
  ...dma.effects,
  ...nesting.effects,
  ...pasidRequest.effects,
  ...bind.effects,
  ...driverBind.effects,
  ...driverInvalidate.effects,
  ...dmaWithPasid.effects,
} satisfies Record<EffectId, Effect>;

/** What rules write to user memory. */
export const contents = {
  ...group.contents,
  ...unmapDma.contents,
  ...dirtyPages.contents,
  ...getInfo.contents,
  ...deviceInfo.contents,
  ...region.contents,
  ...pasidRequest.contents,
} satisfies Record<WriteId, Content>;
