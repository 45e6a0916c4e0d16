import type { ReceiptRecord } from './run-record.ts'

/** More attempts than these are not drawn one by one. */
export const MAX_DRAWN_ATTEMPTS = 1200
/** Steps of the curves over time. */
const BINS = 160

/** Attempts and curves over the time of the run; times are milliseconds after `fromMs`. */
export interface RunTimeline {
  /** Milliseconds since the epoch. */
  readonly fromMs: number
  readonly lengthMs: number
  /** How many attempts there were; `lanes` is empty when they are too many. */
  readonly attempts: number
  /** Of each attempt: lane, start, end, partitions, what became of it, name of the task. */
  readonly lanes: readonly (readonly [lane: number, start: number, end: number, partitions: number, AttemptState, task: string])[]
  readonly binMs: number
  /** Per bin: messages per second, bytes of archive per second, partitions under way on average. */
  readonly messages: readonly number[]
  readonly bytes: readonly number[]
  readonly busy: readonly number[]
}

/** 0: its rows count. 1: a partition of it failed. 2: others were faster, nothing of it counts. */
export type AttemptState = 0 | 1 | 2

/** Null without receipts. */
export function timelineOf(receipts: readonly ReceiptRecord[]): RunTimeline | null {
  if (receipts.length === 0) return null
  const attempts = attemptsOf(receipts)
  const fromMs = attempts[0]!.startMs
  const lengthMs = attempts.reduce((most, { endMs }) => Math.max(most, endMs - fromMs), 1)
  const isDrawn = attempts.length <= MAX_DRAWN_ATTEMPTS
  return {
    fromMs,
    lengthMs,
    attempts: attempts.length,
    lanes: isDrawn ? inLanes(attempts, fromMs) : [],
    ...curvesOf(receipts, fromMs, lengthMs),
  }
}

interface Attempt {
  readonly task: string
  startMs: number
  endMs: number
  partitions: number
  failed: number
  won: number
}

/** By time of their beginning. */
function attemptsOf(receipts: readonly ReceiptRecord[]): Attempt[] {
  const attempts = new Map<string, Attempt>()
  for (const { task, attempt: name, timing, hasFailed, isWinner } of receipts) {
    const [startMs, endMs] = [timing.startedMs, timing.startedMs + timing.durationMs]
    const key = `${task} ${name}`
    const known = attempts.get(key) ?? { task, startMs, endMs, partitions: 0, failed: 0, won: 0 }
    attempts.set(key, known)
    known.startMs = Math.min(known.startMs, startMs)
    known.endMs = Math.max(known.endMs, endMs)
    known.partitions++
    known.failed += Number(hasFailed)
    known.won += Number(isWinner)
  }
  return [...attempts.values()].sort((a, b) => a.startMs - b.startMs)
}

/** Puts each attempt into the first lane that is free: as many lanes as there were workers. */
function inLanes(attempts: readonly Attempt[], fromMs: number): RunTimeline['lanes'] {
  const freeFrom: number[] = []
  return attempts.map(({ task, startMs, endMs, partitions, failed, won }) => {
    const free = freeFrom.findIndex((ms) => ms <= startMs)
    const lane = free < 0 ? freeFrom.length : free
    freeFrom[lane] = endMs
    const state: AttemptState = failed > 0 ? 1 : won > 0 ? 0 : 2
    return [lane, Math.round(startMs - fromMs), Math.round(endMs - fromMs), partitions, state, task]
  })
}

/** Spreads what a receipt counts evenly over its time. */
function curvesOf(
  receipts: readonly ReceiptRecord[],
  fromMs: number,
  lengthMs: number,
): Pick<RunTimeline, 'binMs' | 'messages' | 'bytes' | 'busy'> {
  const binMs = lengthMs / BINS
  const curves = { messages: new Float64Array(BINS), bytes: new Float64Array(BINS), busy: new Float64Array(BINS) }
  for (const { timing, messages } of receipts) {
    const start = timing.startedMs - fromMs
    const durationMs = Math.max(timing.durationMs, 1e-3)
    const end = Math.min(start + durationMs, lengthMs)
    for (let bin = Math.min(BINS - 1, Math.floor(start / binMs)); bin < BINS && bin * binMs < end; bin++) {
      const overlapMs = Math.min(end, (bin + 1) * binMs) - Math.max(start, bin * binMs)
      const share = Math.max(0, overlapMs) / durationMs
      curves.messages[bin]! += ((messages.read + messages.warmUp) * share * 1000) / binMs
      curves.bytes[bin]! += (timing.bytes * share * 1000) / binMs
      curves.busy[bin]! += Math.max(0, overlapMs) / binMs
    }
  }
  const whole = (values: Float64Array): number[] => Array.from(values, Math.round)
  return {
    binMs,
    messages: whole(curves.messages),
    bytes: whole(curves.bytes),
    busy: Array.from(curves.busy, (value) => Math.round(value * 100) / 100),
  }
}
