import { ReplayError } from './errors.ts'

/** The first instant that no u64 of nanoseconds holds: 2554-07-21T23:34:33.709551616Z. */
export const END_OF_TIME_NS = 2n ** 64n

/**
 * An instant as people and scripts write it, in nanoseconds since the epoch (UTC, leap seconds not counted, as POSIX has it).
 *
 * - ISO 8601, in its extended form or its basic one: `2024-03-01`, `20240301`, `2024-03`, `2024-061`, `2024-W09-5`, with a time of
 *   day behind `T`, `t` or a space: `12`, `12:30`, `12:30:05`, `12:30:05.123456789` (or a comma; hours and minutes may have decimals as well),
 *   and a zone: `Z`, `z`, `+09:00`, `+0900`, `+09`. Without a zone it is UTC; without a time of day the day's beginning.
 *   `24:00` is the end of a day. A leap second (`2016-12-31T23:59:60Z`) is the midnight after it, where there was one.
 * - An integer: nanoseconds. One that would be a time of today's markets in another unit is not guessed at but refused.
 * - A number with its unit: `1709251200s`, `1709251200000ms`, `…us`, `…ns`.
 *
 * @param what names the value in errors, e.g. `--from`
 * @throws ReplayError input `time`: not a time, none that a calendar has, outside of 1970 to 2554, finer than a nanosecond, or a number
 *   of which the unit is in doubt
 */
export function parseInstant(text: string, what: string): bigint {
  const refuse: Refuse = (expected) => {
    throw new ReplayError('time', `${what}: expected ${expected}, found ${JSON.stringify(text)}`, { category: 'input' })
  }
  const ns = numberOf(text, refuse) ?? calendarTime(text, refuse)
  if (ns < 0n || ns >= END_OF_TIME_NS)
    refuse(`a time from 1970-01-01T00:00:00Z to 2554-07-21T23:34:33.709551615Z, which is what a log can hold`)
  return ns
}

/**
 * Checks a half-open range of times. @param names of its ends in errors
 * @throws ReplayError input `range-empty` unless it begins before it ends
 */
export function requireRange(fromNs: bigint | null | undefined, toNs: bigint | null | undefined, names: readonly [string, string]): void {
  if (fromNs == null || toNs == null || fromNs < toNs) return
  const message = `expected ${names[0]} before ${names[1]}, found ${isoTime(fromNs)} and ${isoTime(toNs)}: nothing lies between them`
  throw new ReplayError('range-empty', message, { category: 'input' })
}

/** `2024-08-08T01:00:00Z`, with nanoseconds where there are any. */
export function isoTime(ns: bigint): string {
  const whole = new Date(Number(ns / 1_000_000n)).toISOString().slice(0, 19)
  const fraction = ns % SECOND_NS
  return fraction === 0n ? `${whole}Z` : `${whole}.${String(fraction).padStart(9, '0')}Z`
}

/** `2024-08-08T01:00:00Z`, with as many digits of microseconds as there are: as results of queries have it. */
export function isoMicros(micros: bigint): string {
  return isoTime(micros * 1000n).replace(/(\.\d*?)0+Z$/, '$1Z')
}

/** Nanoseconds since the epoch at which a day `YYYY-MM-DD` begins; null: there is no such day. */
export function dayStartNs(date: string): bigint | null {
  const match = /^(\d{4})-(\d\d)-(\d\d)$/.exec(date)
  const days = match === null ? null : daysOf(Number(match[1]), Number(match[2]), Number(match[3]))
  return days === null ? null : BigInt(days) * DAY_NS
}

/** `YYYY-MM-DD` of days since the epoch. */
export function dateOfDay(day: number): string {
  const known = DATES.get(day)
  if (known !== undefined) return known
  const date = new Date(day * 86_400_000).toISOString().slice(0, 10)
  if (DATES.size < MAX_DATES) {
    DATES.set(day, date)
    DAYS.set(date, day)
  }
  return date
}

/** Days since the epoch of `YYYY-MM-DD`; NaN when there is no such day. */
export function dayOfDate(date: string): number {
  const known = DAYS.get(date)
  if (known !== undefined) return known
  const startNs = dayStartNs(date)
  return startNs === null ? Number.NaN : Number(startNs / DAY_NS)
}

/** Ends with an error that says what was expected. */
type Refuse = (expected: string) => never

const SECOND_NS = 1_000_000_000n
const DAY_NS = 86_400n * SECOND_NS
const UNIT_NS = { s: SECOND_NS, ms: 1_000_000n, us: 1000n, µs: 1000n, ns: 1n } as const

// Numbers

