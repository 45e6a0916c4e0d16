import { identifyFolder } from '../log/format/log-path.ts'
import { folderOf } from '../log/stores/disk-folder.ts'
import { type LogFolder, readWhole } from '../log/stores/log-folder.ts'
import { ruleOfVenue, type SequenceRule } from './sequence/sequence-rule.ts'
import { depthLimitOf } from './stream-depth.ts'

/** What a log says about how its books are to be built; spread it into the options of a BookReplay. */
export interface LogBookSettings {
  /** From `meta.json`; undefined when the exchange keeps all levels up to date. */
  readonly depthLimit: number | undefined
  /** By the venue in the path. */
  readonly rule: SequenceRule
}

/**
 * @param log its directory's path, or its folder
 * @throws ReplayError input `meta-json` when the log's `meta.json` is damaged
 */
export function bookSettingsOf(log: string | LogFolder): LogBookSettings {
  const folder = folderOf(log)
  const meta = folder.load('meta.json')
  return {
    depthLimit: meta === null ? undefined : depthLimitOf(readWhole(meta), meta.path),
    rule: ruleOfVenue(identifyFolder(folder).venue),
  }
}
