/** Small quotes, in one session over all days. */
import { smallQuotes } from './small-quotes.ts'

// biome-ignore lint/style/noDefaultExport: a job module
export default smallQuotes('small-runner', 'run')
