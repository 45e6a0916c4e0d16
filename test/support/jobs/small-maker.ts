/** Small quotes, in a session a day. */
import { smallQuotes } from './small-quotes.ts'

// biome-ignore lint/style/noDefaultExport: a job module
export default smallQuotes('small-maker', 'day')
