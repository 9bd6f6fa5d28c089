import type { ConditionId, EffectId, WriteId } from '../../spec/contract/rule-ids.ts';
import * as allocation from './allocation.ts';
import * as bind from './bind.ts';
import * as cacheInvalidate from './cache-invalidate.ts';
import * as configSpace from './config-space.ts';
import * as container from './container.ts';
import * as descriptors from './descriptors.ts';
import * as device from './device.ts';
import * as deviceFeature from './device-feature.ts';
import * as deviceInfo from './device-info.ts';
import * as dirtyPages from './dirty-pages.ts';
import * as dma from './dma.ts';
import * as drivers from './drivers.ts';
import * as getInfo from './get-info.ts';
import * as group from './group.ts';
import * as interrupts from './interrupts.ts';
import * as iommuDriver from './iommu-driver.ts';
import * as mapDma from './map-dma.ts';
import * as nesting from './nesting.ts';
import * as openDevice from './open-device.ts';
import * as pasidRequest from './pasid-request.ts';
import * as region from './region.ts';
import type { Condition, Content, Effect } from './rule-functions.ts';
import * as taggedDma from './tagged-dma.ts';
import * as unmapDma from './unmap-dma.ts';

/** The conditions of all rules that have one: the compiler sees one that is missing or left over. */
export const conditions = {
  ...allocation.conditions,
  ...container.conditions,
  ...group.conditions,
  ...drivers.conditions,
  ...descriptors.conditions,
  ...device.conditions,
  ...deviceFeature.conditions,
  ...deviceInfo.conditions,
  ...region.conditions,
  ...configSpace.conditions,
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
  ...iommuDriver.conditions,
  ...taggedDma.conditions,
} satisfies Record<ConditionId, Condition>;

/** The effects of all rules that have one. */
export const effects = {
  ...allocation.effects,
  ...container.effects,
  ...group.effects,
  ...drivers.effects,
  ...descriptors.effects,
  ...region.effects,
  ...configSpace.effects,
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
  ...iommuDriver.effects,
  ...taggedDma.effects,
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
