import fs from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ReplayError } from '../../core/errors.ts'
import { durationNsOf, parseDuration } from '../../core/features/clocks/duration.ts'
import { dayStartNs, isoTime, parseInstant } from '../../core/instant.ts'
import { makeLog } from '../support/made-log.ts'
import { runCli } from '../support/run-cli.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

/** 2024-03-01T00:00:00Z, from `date -u -d 2024-03-01 +%s`. */
const MARCH = 1_709_251_200n
const NS = 1_000_000_000n

describe('times', () => {
  it.each<[string, bigint]>([
    ['2024-03-01', MARCH * NS],
    ['20240301', MARCH * NS],
    ['2024-03', MARCH * NS],
    ['2024-061', MARCH * NS],
    ['2024-W09-5', MARCH * NS],
    ['2024W095', MARCH * NS],
    ['2020-W53-7', 1_609_632_000n * NS],
    ['2024-02-29', (MARCH - 86_400n) * NS],
    ['2024-03-01T12', (MARCH + 43_200n) * NS],
    ['2024-03-01T12,5', (MARCH + 45_000n) * NS],
    ['2024-03-01T12:30', (MARCH + 45_000n) * NS],
    ['2024-03-01T12:30.5', (MARCH + 45_030n) * NS],
    ['2024-03-01 12:30:05', (MARCH + 45_005n) * NS],
    ['2024-03-01t12:30:05z', (MARCH + 45_005n) * NS],
    ['20240301T123005Z', (MARCH + 45_005n) * NS],
    ['2024-03-01T12:30:05.123456789Z', (MARCH + 45_005n) * NS + 123_456_789n],
    ['2024-03-01T12:30:05,1Z', (MARCH + 45_005n) * NS + 100_000_000n],
    ['2024-03-01T12:30:05.12345678900Z', (MARCH + 45_005n) * NS + 123_456_789n],
    ['2024-03-01T00:00:00+09:00', (MARCH - 32_400n) * NS],
    ['2024-03-01T00:00:00+0530', (MARCH - 19_800n) * NS],
    ['2024-03-01T00:00-05', (MARCH + 18_000n) * NS],
    ['2024-03-01T00:00\u221205:00', (MARCH + 18_000n) * NS],
    ['2024-02-29T24:00:00Z', MARCH * NS],
    ['2016-12-31T23:59:60Z', 1_483_228_800n * NS],
    ['2017-01-01T08:59:60.5+09:00', 1_483_228_800n * NS + 500_000_000n],
    ['1969-12-31T23:00-02:00', 3600n * NS],
    ['1709251200000000000', MARCH * NS],
    ['1709251200s', MARCH * NS],
    ['1709251200.5s', MARCH * NS + 500_000_000n],
    ['1709251200000ms', MARCH * NS],
    ['1709251200000000us', MARCH * NS],
    ['1709251200ns', MARCH],
    ['0', 0n],
    ['1000', 1000n],
    ['2554-07-21T23:34:33.709551615Z', 2n ** 64n - 1n],
  ])('%s is %s', (text, ns) => expect(parseInstant(text, '--from')).toBe(ns))

  it.each<[string, string]>([
    ['2024-02-30', 'a day that the calendar has'],
    ['2023-02-29', 'a day that the calendar has'],
    ['20240230', 'a day that the calendar has'],
    ['2024-13-01', 'a day that the calendar has'],
    ['2023-366', 'a day that the year has'],
    ['2021-W53', 'a week and day that the year has'],
    ['2024-03-01T24:00:01', 'from 00:00:00 to 24:00:00'],
    ['2024-03-01T12:60', 'from 00:00:00 to 24:00:00'],
    ['2024-03-01T23:59:60Z', 'days that had a leap second'],
    ['2016-12-31T12:59:60Z', 'days that had a leap second'],
    ['2024-03-01T00:00:00.1234567891Z', 'at most nine decimals'],
    ['2024-03-01T12:00+15:00', 'a zone from -14:00 to +14:00'],
    ['2024-03-01T12:00 Berlin', 'a time like'],
    ['2024-3-1', 'a time like'],
    ['yesterday', 'a time like'],
    ['', 'a time like'],
    ['1e18', 'a time like'],
    ['-1', 'without a sign'],
    ['1969-12-31', 'from 1970-01-01T00:00:00Z to 2554-07-21'],
    ['0000-01-01', 'from 1970-01-01T00:00:00Z to 2554-07-21'],
    ['9999-12-31', 'from 1970-01-01T00:00:00Z to 2554-07-21'],
    ['18446744073709551616', 'from 1970-01-01T00:00:00Z to 2554-07-21'],
    ['1709251200', 'did you mean 1709251200s (2024-03-01T00:00:00Z) or 1709251200ns (1970-01-01T00:00:01.709251200Z)?'],
    ['1709251200000', 'did you mean 1709251200000ms (2024-03-01T00:00:00Z) or'],
    ['1709251200000000', 'did you mean 1709251200000000us (2024-03-01T00:00:00Z) or'],
    ['631152000', 'did you mean 631152000s (1990-01-01T00:00:00Z) or'],
    ['1709251200.5', 'did you mean 1709251200.5s?'],
    ['20240301120000', 'did you mean 20240301T120000 or'],
    ['2024', 'did you mean 2024-01-01 or'],
    ['1709251200.0000000001s', 'whole nanoseconds'],
  ])('%j is refused: %s', (text, expected) => {
    const error = errorOf(() => parseInstant(text, '--from'))
    expect(error).toMatchObject({ code: 'time', category: 'input' })
    expect(error.message).toMatch(/^--from: expected /)
    expect(error.message).toContain(expected)
    expect(error.message).toContain(`found ${JSON.stringify(text)}`)
  })

  it('are read back from every way of writing them', () => {
    const instant = fc.record({ ms: fc.integer({ min: 0, max: Date.UTC(2500, 0) }), ns: fc.integer({ min: 0, max: 999_999 }) })
    const offset = fc.integer({ min: -14 * 60, max: 14 * 60 })
    fc.assert(
      fc.property(
        instant,
        offset,
        fc.boolean(),
        fc.constantFrom('T', 't', ' '),
        fc.constantFrom('.', ','),
        (at, minutes, isBasic, t, point) => {
          const expected = BigInt(at.ms) * 1_000_000n + BigInt(at.ns)
          fc.pre(at.ms + minutes * 60_000 >= 0)
          const local = new Date(at.ms + minutes * 60_000).toISOString().slice(0, 23)
          const zone = `${minutes < 0 ? '-' : '+'}${String(Math.floor(Math.abs(minutes) / 60)).padStart(2, '0')}:${String(Math.abs(minutes) % 60).padStart(2, '0')}`
          const text = `${local.replace('T', t).replace('.', point)}${String(at.ns).padStart(6, '0')}${zone}`
          const basic = text.replace(/^(\d{4})-(\d\d)-/, '$1$2').replaceAll(/(?<=\d):(?=\d\d)/g, '')
          expect(parseInstant(isBasic ? basic : text, 'it')).toBe(expected)
          expect(parseInstant(isoTime(expected), 'it')).toBe(expected)
          expect(dayStartNs(isoTime(expected).slice(0, 10))).toBe((expected / 86_400_000_000_000n) * 86_400_000_000_000n)
        },
      ),
    )
  })
})

