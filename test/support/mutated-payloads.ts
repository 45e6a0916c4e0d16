/** Whole numbers from 0 to below `n`, the same for the same seed (xorshift). */
export function drawer(seed: number): (n: number) => number {
  let state = seed | 1
  return (n) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % n
  }
}

/** A payload as damage makes it: cut, with bits flipped, with words that mean something set, or whole. */
export function mutated(payload: Uint8Array, draw: (n: number) => number): Uint8Array {
  const bytes = payload.slice(0, draw(4) === 0 ? draw(payload.length + 1) : payload.length)
  if (bytes.length === 0) return bytes
  for (let left = draw(4); left > 0; left--) {
    const at = draw(bytes.length)
    if (draw(2) === 0) bytes[at]! ^= 1 << draw(8)
    else bytes.fill([0, 1, 0x7f, 0x80, 0xff][draw(5)]!, at, at + [1, 2, 4, 8][draw(4)]!)
  }
  return bytes
}