/** Nanoseconds of a number, with its unit or without; null when the text is no number of such a kind. */
function numberOf(text: string, refuse: Refuse): bigint | null {
  const match = /^([+-]?)(\d+)(?:\.(\d+))?(s|ms|us|µs|ns)?$/.exec(text)
  if (match === null) return null
  const [, sign, digits, decimals = '', unit] = match as unknown as [string, string, string, string?, string?]
  if (sign !== '')
    refuse('nanoseconds since the epoch without a sign, as nothing in a log is of before 1970, or a time like 2024-03-01T12:00:00Z')
  if (unit !== undefined) return withUnit(digits, decimals, UNIT_NS[unit as keyof typeof UNIT_NS], refuse)
  if (decimals !== '') {
    refuse(`whole nanoseconds, or a number with its unit; did you mean ${text}s?`)
  }
  const date = compactDate(digits)
  if (date !== null) return calendarTime(date, refuse)
  const value = BigInt(digits)
  const doubts = [...doubtfulUnits(value), ...doubtfulCalendar(digits)]
  if (doubts.length > 0)
    refuse(`a number whose unit is beyond doubt; did you mean ${[...doubts, `${digits}ns (${isoTime(value)})`].join(' or ')}?`)
  return value
}

function withUnit(digits: string, decimals: string, unitNs: bigint, refuse: Refuse): bigint {
  const significant = decimals.replace(/0+$/, '')
  const scale = 10n ** BigInt(significant.length)
  const scaled = BigInt(digits + significant) * unitNs
  if (scaled % scale !== 0n) refuse('whole nanoseconds')
  return scaled / scale
}

/** `20240301` of ISO's basic form. Eight digits of other years are nanoseconds of the epoch's first tenth of a second. */
function compactDate(digits: string): string | null {
  const year = Number(digits.slice(0, 4))
  return digits.length === 8 && year >= FIRST_LIKELY_YEAR && year <= LAST_LIKELY_YEAR ? digits : null
}

/** What the number would be in units in which it is a time of 1990 to 2100. */
function doubtfulUnits(value: bigint): string[] {
  return (['s', 'ms', 'us'] as const).flatMap((unit) => {
    const ns = value * UNIT_NS[unit]
    return ns >= FIRST_LIKELY_NS && ns < END_OF_LIKELY_NS ? `${value}${unit} (${isoTime(ns)})` : []
  })
}

/** Calendar times that people write without any signs, and ISO does not. */
function doubtfulCalendar(digits: string): string[] {
  const year = Number(digits.slice(0, 4))
  if (year < FIRST_LIKELY_YEAR || year > LAST_LIKELY_YEAR) return []
  const rest = digits.slice(4)
  if (rest === '') return [`${year}-01-01`]
  if (/^(0[1-9]|1[0-2])$/.test(rest)) return [`${year}-${rest}`]
  if (/^([0-2]\d\d|3[0-5]\d|36[0-6])$/.test(rest) && rest !== '000') return [`${year}-${rest}`]
  const time = /^((?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))((?:[01]\d|2[0-3])(?:[0-5]\d){0,2})$/.exec(rest)
  return time === null ? [] : [`${year}${time[1]}T${time[2]}`]
}

const [FIRST_LIKELY_YEAR, LAST_LIKELY_YEAR] = [1970, 2100]
const [FIRST_LIKELY_NS, END_OF_LIKELY_NS] = [BigInt(Date.UTC(1990, 0)) * 1_000_000n, BigInt(Date.UTC(2101, 0)) * 1_000_000n]

// ISO 8601

const ISO = /^(\d{4})(?:-(\d\d)-(\d\d)|(\d\d)(\d\d)|-?W(\d\d)(?:-?(\d))?|-?(\d{3})|-(\d\d))(?:[Tt ]([^Zz+\u2212-]*)(.*))?$/i
const TIME_OF_DAY = /^(\d\d)(?::?(\d\d)(?::?(\d\d))?)?(?:[.,](\d+))?$/
const ZONE = /^(?:[Zz]|([+\u2212-])(\d\d)(?::?(\d\d))?)?$/
const ISO_EXPECTED = 'a time like 2024-03-01, 2024-03-01T12:30:00Z or 2024-03-01T12:30+09:00 (ISO 8601), or nanoseconds since the epoch'

function calendarTime(text: string, refuse: Refuse): bigint {
  const match = ISO.exec(text)
  if (match === null) return refuse(/^[+-]\d{5,}-/.test(text) ? 'a year of four digits' : ISO_EXPECTED)
  const days = dayOf(match, refuse)
  const [time, zone] = [match[10], match[11] ?? '']
  if (time === undefined) return BigInt(days) * DAY_NS
  const offset = offsetOf(zone, refuse)
  const { seconds, ns, isLeap } = timeOfDay(time, refuse)
  const utc = BigInt(days * 86_400 + seconds - offset)
  if (isLeap) requireLeapSecond(Number(utc), refuse)
  return utc * SECOND_NS + ns
}

