import { stagedPrefix } from '../../import/import-records.ts'
import { isPartOf } from './part-key.ts'
import type { Receipt } from './receipt.ts'
import { runFiles } from './run-files.ts'

/**
 * What is wrong with a receipt: a task may write any receipts of its run, and its code is the job's author's. Only what the attempt that the
 * object is named after can have made may come into a table or an archive. Null: nothing.
 * @param key of the receipts object
 */
export function faultOf(receipt: Receipt, run: string, key: string): string | null {
  const { partition, attempt, part, imported } = receipt
  if (receipt.run !== run || key !== nameOf(receipt, run)) return `it is of task ${receipt.task}, attempt ${attempt} of run ${receipt.run}`
  if (part !== null) {
    if (!isPartOf(part.path, receipt)) {
      return `expected a part of ${receipt.venue}/${receipt.symbol} by attempt ${attempt} of run ${run}, found ${part.path}`
    }
    const isWithin = part.firstRow >= 0 && receipt.checksum.rows > 0 && part.firstRow + receipt.checksum.rows <= part.rows
    if (!isWithin) return `expected rows within the ${part.rows} of ${part.path}, found ${receipt.checksum.rows} from ${part.firstRow} on`
  }
  const prefix = `${stagedPrefix(run, partition, attempt)}/`
  const strange = imported?.folders.find(({ staged }) => !staged.startsWith(prefix) || staged.includes('..'))
  if (strange !== undefined) return `expected logs below ${prefix}, found ${strange.staged}`
  const misnamed = imported?.folders.find((folder) => !LOG_KEY.test(folder.key) || /(^|\/)\.+(\/|$)/.test(folder.key))
  return misnamed === undefined ? null : `expected <venue>/<symbol>/<date>/<stream>, found ${misnamed.key}`
}

const LOG_KEY = /^[^/]+\/[^/]+\/\d{4}-\d{2}-\d{2}\/[^/]+$/

/** Null where the names are none. */
function nameOf({ task, attempt }: Receipt, run: string): string | null {
  try {
    return runFiles(run).receipt(task, attempt)
  } catch {
    return null
  }
}
