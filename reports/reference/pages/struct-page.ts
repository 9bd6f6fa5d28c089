import { uapi } from '../../../spec/uapi/uapi.ts';
import { address, code, link, listed, page } from '../markdown.ts';
import { noKernel } from '../sections/implemented.ts';
import { layoutTable, sizeText } from '../sections/layout.ts';
import { ioctlPage, type Site, structPage } from '../site.ts';

/** The page of a struct: sizes, offsets, and where it is used. */
export function structPageText(site: Site, struct: string): string {
  const from = structPage(struct);
  const { argszEdges } = uapi.structs[struct]!;
  return page(from, code(struct), isOf2020(struct) ? noKernel : 'Linux 6.1 and 6.12 have it.', [
    `${sizeText(struct)} ${useText(site, from, struct)}`,
    'Offsets and widths are in bytes, of 64-bit processes on a little-endian machine.',
    layoutTable(site, struct),
    argszEdges ? `What happens changes also at these values of ${code('argsz')}: ${argszEdges.join(', ')}.` : undefined,
  ]);
}

/** The ioctls whose argument a struct is. */
const usersOf = (struct: string) =>
  Object.entries(uapi.ioctls).filter(([, ioctl]) => ioctl.struct === struct || ioctl.argszFirst === struct);

/** The lowest number that the 2020 nesting series took for itself. */
const FIRST_OF_2020 = uapi.ioctls.VFIO_IOMMU_PASID_REQUEST!.number;

/** Whether a struct is only for what the 2020 nesting series added. */
function isOf2020(struct: string): boolean {
  const { capability = '' } = uapi.structs[struct]!;
  const users = usersOf(struct);
  if (users.length === 0) return Object.hasOwn(uapi.values.nesting_capability!, capability);
  return users.every(([, { number, feature }]) => feature !== undefined && number >= FIRST_OF_2020);
}

function useText(site: Site, from: string, struct: string): string {
  const described = (name: string) => site.data.handlers.some(({ ioctl }) => ioctl === name);
  const users = usersOf(struct);
  const links = users.map(([name]) =>
    described(name) ? link(code(name), address(from, ioctlPage(name))) : code(name),
  );
  const { capability } = uapi.structs[struct]!;
  if (links.length > 0) {
    const layout = users.some(([, { argszFirst }]) => argszFirst === struct) ? `, with ${code('driver=v5.10')}` : '';
    return `The argument of ${listed(links)}${layout}.`;
  }
  const info = link(code('VFIO_IOMMU_GET_INFO'), address(from, ioctlPage('VFIO_IOMMU_GET_INFO')));
  if (capability !== undefined) return `A capability that ${info} writes: ${code(capability)}.`;
  return `Part of what ${info} writes.`;
}
