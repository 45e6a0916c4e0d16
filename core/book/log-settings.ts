import fs from 'node:fs'
import path from 'node:path'
import { identifyLog } from '../log/log-path.ts'
import { ruleOfVenue, type SequenceRule } from './sequence-rule.ts'
import { depthLimitOf } from './stream-depth.ts'

/** What a log says about how its books are to be built; spread it into the options of a BookReplay. */
export interface LogBookSettings {
  /** From `meta.json`; undefined when the exchange keeps all levels up to date. */
  readonly depthLimit: number | undefined
  /** By the venue in the path. */
  readonly rule: SequenceRule
}

/** @throws ReplayError input `meta-json` when the log's `meta.json` is damaged */
export function bookSettingsOf(logPath: string): LogBookSettings {
  const metaPath = path.join(logPath, 'meta.json')
  const hasMeta = fs.statSync(metaPath, { throwIfNoEntry: false })?.isFile() === true
  return {
    depthLimit: hasMeta ? depthLimitOf(fs.readFileSync(metaPath), metaPath) : undefined,
    rule: ruleOfVenue(identifyLog(path.resolve(logPath)).venue),
  }
}