/** Days since the epoch. */
function dayOf(match: RegExpExecArray, refuse: Refuse): number {
  const year = Number(match[1])
  const [month, day] = [match[2] ?? match[4] ?? match[9], match[3] ?? match[5] ?? '01']
  if (month !== undefined) return daysOf(year, Number(month), Number(day)) ?? refuse('a day that the calendar has')
  if (match[6] !== undefined) return dayOfWeek(year, Number(match[6]), Number(match[7] ?? 1)) ?? refuse('a week and day that the year has')
  const start = daysOf(year, 1, 1)!
  const ordinal = Number(match[8])
  return ordinal >= 1 && start + ordinal <= daysOf(year + 1, 1, 1)! ? start + ordinal - 1 : refuse('a day that the year has')
}

/** Days since the epoch of a date in the proleptic Gregorian calendar; null: there is none such. */
function daysOf(year: number, month: number, day: number): number | null {
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? date.getTime() / 86_400_000 : null
}

/** Week 1 is the one with the year's first Thursday; weeks begin with Monday, day 1. */
function dayOfWeek(year: number, week: number, day: number): number | null {
  const firstMonday = (of: number): number => {
    const fourth = daysOf(of, 1, 4)!
    return fourth - ((((fourth + 3) % 7) + 7) % 7)
  }
  const found = firstMonday(year) + (week - 1) * 7 + day - 1
  return week >= 1 && day >= 1 && day <= 7 && found < firstMonday(year + 1) ? found : null
}

function timeOfDay(text: string, refuse: Refuse): { readonly seconds: number; readonly ns: bigint; readonly isLeap: boolean } {
  const match = TIME_OF_DAY.exec(text)
  if (match === null) return refuse(`${ISO_EXPECTED}; the time of day is not one`)
  const [hour, minute, second] = [Number(match[1]), Number(match[2] ?? 0), Number(match[3] ?? 0)]
  const decimals = (match[4] ?? '').replace(/0+$/, '')
  if (decimals.length > 9) return refuse('at most nine decimals: times are whole nanoseconds')
  const lastUnit = match[3] !== undefined ? 1n : match[2] !== undefined ? 60n : 3600n
  const ns = BigInt(decimals.padEnd(9, '0')) * lastUnit
  const isEnd = hour === 24 && minute === 0 && second === 0 && ns === 0n
  const isLeap = second === 60
  if ((hour > 23 && !isEnd) || minute > 59 || second > 60) return refuse('a time of day from 00:00:00 to 24:00:00')
  return { seconds: hour * 3600 + minute * 60 + second, ns, isLeap }
}

/** Seconds east of UTC. */
function offsetOf(zone: string, refuse: Refuse): number {
  const match = ZONE.exec(zone)
  if (match === null) return refuse(`${ISO_EXPECTED}; the zone is not one: Z, +09:00, +0900 and +09 are`)
  const [hours, minutes] = [Number(match[2] ?? 0), Number(match[3] ?? 0)]
  if (minutes > 59 || hours * 60 + minutes > 14 * 60) return refuse('a zone from -14:00 to +14:00')
  return (match[1] === undefined || match[1] === '+' ? 1 : -1) * (hours * 3600 + minutes * 60)
}

/** @param utc seconds since the epoch of the midnight after it */
function requireLeapSecond(utc: number, refuse: Refuse): void {
  if (LEAP_SECONDS.has(utc)) return
  refuse('a second from 00 to 59: 60 is only in the last minute (UTC) of days that had a leap second, e.g. 2016-12-31T23:59:60Z')
}

/** Midnights after the leap seconds, which the IERS announces (Bulletin C); none since 2016. */
const LEAP_SECONDS: ReadonlySet<number> = new Set(
  [
    ...['1972-07', '1973-01', '1974-01', '1975-01', '1976-01', '1977-01', '1978-01', '1979-01', '1980-01', '1981-07', '1982-07', '1983-07'],
    ...['1985-07', '1988-01', '1990-01', '1991-01', '1992-07', '1993-07', '1994-07', '1996-01', '1997-07', '1999-01', '2006-01', '2009-01'],
    ...['2012-07', '2015-07', '2017-01'],
  ].map((month) => Date.parse(`${month}-01T00:00:00Z`) / 1000),
)

/** Days met so far: a listing names the same few over and over. */
const DATES = new Map<number, string>()
const DAYS = new Map<string, number>()
const MAX_DATES = 100_000
