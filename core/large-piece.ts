/** Below it a piece is a matter of the collector, which takes it soon. */
const LEAST_BYTES = 1 << 14

/**
 * Frees a piece of memory that nothing else looks into, so that the next one takes what caches still hold. The collector would come
 * late, as to it such a piece is a few words, or often, as it runs for what lies outside of its heap alone. A small one is left as it is,
 * and so is one that may lie in the buffer that Node shares out (`Buffer.poolSize`).
 */
export function giveBack({ buffer }: ArrayBufferView): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength >= LEAST_BYTES && buffer.byteLength !== Buffer.poolSize) buffer.transfer(0)
}
