import type { JobDefinition } from '../job-definition.ts'
import { bars } from './bars.ts'
import { bookFeatures } from './book-features.ts'
import { messages } from './messages.ts'
import { snapshots } from './snapshots.ts'
import { tickers } from './tickers.ts'
import { trades } from './trades.ts'

/** The jobs that have a name. */
export const BUILTIN_JOBS: Readonly<Record<string, JobDefinition>> = {
  messages,
  trades,
  tickers,
  bars,
  'book-features': bookFeatures,
  snapshots,
}
