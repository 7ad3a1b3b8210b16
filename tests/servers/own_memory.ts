/** The memory of one test file: others run in the same process, each in an isolate of its own. */

/** Bytes of this isolate's heap, and of the buffers that belong to it. */
export function ownBytes(): number {
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}
