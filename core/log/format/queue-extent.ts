import { ReplayError } from '../../errors.ts'
import { listSegments } from '../reading/segment-file.ts'
import type { LogFolder } from '../stores/log-folder.ts'
import { ControlReader, type ControlState } from './control.ts'
import { DATA_OFFSET } from './segment.ts'

/** The offset below which everything in a segment is committed, as far as the log's control block says; else 0. */
export function committedEndOf(log: LogFolder, segment: number): number {
  const control = controlOf(log)
  return control?.currentSegment === segment ? control.writeOffset : 0
}

/**
 * The writer's segment, when it holds data and is gone: no hole between segments tells of that. Null when all is there.
 * @param last id of the last segment that was there when the log was listed; the writer may have gone on since
 */
export function missingEndOf(log: LogFolder, last: number): number | null {
  const control = controlOf(log)
  if (control === null || control.currentSegment <= last) return null
  const isEmpty = control.currentSegment === last + 1 && control.writeOffset <= DATA_OFFSET
  return isEmpty || listSegments(log).some(({ id }) => id > last) ? null : control.currentSegment
}

/** The segment that the writer is in; −1 when nobody says so. */
export function writerSegmentOf(log: LogFolder): number {
  return controlOf(log)?.currentSegment ?? -1
}

/** Null when a log has no control block, or a damaged one: that is reported when its segment size is looked for. */
function controlOf(log: LogFolder): ControlState | null {
  const control = ControlReader.open(log)
  if (control === null) return null
  try {
    return control.read()
  } catch (error) {
    if (error instanceof ReplayError) return null
    throw error
  } finally {
    control.close()
  }
}
