/** Small quotes, in sessions from evening to evening, with a row for each thing that happens to an order. */
import { smallQuotes } from './small-quotes.ts'

// biome-ignore lint/style/noDefaultExport: a job module
export default smallQuotes('small-evening', { every: 'day', start: '17:30' }, true)
