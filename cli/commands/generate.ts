import { isoTime } from '../../core/instant.ts'
import { type GenerateOptions, generateArchive } from '../../core/synthetic/archive.ts'
import { badChoice, badOption, choiceOption, countOption, listOption, localPath, numberOption, timeOption } from '../arguments.ts'
import type { CommandInput, CommandSpec } from '../command.ts'
import { bytesText, commandText, countText, jsonText } from '../output.ts'
import { ProgressLine } from '../progress.ts'

export const generate: CommandSpec = {
  name: 'generate',
  summary: 'makes a synthetic archive: deterministic, with books and trades, and a known effect to find',
  arguments: [{ name: 'archive', help: 'directory to create' }],
  options: {
    symbols: { value: 'N', help: 'number of symbols (default 8)' },
    messages: { value: 'N', help: 'messages per symbol, over all days and streams (default 100000)' },
    seed: { value: 'N', help: 'same options and seed, same bytes (default 1)' },
    days: { value: 'N', help: 'UTC days (default 2)' },
    from: { value: 'D', help: 'first day (UTC), e.g. 2024-03-01' },
    streams: { value: 'A,B', help: 'book, trades, ticker (default all)' },
    'daily-snapshot': { value: 'true|false', help: 'whether each day begins with a book snapshot, or only the first (default true)' },
    'skew-ms': { value: 'A..B', help: 'exchange time minus record time, milliseconds, uniform (default -700..1300)' },
    'step-back': { value: 'P', help: 'share of messages whose times step back (default 0.005)' },
    gaps: { value: 'N', help: 'update-id gaps to inject per symbol (default 0)' },
    'segment-bytes': { value: 'N', help: 'bytes of a segment' },
    level: { value: 'l2|l3', help: 'price levels or single orders (default l2)' },
  },
  examples: [
    { command: 'chronicle-replay generate archive', does: '8 symbols, two days, 800,000 messages' },
    { command: 'chronicle-replay generate archive --symbols 2 --days 5 --gaps 3 --seed 7', does: 'with gaps to find' },
  ],
  async run(input, io) {
    const archive = localPath('archive', input.positionals[0]!)
    const progress = new ProgressLine(io, input)
    const options = optionsOf(input)
    const total = options.symbols * options.messages
    const onProgress = (messages: number): void =>
      progress.update(() => `${countText(messages)} of ${countText(total)} messages (${Math.floor((100 * messages) / total)} %)`)
    const result = await generateArchive(archive, { ...options, onProgress })
    progress.end()
    if (input.flag('json')) io.out(jsonText(result))
    else io.out(`${countText(result.messages)} messages, ${bytesText(result.bytes)} in ${archive}\n`)
    progress.note(`next: chronicle-replay inspect ${commandText([archive])}`)
    return 0
  },
}

function optionsOf(input: CommandInput): GenerateOptions {
  const days = countOption(input, 'days')
  const from = dayOption(input, 'from')
  const streams = listOption(input, 'streams')
  const dailySnapshot = choiceOption(input, 'daily-snapshot', ['true', 'false'])
  const skewMs = skewOption(input, 'skew-ms')
  const stepBack = numberOption(input, 'step-back')
  const gaps = numberOption(input, 'gaps')
  const segmentBytes = countOption(input, 'segment-bytes')
  const level = choiceOption(input, 'level', ['l2', 'l3'])
  return {
    symbols: countOption(input, 'symbols') ?? 8,
    messages: countOption(input, 'messages') ?? 100_000,
    seed: numberOption(input, 'seed') ?? 1,
    ...(days !== undefined && { days }),
    ...(from !== undefined && { from }),
    ...(streams !== undefined && { streams: streams.map(streamOf) }),
    ...(dailySnapshot !== undefined && { dailySnapshot: dailySnapshot === 'true' }),
    ...(skewMs !== undefined && { skewMs }),
    ...(stepBack !== undefined && { stepBack }),
    ...(gaps !== undefined && { gaps }),
    ...(segmentBytes !== undefined && { segmentBytes }),
    ...(level !== undefined && { level }),
  }
}

/** A UTC day as `YYYY-MM-DD`, from any way of writing its beginning. */
function dayOption(input: CommandInput, option: string): string | undefined {
  const ns = timeOption(input, option)
  if (ns === undefined) return undefined
  const [day, time] = isoTime(ns).split('T') as [string, string]
  if (time !== '00:00:00Z') throw badOption(option, 'a day, or the midnight (UTC) that it begins with', input.text(option)!)
  return day
}

const STREAMS = ['book', 'trades', 'ticker', 'l3'] as const

function streamOf(word: string): (typeof STREAMS)[number] {
  const stream = STREAMS.find((known) => known === word)
  if (stream === undefined) throw badChoice('streams', 'some of', STREAMS, word)
  return stream
}

/** `-700..1300` */
function skewOption(input: CommandInput, option: string): [number, number] | undefined {
  const text = input.text(option)
  if (text === undefined) return undefined
  const match = /^(-?\d+(?:\.\d+)?)\.\.(-?\d+(?:\.\d+)?)$/.exec(text)
  if (match === null) throw badOption(option, 'a range like -700..1300', text)
  return [Number(match[1]), Number(match[2])]
}
