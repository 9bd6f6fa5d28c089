import { uapi } from '../../../spec/uapi/uapi.ts';

function named(name: string): number {
  const ioctl = uapi.ioctls[name];
  if (ioctl === undefined) throw new Error(`uapi.yaml has no ioctl ${name}.`);
  return ioctl.number;
}

/** Numbers of the requests that this kernel knows. Several mean different things on different kinds of file. */
export const Request = {
  GET_API_VERSION: named('VFIO_GET_API_VERSION'),
  CHECK_EXTENSION: named('VFIO_CHECK_EXTENSION'),
  SET_IOMMU: named('VFIO_SET_IOMMU'),
  GROUP_GET_STATUS: named('VFIO_GROUP_GET_STATUS'),
  GROUP_SET_CONTAINER: named('VFIO_GROUP_SET_CONTAINER'),
  GROUP_UNSET_CONTAINER: named('VFIO_GROUP_UNSET_CONTAINER'),
  GROUP_GET_DEVICE_FD: named('VFIO_GROUP_GET_DEVICE_FD'),
  DEVICE_GET_INFO: named('VFIO_DEVICE_GET_INFO'),
  DEVICE_GET_REGION_INFO: named('VFIO_DEVICE_GET_REGION_INFO'),
  DEVICE_GET_IRQ_INFO: named('VFIO_DEVICE_GET_IRQ_INFO'),
  DEVICE_SET_IRQS: named('VFIO_DEVICE_SET_IRQS'),
  DEVICE_RESET: named('VFIO_DEVICE_RESET'),
  DEVICE_GET_PCI_HOT_RESET_INFO: named('VFIO_DEVICE_GET_PCI_HOT_RESET_INFO'),
  DEVICE_PCI_HOT_RESET: named('VFIO_DEVICE_PCI_HOT_RESET'),
  DEVICE_IOEVENTFD: named('VFIO_DEVICE_IOEVENTFD'),
  DEVICE_FEATURE: named('VFIO_DEVICE_FEATURE'),
  DEVICE_BIND_IOMMUFD: named('VFIO_DEVICE_BIND_IOMMUFD'),
  IOMMU_GET_INFO: named('VFIO_IOMMU_GET_INFO'),
  IOMMU_MAP_DMA: named('VFIO_IOMMU_MAP_DMA'),
  IOMMU_UNMAP_DMA: named('VFIO_IOMMU_UNMAP_DMA'),
  IOMMU_DIRTY_PAGES: named('VFIO_IOMMU_DIRTY_PAGES'),
  IOMMU_PASID_REQUEST: named('VFIO_IOMMU_PASID_REQUEST'),
  IOMMU_BIND: named('VFIO_IOMMU_BIND'),
  IOMMU_CACHE_INVALIDATE: named('VFIO_IOMMU_CACHE_INVALIDATE'),
} as const;

/** Size of a struct in bytes, and the place of each field, counted in 32-bit words. */
export function layout(struct: string): { size: number; word: Record<string, number> } {
  const { size, fields } = uapi.structs[struct]!;
  return { size, word: Object.fromEntries(fields.map(({ name, at }) => [name, at / 4])) };
}
