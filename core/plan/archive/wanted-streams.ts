import type { JobOutline } from '../../job/job-outline.ts'
import type { ListedInstrument } from './archive-listing.ts'
import { isBookStream } from './instrument-days.ts'

/** Which streams of an instrument the job reads. */
export function wantsOf(instrument: ListedInstrument, { streams }: JobOutline): (stream: string) => boolean {
  const hasL2 = instrument.folders.some(({ stream }) => stream === 'book')
  return (stream) => {
    if (streams === 'all') return true
    if (isBookStream(stream)) return streams.includes('book') && (stream === 'book' || !hasL2)
    return (streams as readonly string[]).includes(stream)
  }
}