describe('durations', () => {
  it.each<[string, bigint | null]>([
    ['250ms', 250_000_000n],
    ['1.5h', 5_400n * NS],
    ['90d', 7_776_000n * NS],
    ['2w', 1_209_600n * NS],
    ['0s', 0n],
    ['PT5M', 300n * NS],
    ['P1DT2H3M4.5S', 93_784n * NS + 500_000_000n],
    ['P2W', 1_209_600n * NS],
    ['P1M', null],
    ['P', null],
    ['PT', null],
    ['P1DT', null],
    ['5', null],
    ['-5s', null],
    ['1H', null],
    ['0.0000000001s', null],
  ])('%s is %s', (text, ns) => expect(durationNsOf(text)).toBe(ns))

  it('of bars are whole microseconds of at most 64 days', () => {
    expect(parseDuration('PT1M')).toBe(60e9)
    for (const text of ['1500ns', '65d', '0s', 'P1Y'])
      expect(() => parseDuration(text)).toThrow(expect.objectContaining({ code: 'duration' }))
  })
})

describe('commands', () => {
  const folder = temporaryFolder('time-options')
  const log = path.join(folder, 'log')
  fs.mkdirSync(log)
  makeLog(
    log,
    Array.from({ length: 24 }, (_, i) => ({
      seq: BigInt(i),
      timestampNs: (MARCH + BigInt(i) * 3600n + 1800n) * NS,
      typeId: 1,
      payload: new Uint8Array(8),
    })),
  )
  const forwarded = async (...argv: string[]) =>
    JSON.parse((await runCli('replay', log, '--json', '--quiet', ...argv)).out).forwarded as number

  it('replay takes a range in any zone and spelling', async () => {
    expect(await forwarded('--from', '2024-03-01', '--to', '2024-03-02')).toBe(24)
    expect(await forwarded('--from', '20240301T12')).toBe(12)
    expect(await forwarded('--to', '2024-03-01 12:00+09:00')).toBe(3)
    expect(await forwarded('--from', '1709251200s', '--to', '1709254800000ms')).toBe(1)
  })

  it('says which option is wrong, and refuses what is no range', async () => {
    const cases: [string[], RegExp][] = [
      [['replay', log, '--from', '2024-02-30'], /error time: --from: .*"2024-02-30"/],
      [['replay', log, '--to', '1709251200'], /error time: --to: .*did you mean 1709251200s/],
      [['replay', log, '--from', '-1'], /error time: --from: .*without a sign/],
      [['replay', log, '--from', '2024-03-02', '--to', '2024-03-01'], /error range-empty: expected --from before --to/],
      [['replay', log, '--from', '2024-03-02', '--to', '2024-03-02'], /error range-empty/],
      [['inspect', log, '--seek-timestamp', '2024-02-31'], /error time: --seek-timestamp/],
      [['generate', path.join(folder, 'g'), '--from', '2024-02-30'], /error time: --from/],
      [['generate', path.join(folder, 'g'), '--from', '2024-03-01T12:00Z'], /error usage: --from: expected a day/],
      [
        ['run', 'trades', '--archive', folder, '--table', path.join(folder, 't'), '--from', '2024-03-02', '--to', '20240301'],
        /range-empty/,
      ],
      [['vacuum', path.join(folder, 't'), '--older-than', '-1d'], /error/],
    ]
    for (const [argv, message] of cases) {
      const { code, err } = await runCli(...argv)
      expect([code, err]).toEqual([2, expect.stringMatching(message)])
    }
  })

  it('replay says what there is when nothing lies in the range', async () => {
    const { code, err } = await runCli('replay', log, '--from', '2025-01-01', '--json', '--quiet')
    expect([code, err]).toEqual([0, expect.stringContaining('the logs have 2024-03-01T00:30:00Z to 2024-03-01T23:30:00Z')])
  })
})

function errorOf(work: () => unknown): ReplayError {
  try {
    work()
  } catch (error) {
    if (error instanceof ReplayError) return error
    throw error
  }
  throw new Error('expected an error')
}
