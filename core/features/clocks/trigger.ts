import { ReplayError } from '../../errors.ts'
import { parseDuration } from './duration.ts'

/** When a table gets a row: whenever one of these says so. */
export interface Trigger {
  /** Time bars of this length, aligned to absolute time: `1s`, `5m`. A row per bar in which there were messages. */
  readonly every?: string | undefined
  /** Each book event that updates the book (snapshot, diff, L3 event; no reset, no heartbeat), each trade, or both. */
  readonly event?: 'any' | 'book' | 'trade' | undefined
  /** Every N-th event (as under `any`) of a UTC day. */
  readonly everyEvents?: number | undefined
  /** Each book event after which the best bid or ask price differs; a snapshot or reset always counts. */
  readonly bestPrice?: boolean | undefined
}

/** A trigger, checked. */
export interface TriggerPlan {
  /** Length of time bars in microseconds; 0 = none. */
  readonly barMicros: number
  readonly onBook: boolean
  readonly onTrade: boolean
  /** 0 = none. */
  readonly everyEvents: number
  readonly onBestPrice: boolean
  /** Whether rows can come at events. */
  readonly hasEventRows: boolean
}

/** The plan of no trigger. */
export const NO_TRIGGER: TriggerPlan = {
  barMicros: 0,
  onBook: false,
  onTrade: false,
  everyEvents: 0,
  onBestPrice: false,
  hasEventRows: false,
}

/** @throws ReplayError input `trigger`, `duration` */
export function planTrigger(trigger: Trigger): TriggerPlan {
  const { every, event, everyEvents = 0, bestPrice = false } = trigger
  if (everyEvents !== 0 && (!Number.isSafeInteger(everyEvents) || everyEvents < 1)) {
    throw triggerError(`a positive whole number of events, found ${everyEvents}`)
  }
  const plan = {
    barMicros: every === undefined ? 0 : parseDuration(every) / 1000,
    onBook: event === 'any' || event === 'book',
    onTrade: event === 'any' || event === 'trade',
    everyEvents,
    onBestPrice: bestPrice,
  }
  const hasEventRows = event !== undefined || everyEvents > 0 || bestPrice
  if (plan.barMicros === 0 && !hasEventRows) throw triggerError('one of every, event, everyEvents, bestPrice')
  return { ...plan, hasEventRows }
}

/**
 * A trigger from text: any of `event`, `book`, `trade` (each event, or of one kind), `best`, a number N (every N events),
 * a duration (time bars), separated by commas.
 * @throws ReplayError input `trigger`
 */
export function parseTrigger(text: string): Trigger {
  const words = text.split(',').map((word) => word.trim())
  const merged: Record<string, unknown> = {}
  for (const word of words) {
    const part: Trigger = partOf(word)
    for (const [key, value] of Object.entries(part)) {
      if (merged[key] !== undefined) throw triggerError(`one trigger of a kind, found "${text}"`)
      merged[key] = value
    }
  }
  return merged as Trigger
}

function partOf(word: string): Trigger {
  if (word === 'event') return { event: 'any' }
  if (word === 'book' || word === 'trade') return { event: word }
  if (word === 'best') return { bestPrice: true }
  if (/^\d+$/.test(word)) return { everyEvents: Number(word) }
  if (/^\d/.test(word)) return { every: word }
  throw triggerError(`event, book, trade, best, a number of events or a duration, found "${word}"`)
}

function triggerError(expected: string): ReplayError {
  return new ReplayError('trigger', `trigger: expected ${expected}`, { category: 'input' })
}
