import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { argumentAt, layOut, number } from '../conformance/programs/build.ts';
import {
  allocPasid,
  bindTable,
  cache,
  type DataLayout,
  freePasid,
  granularity,
  invalidate,
  unbindTable,
} from '../conformance/programs/nesting-ops.ts';
import { uapi } from '../spec/uapi/uapi.ts';
import type { IoctlOp } from '../spec/uapi/vocabulary.ts';
import { type CheckedRequest, type Flush, requestOf } from './request.ts';

/** The request that the bytes of an op make. */
function decoded(op: IoctlOp, layout: DataLayout, length?: number): CheckedRequest | undefined {
  const bytes = Buffer.from(('bytes' in op.argument && op.argument.bytes) || '', 'hex');
  return requestOf(op, bytes.subarray(0, length), layout);
}

/** The flush of a CACHE_INVALIDATE. */
const flushOf = (values: Parameters<typeof invalidate>[1], layout: DataLayout): Flush | undefined => {
  const request = decoded(invalidate('c', values, layout), layout);
  return request?.kind === 'invalidate' ? request.flush : undefined;
};

/** An ioctl with a struct laid out of all its fields. */
function laidOut(name: string, values: Record<string, bigint>, layout: DataLayout): IoctlOp {
  const { struct, argszFirst } = uapi.ioctls[name]!;
  const block = layOut((layout === 'argsz_first' && argszFirst) || struct!, values);
  return { op: 'ioctl', fd: 'c', number: number(name), argument: argumentAt('arg', 0, block) };
}

/** Any values for all fields of a request, in either layout, but for those that are given. */
function anyFields(
  name: string,
  layout: DataLayout,
  given: Record<string, fc.Arbitrary<bigint>>,
): fc.Arbitrary<Record<string, bigint>> {
  const { struct, argszFirst } = uapi.ioctls[name]!;
  const { fields } = uapi.structs[(layout === 'argsz_first' && argszFirst) || struct!]!;
  const any = fields.map((field) => [field.name, fc.bigInt({ min: 0n, max: (1n << BigInt(8 * field.width)) - 1n })]);
  return fc.record({ ...Object.fromEntries(any), ...given });
}

const oneOf = (values: Record<string, number>) => fc.constantFrom(...Object.values(values).map(BigInt));

test('an ioctl that is none of the requests is none', () => {
  const op = laidOut('VFIO_IOMMU_UNMAP_DMA', {}, 'version_first');
  expect(decoded(op, 'version_first')).toBeUndefined();
});

describe.each<DataLayout>(['version_first', 'argsz_first'])('of a request with its data %s', (layout) => {
  test('ALLOC and FREE say which PASIDs', () => {
    expect(decoded(allocPasid('c', 'p', 5, 9), layout)).toEqual({ kind: 'alloc', container: 'c', pasid: 5n, max: 9n });
    expect(decoded(freePasid('c', 7), layout)).toEqual({ kind: 'free', container: 'c', pasid: 7n, max: 0n });
  });

  test('BIND and UNBIND say which table, and which PASID in all its 64 bits', () => {
    const pasid = 0x1_0000_0001n;
    const root = 0x12_3456_7000n;
    const bind = decoded(bindTable('c', { pasid, root }, layout), layout);
    expect(bind).toEqual({ kind: 'bind', container: 'c', pasid, root, wellFormed: false });
    const unbind = decoded(unbindTable('k', 1, {}, layout), layout);
    expect(unbind).toEqual({ kind: 'unbind', container: 'k', pasid: 1n, root: 0n, wellFormed: true });
  });

  test('CACHE_INVALIDATE says what is flushed, and of which addresses', () => {
    const all = { iotlb: true, deviceTlb: true, leaf: false };
    expect(flushOf({ granularity: granularity.domain }, layout)).toEqual(all);
    expect(flushOf({ pasid: 3 }, layout)).toEqual({ ...all, pasid: 3n });
    expect(flushOf({ pasid: 3, cache: cache.device }, layout)).toEqual({ ...all, iotlb: false, pasid: 3n });
    expect(flushOf({ pasid: 3, cache: cache.pasid }, layout)).toEqual({
      iotlb: false,
      deviceTlb: false,
      leaf: false,
      pasid: 3n,
    });
    expect(flushOf({ pasid: 3, addr: 0x5000, pages: 2, leaf: true }, layout)).toEqual({
      ...all,
      pasid: 3n,
      range: { first: 0x5000n, end: 0x7000n },
      leaf: true,
    });
    // The flag for the last entries belongs to addresses.
    expect(flushOf({ pasid: 3, leaf: true }, layout)).toEqual({ ...all, pasid: 3n });
  });

  test('what is cut off is 0', () => {
    const op = bindTable('c', { pasid: 1, root: 0x10000 }, layout);
    const root = uapi.structs.vfio_iommu_type1_bind!.fields.find(({ name }) => name === 'gpgd')!;
    const end = root.at + root.width + (layout === 'argsz_first' ? 8 : 0);
    expect(decoded(op, layout, end)).toMatchObject({ kind: 'bind', root: 0x10000n, pasid: 0n, wellFormed: false });
    expect(decoded(op, layout, end - 1)).toMatchObject({ kind: 'bind', root: 0n, wellFormed: false });
  });

  test('PASID_REQUEST decodes to what was laid out', () => {
    fc.assert(
      fc.property(
        anyFields('VFIO_IOMMU_PASID_REQUEST', layout, { flags: oneOf(uapi.flags.pasid_request_flags!) }),
        (values) => {
          expect(decoded(laidOut('VFIO_IOMMU_PASID_REQUEST', values, layout), layout)).toEqual({
            kind: values.flags === BigInt(uapi.flags.pasid_request_flags!.VFIO_IOMMU_PASID_FREE!) ? 'free' : 'alloc',
            container: 'c',
            pasid: values.min,
            max: values.max,
          });
        },
      ),
      { seed: 1 },
    );
  });

  test('BIND and UNBIND decode to what was laid out', () => {
    fc.assert(
      fc.property(anyFields('VFIO_IOMMU_BIND', layout, { flags: oneOf(uapi.flags.bind_flags!) }), (values) => {
        expect(decoded(laidOut('VFIO_IOMMU_BIND', values, layout), layout)).toMatchObject({
          kind: values.flags === BigInt(uapi.flags.bind_flags!.VFIO_IOMMU_BIND_GUEST_PGTBL!) ? 'bind' : 'unbind',
          container: 'c',
          pasid: values.hpasid,
          root: values.gpgd,
        });
      }),
      { seed: 1 },
    );
  });

  test('CACHE_INVALIDATE decodes to what was laid out', () => {
    const given = {
      cache: fc.bigInt({ min: 0n, max: 7n }),
      granularity: oneOf(uapi.values.granularity!),
      info_flags: fc.bigInt({ min: 0n, max: 7n }),
    };
    fc.assert(
      fc.property(anyFields('VFIO_IOMMU_CACHE_INVALIDATE', layout, given), (values) => {
        const request = decoded(laidOut('VFIO_IOMMU_CACHE_INVALIDATE', values, layout), layout);
        if (request?.kind !== 'invalidate') throw new Error('it is no CACHE_INVALIDATE');
        const { iotlb, deviceTlb, pasid, range, leaf } = request.flush;
        const how = Number(values.granularity);
        expect(request.container).toBe('c');
        // Without its flag a PASID is none, and nothing is named.
        const flags = uapi.flags.invalidate_address_flags!;
        const names = how === granularity.domain || has(values.info_flags!, flags.IOMMU_INV_ADDR_FLAGS_PASID!);
        expect(iotlb).toBe(names && has(values.cache!, cache.iotlb));
        expect(deviceTlb).toBe(names && has(values.cache!, cache.iotlb | cache.device));
        expect(pasid).toBe(how === granularity.domain ? undefined : values.pasid);
        expect(range?.first).toBe(how === granularity.address ? values.addr : undefined);
        // No bytes are one page.
        if (range) expect(range.end - range.first).toBe(values.granule_size! * values.nb_granules! || PAGE);
        expect(leaf).toBe(range !== undefined && has(values.info_flags!, flags.IOMMU_INV_ADDR_FLAGS_LEAF!));
      }),
      { seed: 1 },
    );
  });
});

