import type { ReadIssue } from '../../message/source.ts'
import { ReplayReader, type SegmentReading } from '../reading/replay-reader.ts'
import { listSegments } from '../reading/segment-file.ts'
import { folderOf } from '../stores/disk-folder.ts'
import type { LogFolder } from '../stores/log-folder.ts'
import { IndexAudit } from './index-audit.ts'

/** What `verifyLog` says of one segment. */
export interface SegmentVerdict {
  readonly path: string
  /** −1: of another file of the log, or of its folder. */
  readonly id: number
  /** False when anything is damaged or missing; warnings leave it true. */
  readonly ok: boolean
  /** Sound records, PAD not counted. */
  readonly records: number
  readonly errors: readonly ReadIssue[]
  readonly warnings: readonly ReadIssue[]
}

/**
 * Checks every record of every segment of a log: header, length, CRC, holes, and its index against all of the records.
 * A missing segment has a verdict, too. Damage is reported, not thrown.
 */
export async function verifyLog(log: string | LogFolder): Promise<SegmentVerdict[]> {
  const folder = folderOf(log)
  const { path } = folder
  const ids = listSegments(folder).map(({ id }) => id)
  const issues: ReadIssue[] = []
  const report = (issue: ReadIssue): void => void issues.push(issue)
  const reader = await ReplayReader.open(folder, { onCorrupt: 'skip', onIssue: report })
  const audit = new IndexAudit(folder, report)
  try {
    for (let batch = await reader.nextBatch(); batch !== null; batch = await reader.nextBatch()) audit.add(batch)
    audit.finish()
  } finally {
    await reader.close()
  }
  const missing = issues.filter(({ code }) => code === 'segment-missing').map(({ segment }) => segment!)
  const readings = new Map(reader.segmentsRead.map((reading) => [reading.id, reading]))
  const verdicts = [...new Set([...ids, ...missing])].sort((a, b) => a - b).map((id) => judge(path, id, readings.get(id), issues))
  return [...verdicts, ...judgeOthers(path, issues)]
}

/** What is wrong with files that are no segments: the control block, names. */
function judgeOthers(log: string, all: readonly ReadIssue[]): SegmentVerdict[] {
  const own = all.filter(({ segment }) => segment === undefined)
  const paths = [...new Set(own.map((issue) => issue.path ?? log))]
  return paths.map((path) => {
    const issues = own.filter((issue) => (issue.path ?? log) === path).map(withoutPlace)
    const errors = issues.filter(({ severity }) => severity === 'error')
    return { path, id: -1, ok: errors.length === 0, records: 0, errors, warnings: issues.filter(({ severity }) => severity === 'warning') }
  })
}

function judge(log: string, id: number, reading: SegmentReading | undefined, all: readonly ReadIssue[]): SegmentVerdict {
  const own = all.filter(({ segment }) => segment === id)
  // Where records are damaged or still being written, the index need not agree with what could be read.
  const isComplete = reading?.sealed === true && own.every(({ severity }) => severity !== 'error')
  const issues = own.filter(({ code }) => isComplete || !AUDIT_CODES.includes(code)).map(withoutPlace)
  // A damaged index costs no message when reading, but it is damage.
  const isError = (issue: ReadIssue): boolean => issue.severity === 'error' || issue.code.startsWith('index-')
  const errors = issues.filter(isError)
  const path = reading?.path ?? issues.find((issue) => issue.path !== undefined)?.path ?? log
  return { path, id, ok: errors.length === 0, records: reading?.records ?? 0, errors, warnings: issues.filter((issue) => !isError(issue)) }
}

const AUDIT_CODES = ['index-differs', 'stale-index']

/** The place has fields of its own here; a ReplayError's message carries it at the end. */
function withoutPlace(issue: ReadIssue): ReadIssue {
  const end = issue.message.search(/ \((segment|offset|in) [^)]*\)$/)
  return end < 0 ? issue : { ...issue, message: issue.message.slice(0, end) }
}
