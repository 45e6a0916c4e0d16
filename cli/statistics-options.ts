import type { StatisticsTerms } from '../core/backtest/statistics.ts'
import { badOption } from './arguments.ts'
import type { CommandInput, CommandSpec } from './command.ts'

/** What the statistics of a backtest are relative to. */
export const STATISTICS_OPTIONS = {
  'year-days': { value: 'N', help: 'trading days of a year: 365 (default) for crypto, 252 for most exchanges' },
  'book-size': {
    value: 'N',
    help: 'money at stake per variant and instrument, in the quote currency (inverse contracts: the base coin): adds return, annual_return, max_drawdown_ratio, turnover_ratio and max_leverage, which are shares of it',
  },
} as const satisfies CommandSpec['options']

/** @throws ReplayError input `usage` */
export function statisticsOptions(input: CommandInput): StatisticsTerms {
  return { yearDays: yearDaysOf(input), bookSize: bookSizeOf(input) }
}

function yearDaysOf(input: CommandInput): number {
  const text = input.text('year-days') ?? '365'
  const days = Number(text)
  if (days > 0 && days <= 366) return days
  throw badOption('year-days', 'a number of days from 1 to 366', text)
}

function bookSizeOf(input: CommandInput): number | undefined {
  const text = input.text('book-size')
  if (text === undefined) return undefined
  const size = Number(text)
  if (size > 0 && Number.isFinite(size)) return size
  throw badOption('book-size', 'an amount of money above 0', text)
}
