import type { Row } from '../../bench/made/made-table.ts'

/** The row hash of table-checksum.ts once more, from its definition alone: words in arrays, BigInts, no speed. */
export function naiveRowHash(columns: readonly { readonly name: string; readonly type: string }[], row: Row): bigint {
  const low: number[] = []
  const high: number[] = []
  for (const { name, type } of [...columns].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const token = murmur3(wordsOf(Buffer.from(`${name}:${type}`)))
    const value = row[name] ?? null
    const put = (a: number, b = a) => {
      low.push(a >>> 0)
      high.push(b >>> 0)
    }
    if (value === null) {
      put(~token)
      continue
    }
    put(token)
    if (type === 'string') {
      const bytes = wordsOf(Buffer.from(String(value)))
      put(murmur3(bytes), xx(bytes))
    } else if (type === 'i32' || type === 'bool') put(Number(value))
    else {
      const view = new DataView(new ArrayBuffer(8))
      if (type === 'f64') view.setFloat64(0, Number(value), true)
      else view.setBigInt64(0, BigInt(value), true)
      put(view.getUint32(0, true))
      put(view.getUint32(4, true))
    }
  }
  const bytes = 4 * low.length
  return (BigInt(xx({ words: high, tail: null, bytes })) << 32n) | BigInt(murmur3({ words: low, tail: null, bytes }))
}

interface Words {
  readonly words: readonly number[]
  /** The last 1 to 3 bytes, filled up with zeros. */
  readonly tail: number | null
  readonly bytes: number
}

function wordsOf(bytes: Buffer): Words {
  const whole = bytes.length >> 2
  const words = Array.from({ length: whole }, (_, i) => bytes.readUInt32LE(4 * i))
  const rest = bytes.subarray(4 * whole)
  return { words, tail: rest.length === 0 ? null : Buffer.concat([rest, Buffer.alloc(4)]).readUInt32LE(0), bytes: bytes.length }
}

/** https://github.com/aappleby/smhasher MurmurHash3_x86_32, seed 0. */
function murmur3({ words, tail, bytes }: Words): number {
  const mul = (a: bigint, b: bigint) => (a * b) & M
  const rotl = (x: bigint, r: bigint) => ((x << r) | (x >> (32n - r))) & M
  const scramble = (word: number) => mul(rotl(mul(BigInt(word), 0xcc9e2d51n), 15n), 0x1b873593n)
  let h = 0n
  for (const word of words) h = (rotl(h ^ scramble(word), 13n) * 5n + 0xe6546b64n) & M
  if (tail !== null) h ^= scramble(tail)
  h ^= BigInt(bytes)
  h = mul(h ^ (h >> 16n), 0x85ebca6bn)
  h = mul(h ^ (h >> 13n), 0xc2b2ae35n)
  return Number(h ^ (h >> 16n))
}

/** The word steps and avalanche of XXH32, as table-checksum.ts puts them together. */
function xx({ words, tail, bytes }: Words): number {
  let h = 0x165667b1n
  for (const word of tail === null ? words : [...words, tail]) {
    h = (h + BigInt(word) * 0xc2b2ae3dn) & M
    h = ((((h << 17n) | (h >> 15n)) & M) * 0x27d4eb2fn) & M
  }
  h = (h + BigInt(bytes)) & M
  h = ((h ^ (h >> 15n)) * 0x85ebca77n) & M
  h = ((h ^ (h >> 13n)) * 0xc2b2ae3dn) & M
  return Number(h ^ (h >> 16n))
}

const M = 0xffffffffn
