/** Messages that their number determines, so that a reader can tell which one it has, and whether it is whole. */
export function typeOf(i: number): number {
  return i % 1000
}

export function timeOf(i: number): bigint {
  return 1000n + BigInt(i)
}

export function payloadOf(i: number): Uint8Array {
  const payload = new Uint8Array((i * 131) % 700)
  for (let at = 0; at < payload.length; at++) payload[at] = i + at * 7
  return payload
}
