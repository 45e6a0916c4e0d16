import type { PlotOptions } from '@observablehq/plot'

/** What all charts have in common; colours are the page's, so that they follow its light and dark. */
export function frame(width: number, height: number): PlotOptions {
  return {
    width,
    height,
    marginLeft: 48,
    marginRight: 10,
    marginTop: 10,
    marginBottom: 32,
    style: { background: 'transparent', color: 'var(--muted)', fontFamily: 'inherit', fontSize: '11px', overflow: 'visible' },
  }
}

/** Ticks that fit. */
export function ticksOf(width: number): number {
  return Math.max(3, Math.floor(width / 95))
}

/** `1234567` → `1.2M`: for axes and tips. */
export function short(value: number): string {
  return COMPACT.format(value)
}

const COMPACT = new Intl.NumberFormat('en-US', { notation: 'compact', maximumSignificantDigits: 4 })

/** A time of nanoseconds since the epoch, as the charts take it: UTC, to the millisecond. */
export function dateOf(timeNs: bigint): Date {
  return new Date(Number(timeNs / 1_000_000n))
}

/** `2024-01-31 12:00:00` */
export function timeText(date: Date): string {
  return date.toISOString().slice(0, 19).replace('T', ' ')
}

/** Ticks of times in UTC by the 24-hour clock; the day stands below the first tick and below each midnight. */
export function timeTick(date: Date, i: number): string {
  const [day, clock] = [DAY.format(date), date.toISOString().slice(11, 19)]
  const time = clock.endsWith(':00') ? clock.slice(0, 5) : clock
  return i === 0 || clock === '00:00:00' ? `${time}\n${day}` : time
}

const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' })
