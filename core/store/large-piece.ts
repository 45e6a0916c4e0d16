/** Smaller ones may lie in the buffer that Node shares out (`Buffer.poolSize`). */
const LEAST_BYTES = 1 << 16

/**
 * Frees a piece of memory that nothing else looks into, so that the next one takes what caches still hold. The collector would come
 * late, as to it such a piece is a few words, or often, as it runs for what lies outside of its heap alone. A small one is left as it is.
 */
export function giveBack(piece: Uint8Array): void {
  const { buffer } = piece
  if (buffer instanceof ArrayBuffer && buffer.byteLength >= Math.max(LEAST_BYTES, 2 * Buffer.poolSize)) buffer.transfer(0)
}
