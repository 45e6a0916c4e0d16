import { spawnSync } from 'node:child_process'
import path from 'node:path'

/** A case beside a peer, run in turn so that both meet the same minutes. */
export interface Paired {
  /** Medians, per second. */
  readonly perSecond: number
  readonly peerPerSecond: number
  /** Of the case to the peer, pair by pair: the median, the least and the greatest. */
  readonly ratio: number
  readonly least: number
  readonly greatest: number
  /** Of the case: the median of its processes' peaks. */
  readonly maxRssBytes: number
  readonly unit: string
}

/** What one process measured. */
export interface Run {
  readonly count: number
  readonly ms: number
  /** Of all threads, the kernel's work for them included. */
  readonly cpuMs: number
  readonly maxRssBytes: number
  readonly hash: string
}

/** Where and how large the work is. */
export interface Place {
  readonly folder: string
  readonly messages: string
}

/** One run of a case in a process of its own. @throws Error when it fails */
export function runCase(name: string, { folder, messages }: Place, isPolluted = false): Run {
  const argv = [path.join(import.meta.dirname, 'case.ts'), name, folder, messages, String(isPolluted)]
  const { stdout, stderr, status } = spawnSync(process.execPath, argv, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`case ${name} failed:\n${stderr}`)
  return JSON.parse(stdout) as Run
}

/**
 * Runs a case and a peer in turn, each of them first in every other pair.
 * @param peer name of a case, or a command line for the shell in which `{case}`, `{folder}` and `{messages}` are filled in; its last
 *   line is `{"count", "ms"}` as of a case, or a figure per second; without either its wall time is taken, start-up included
 */
export function runPairs(
  name: string,
  peer: { readonly line: string; readonly isCase: boolean },
  pairs: number,
  place: Place,
): Omit<Paired, 'unit'> {
  const [own, others, ratios]: [number[], number[], number[]] = [[], [], []]
  const peaks: number[] = []
  const ours = (): number => {
    const run = runCase(name, place)
    peaks.push(run.maxRssBytes)
    return perSecond(run)
  }
  // A peer without figures of its own did what the case does.
  const theirs = (): number =>
    peer.isCase ? perSecond(runCase(peer.line, place)) : runPeer(fillIn(peer.line, name, place), () => runCase(name, place).count)
  for (let pair = 0; pair < pairs; pair++) {
    const first = pair % 2 === 0 ? ours() : null
    const other = theirs()
    const mine = first ?? ours()
    own.push(mine)
    others.push(other)
    ratios.push(mine / other)
  }
  return {
    perSecond: median(own),
    peerPerSecond: median(others),
    ratio: median(ratios),
    least: Math.min(...ratios),
    greatest: Math.max(...ratios),
    maxRssBytes: median(peaks),
  }
}

function runPeer(line: string, count: () => number): number {
  const startedMs = performance.now()
  const { stdout, stderr, status } = spawnSync(line, { shell: true, encoding: 'utf8' })
  const ms = performance.now() - startedMs
  if (status !== 0) throw new Error(`${line} ended with ${status}:\n${stderr}`)
  return figureOf(stdout.trimEnd().split('\n').at(-1) ?? '') ?? (count() / ms) * 1000
}

/** Per second, of the last line that a peer printed. */
function figureOf(line: string): number | null {
  try {
    const said = JSON.parse(line) as unknown
    if (typeof said === 'number') return said
    const { count, ms, perSecond: told } = said as { count?: number; ms?: number; perSecond?: number }
    if (typeof told === 'number') return told
    return typeof count === 'number' && typeof ms === 'number' ? (count / ms) * 1000 : null
  } catch {
    return null
  }
}

function fillIn(line: string, name: string, { folder, messages }: Place): string {
  return line.replaceAll('{case}', name).replaceAll('{folder}', folder).replaceAll('{messages}', messages)
}

function perSecond({ count, ms }: Run): number {
  return (count / ms) * 1000
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >>> 1]!
}
