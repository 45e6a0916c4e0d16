import { dateOfDay } from '../../instant.ts'
import type { JobOutline } from '../../job/job-outline.ts'
import type { MissingStream } from '../run/plan-document.ts'
import type { ListedInstrument } from './archive-listing.ts'
import { isBookStream } from './instrument-days.ts'

/** @param first and @param last day of the range, in days since the epoch */
export function findMissingStreams(
  instruments: readonly ListedInstrument[],
  { streams }: Pick<JobOutline, 'streams'>,
  first: number,
  last: number,
): MissingStream[] {
  if (streams === 'all') return []
  return streams.flatMap((stream) => {
    const isOf = (name: string): boolean => (stream === 'book' ? isBookStream(name) : name === stream)
    let [none, days]: [number, number] = [0, 0]
    let place: string | null = null
    for (const { venue, symbol, folders } of instruments) {
      const all = new Set<number>()
      const own = new Set<number>()
      for (const { day, stream: name } of folders) {
        if (day < first || day > last) continue
        all.add(day)
        if (isOf(name)) own.add(day)
      }
      if (own.size === all.size) continue
      if (own.size === 0) none++
      else days += all.size - own.size
      const firstDay = own.size === 0 ? '' : ` on ${dateOfDay([...all].find((day) => !own.has(day))!)}`
      place ??= `${venue}/${symbol}${firstDay}`
    }
    return place === null ? [] : [{ stream, instruments: none, days, first: place }]
  })
}
