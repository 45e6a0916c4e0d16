import type { ParamValue } from '../core/job/job-definition.ts'
import { type OtherCode, otherCodeText } from '../core/plan/table/variant-codes.ts'
import { commandText } from './output.ts'

/** That rows of a table are of several codes, or null. */
export function olderCodeText(other: OtherCode | null, tableUri: string): string | null {
  if (other === null) return null
  return `${otherCodeText(other)}; ${commandText(['chronicle-replay', 'variants', tableUri])} lists them, run --all-variants makes them anew`
}

/** Parameters as `--param` takes them: `depth=5 every=1m`. */
export function paramsText(params: Readonly<Record<string, ParamValue>>): string {
  return Object.entries(params)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')
}
