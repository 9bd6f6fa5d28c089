/** What a run reached of a kernel's sources, counted by code that the kernel's compiler put in. */
export interface KernelCoverage {
  /** Machines that were booted. */
  machines: number;
  /** Of these, the ones that crashed or hung before they could hand over what they had counted. */
  silent: number;
  sources: SourceCoverage[];
}

/** What was reached of one source file. Counts are added up over all machines. */
export interface SourceCoverage {
  /** Path in the kernel's source tree, such as `drivers/vfio/group.c`. */
  file: string;
  /** Where on this host a copy is. */
  path: string;
  /** Its lines, as text. */
  text: string[];
  /** In the order of the file. */
  functions: FunctionCoverage[];
  /** Lines that hold code, in the order of the file. */
  lines: LineCoverage[];
}

/** How often a function was called. */
export interface FunctionCoverage {
  name: string;
  /** Where it starts, from 1. */
  line: number;
  count: number;
}

/** How often a line was executed. */
export interface LineCoverage {
  /** From 1. */
  line: number;
  /** The function that it belongs to. */
  function: string;
  count: number;
  /** How often each way out of the line was taken, where there are several. */
  branches: number[];
}
