import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Decimal } from '../../core/import/messages/decimal.ts'
import { Instant } from '../../core/import/messages/instant.ts'
import { symbolCode } from '../../core/import/messages/naming.ts'

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

function parsed(text: string, keepsZeros = false): string {
  const decimal = new Decimal()
  const bytes = bytesOf(`x${text}x`)
  const kind = decimal.parse(bytes, 1, bytes.length - 1, keepsZeros)
  return kind === 'exact' ? `${decimal.isNegative ? '-' : ''}${decimal.mantissa}e-${decimal.decimals}` : kind
}

describe('decimals of texts', () => {
  it.each([
    ['61800.20', '618002e-1'],
    ['5', '5e-0'],
    ['5.', '5e-0'],
    ['.5', '5e-1'],
    ['1e-8', '1e-8'],
    ['9.9E-7', '99e-8'],
    ['1.5e+3', '1500e-0'],
    [' 5', '5e-0'],
    ['+5', '5e-0'],
    ['-0.10', '-1e-1'],
    ['-0', '0e-0'],
    ['0.000', '0e-0'],
    ['100', '100e-0'],
    ['9007199254740991', '9007199254740991e-0'],
    ['0.000000000000000001', '1e-18'],
    ['0.0000000000000000001', 'out-of-range'],
    ['9007199254740993', 'out-of-range'],
    ['12345678901234567.89', 'out-of-range'],
    ['', 'absent'],
    ['NaN', 'absent'],
    ['inf', 'absent'],
    ['.', 'bad'],
    ['1.2.3', 'bad'],
    ['12a', 'bad'],
    ['1,5', 'bad'],
    ['0x10', 'bad'],
    ['--1', 'bad'],
  ])('%j is %s', (text, expected) => expect(parsed(text)).toBe(expected))

  it('keep zeros at the end where they count', () =>
    expect([parsed('61800.20', true), parsed('0.500', true)]).toEqual(['6180020e-2', '500e-3']))

  it('are what was written, and give the nearest double (property)', () => {
    const numbers = fc.record({ mantissa: fc.bigInt({ min: 0n, max: 2n ** 53n - 1n }), decimals: fc.nat(18), isNegative: fc.boolean() })
    fc.assert(
      fc.property(numbers, fc.boolean(), ({ mantissa, decimals, isNegative }, isScientific) => {
        const digits = String(mantissa).padStart(decimals + 1, '0')
        const point = digits.length - decimals
        const plain = decimals === 0 ? digits : `${digits.slice(0, point)}.${digits.slice(point)}`
        const text = (isNegative ? '-' : '') + (isScientific ? `${mantissa}e-${decimals}` : plain)
        const decimal = new Decimal()
        const bytes = bytesOf(text)
        expect(decimal.parse(bytes, 0, bytes.length)).toBe('exact')
        expect(BigInt(decimal.mantissa) * 10n ** BigInt(18 - decimal.decimals)).toBe(mantissa * 10n ** BigInt(18 - decimals))
        expect(decimal.value === Number(text)).toBe(true)
        expect(decimal.isNegative).toBe(isNegative && mantissa > 0n)
      }),
      { numRuns: 500 },
    )
  })
})

describe('times of texts', () => {
  it('keep every digit, by their number (property)', () => {
    const times = fc.bigInt({ min: 1_000_000_000n, max: 8_999_999_999n })
    fc.assert(
      fc.property(times, fc.bigInt({ min: 0n, max: 999_999_999n }), fc.constantFrom(0, 3, 6, 9), (seconds, nanos, digits) => {
        const rest = String(nanos).padStart(9, '0').slice(0, digits)
        const expected = seconds * 1_000_000_000n + BigInt(rest.padEnd(9, '0'))
        const instant = new Instant()
        const bytes = bytesOf(String(seconds) + rest)
        expect(instant.parseDigits(bytes, 0, bytes.length)).toBe(true)
        expect(instant.ns).toBe(expected)
        const decimal = bytesOf(digits === 0 ? String(seconds) : `${seconds}.${rest}`)
        expect(instant.setNs(0n).parseSeconds(decimal, 0, decimal.length)).toBe(true)
        expect(instant.ns).toBe(expected)
        expect(instant.setNs(expected).ns).toBe(expected)
        expect(instant.setNs(expected - nanos).add(Number(nanos)).ns).toBe(expected)
        expect(instant.setMicros(Number(expected / 1000n)).ns).toBe((expected / 1000n) * 1000n)
        expect(instant.setMillis(Number(expected / 1_000_000n)).ns).toBe((expected / 1_000_000n) * 1_000_000n)
      }),
      { numRuns: 500 },
    )
  })

  it.each(['', '17', '17092512000001', '1709251200a', '2024-03-01'])('%j is none', (text) => {
    const bytes = bytesOf(text)
    expect(new Instant().parseDigits(bytes, 0, bytes.length)).toBe(false)
  })
})

it('symbols have codes that can be folders', () => {
  expect(['BTC/USDT', 'ES:M4', 'BRK B', '..', '币安', 'a_b.c+d'].map(symbolCode)).toEqual([
    'btc-usdt',
    'es-m4',
    'brk-b',
    '--',
    '--',
    'a_b.c+d',
  ])
})
