import { Instant } from './instant.ts'

/** When a date of New York begins, with the daylight saving time of that date. @param date `YYYY-MM-DD`, one that exists */
export function newYorkMidnight(date: string): Instant {
  const day = Date.parse(`${date}T00:00:00Z`)
  // Clocks change at two in the morning: at five in the morning UTC it is midnight or one o'clock there.
  const hour = new Intl.DateTimeFormat('en-US', { timeZone: 'America/New_York', hour: 'numeric', hourCycle: 'h23' }).format(
    day + 5 * HOUR_MS,
  )
  return new Instant().setMillis(day + (5 - Number(hour)) * HOUR_MS)
}

/** Whether a text is a date that exists, `YYYY-MM-DD`, of the years in which there are electronic venues. */
export function isDate(text: string): boolean {
  if (!/^(?:19[7-9]|20\d)\d-\d\d-\d\d$/.test(text)) return false
  const day = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text)
}

const HOUR_MS = 3_600_000
