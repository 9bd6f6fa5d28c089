// The import table: which room may import which. Data goes one way, and the
// simulator stays independent of the contract it is compared with.
const only = (room, allowed) => ({
  name: `${room}-imports`,
  comment: `${room} may import ${allowed.join(', ') || 'nothing of ours'}`,
  severity: 'error',
  from: { path: `^${room}/`, pathNot: '(\\.test|/test-[^/]+)\\.ts$' },
  to: {
    path: '^(spec|reference|conformance|modelcheck|adapters|reports|cli|bench|fuzz)/',
    pathNot: [room, ...allowed].map((r) => (r.endsWith('.ts') ? `^${r}$` : `^${r}/`)),
  },
});

module.exports = {
  forbidden: [
    only('spec/uapi', []),
    only('spec/contract', ['spec/uapi']),
    only('reference', ['spec']),
    only('adapters', ['spec/uapi']),
    only('conformance', ['spec', 'reference']),
    only('modelcheck', [
      'spec',
      'reference',
      'conformance/programs',
      'conformance/suites/boundary',
      'conformance/suites/suite.ts',
    ]),
    only('reports', ['spec']),
    {
      name: 'simulator-below-vfio',
      comment: 'memory, files, the IOMMU and devices know nothing of VFIO, as in a kernel',
      severity: 'error',
      from: { path: '^adapters/simulator/(mm|files|nested|iommu|devices)/', pathNot: '(\\.test|/test-[^/]+)\\.ts$' },
      to: { path: '^adapters/simulator/', pathNot: '^adapters/simulator/((mm|files|nested|iommu|devices)/|[^/]+$)' },
    },
    {
      name: 'simulator-iommu',
      comment: 'an IOMMU knows memory, and no model of a device',
      severity: 'error',
      from: { path: '^adapters/simulator/(mm|nested|iommu)/', pathNot: '(\\.test|/test-[^/]+)\\.ts$' },
      to: { path: '^adapters/simulator/(files|devices)/' },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unknown', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'no-dev-dependencies',
      severity: 'error',
      from: { pathNot: ['(\\.test|/test-[^/]+)\\.ts$'] },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'], pathNot: '@types' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    exclude: '^dist/',
  },
};