const PAGE = 4096n;

const has = (value: bigint, bits: number): boolean => (value & BigInt(bits)) !== 0n;

describe.each<DataLayout>(['version_first', 'argsz_first'])('BIND and UNBIND with their data %s', (layout) => {
  const ops = {
    BIND: (fields: Parameters<typeof unbindTable>[2] = {}) =>
      bindTable('c', { pasid: 1, root: 0x10000, ...fields }, layout),
    UNBIND: (fields: Parameters<typeof unbindTable>[2] = {}) => unbindTable('c', 1, fields, layout),
  };
  const wellFormed = (op: IoctlOp, length?: number): boolean => {
    const request = decoded(op, layout, length);
    if (request?.kind !== 'bind' && request?.kind !== 'unbind') throw new Error('it is neither BIND nor UNBIND');
    return request.wellFormed;
  };
  const malformed: Parameters<typeof unbindTable>[2][] = [
    ...[0, 7, 8, 79].map((argsz) => ({ argsz })),
    ...[0, 3, 5, 6, 0x8000_0001].map((flags) => ({ flags })),
    ...[0, 2].map((version) => ({ version })),
    ...[0, 2].map((format) => ({ format })),
    ...[0, 0x1_0000_0000n, 1n << 20n, (1n << 32n) + 1n, 1n << 63n].map((hpasid) => ({ hpasid })),
    ...[1n << 1n, 1n << 63n].map((data_flags) => ({ data_flags })),
    ...[1n << 6n, 1n << 63n].map((vtd_flags) => ({ vtd_flags })),
    { padding_0: 1 },
    { padding_4: 1 },
    layout === 'argsz_first' ? { data_argsz: 71 } : { padding_8: 1 },
  ];
  const ignored: Parameters<typeof unbindTable>[2][] = [
    { argsz: 81 },
    { gpasid: 5 },
    { pat: 1 },
    { emt: 1 },
    { hpasid: (1n << 20n) - 1n },
  ];
  const inWords = (fields: object) =>
    Object.entries(fields)
      .map(([name, value]) => `${name} ${value}`)
      .join();

  describe.each(Object.entries(ops))('%s', (_, made) => {
    test('is well-formed as it is usually made, and cut off by one byte is not', () => {
      expect(wellFormed(made())).toBe(true);
      expect(wellFormed(made(), 79)).toBe(false);
    });

    test.each(malformed.map((fields) => [inWords(fields!), fields]))('is malformed with %s', (_, fields) => {
      expect(wellFormed(made(fields as object))).toBe(false);
    });

    test.each(ignored.map((fields) => [inWords(fields!), fields]))('is well-formed with %s', (_, fields) => {
      expect(wellFormed(made(fields as object))).toBe(true);
    });
  });
});
