import { CONTROL_NAME } from '../format/control.ts'
import { identifyFolder } from '../format/log-path.ts'
import type { SegmentEntry } from '../stores/log-folder.ts'
import { type LogFolder, readWhole } from '../stores/log-folder.ts'

/** What the names in a log's folder, and the metadata beside its segments, say of segments that are not read. */
export interface FolderNames {
  /** Its segments count from 0; of a live queue the old ones may have been removed on purpose. */
  readonly beginsAtZero: boolean
  /** Greatest id of a segment that has left nothing but its index behind; −1 when there is none. */
  readonly lastIndexed: number
  /** Segments that are being written, or that their writer never finished. */
  readonly unfinished: readonly string[]
  /** Looks like a segment, but is not named like one; `lone`: with the id of none that there is. */
  readonly odd: readonly { readonly name: string; readonly lone: boolean }[]
  /** Segments that are there as they are and compressed. */
  readonly twice: readonly number[]
}

export function readFolderNames(folder: LogFolder, segments: readonly SegmentEntry[]): FolderNames {
  const names = folder.names()
  const ids = new Set(segments.map(({ id }) => id))
  const all = new Set(names)
  const last = segments.at(-1)?.id ?? -1
  let lastIndexed = -1
  const unfinished: string[] = []
  const odd: { name: string; lone: boolean }[] = []
  for (const name of names) {
    const indexed = /^(\d{9})(?:\.q\.zst)?\.idx$/.exec(name)
    if (indexed !== null) {
      const id = Number(indexed[1])
      if (id > last && !all.has(`${indexed[1]}.q.tmp`)) lastIndexed = Math.max(lastIndexed, id)
    } else if (/^\d{9}\.q(?:\.zst)?\.tmp$/.test(name)) {
      if (!ids.has(Number(name.slice(0, 9)))) unfinished.push(name)
    } else if (/\.q(?:$|\.|[^a-z])/.test(name) && !/^\d{9}\.q(?:\.zst)?(?:\.idx(?:\.tmp)?)?$/.test(name)) {
      const id = /^\d+/.exec(name)?.[0]
      odd.push({ name, lone: id !== undefined && !ids.has(Number(id)) })
    }
  }
  const twice = segments.filter(({ name, compressed }) => !compressed && all.has(`${name}.zst`)).map(({ id }) => id)
  return { beginsAtZero: identifyFolder(folder).date !== null || !all.has(CONTROL_NAME), lastIndexed, unfinished, odd, twice }
}

/** The greatest record time that the `meta.json` of a complete log tells of, nanoseconds since the epoch; null when it does not. */
export function toldMaxTime(folder: LogFolder): bigint | null {
  const file = folder.load('meta.json')
  if (file === null) return null
  const text = new TextDecoder().decode(readWhole(file))
  if (!/"completeness"\s*:\s*"sealed"/.test(text)) return null
  // 64-bit numbers, which JSON.parse would round.
  const range = /"event_time_range"\s*:\s*\[\s*\d+\s*,\s*(\d+)\s*\]/.exec(text)
  return range === null ? null : BigInt(range[1]!)
}
