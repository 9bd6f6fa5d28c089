import type { ConditionId, EffectId, WriteId } from '../spec/contract/rule-ids.ts';
import type { Condition, Content, Effect } from './rule-functions.ts';
import * as allocation from './rules/allocation.ts';
import * as bind from './rules/bind.ts';
import * as cacheInvalidate from './rules/cache-invalidate.ts';
import * as configSpace from './rules/config-space.ts';
import * as container from './rules/container.ts';
import * as descriptors from './rules/descriptors.ts';
import * as device from './rules/device.ts';
import * as deviceFeature from './rules/device-feature.ts';
import * as deviceInfo from './rules/device-info.ts';
import * as dirtyPages from './rules/dirty-pages.ts';
import * as dma from './rules/dma.ts';
import * as drivers from './rules/drivers.ts';
import * as getInfo from './rules/get-info.ts';
import * as group from './rules/group.ts';
import * as interrupts from './rules/interrupts.ts';
import * as iommuDriver from './rules/iommu-driver.ts';
import * as mapDma from './rules/map-dma.ts';
import * as nesting from './rules/nesting.ts';
import * as openDevice from './rules/open-device.ts';
import * as pasidRequest from './rules/pasid-request.ts';
import * as region from './rules/region.ts';
import * as taggedDma from './rules/tagged-dma.ts';
import * as unmapDma from './rules/unmap-dma.ts';

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
