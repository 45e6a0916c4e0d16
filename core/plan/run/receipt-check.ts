import { stagedPrefix } from '../../import/import-records.ts'
import { partKey } from './part-key.ts'
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
    const { venue, symbol, date, startNs, endNs, fingerprint } = receipt
    const expected = partKey({ venue, symbol, date, startNs: BigInt(startNs), endNs: BigInt(endNs), fingerprint, run, attempt })
    if (part.path !== expected) return `expected the part ${expected}, found ${part.path}`
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
