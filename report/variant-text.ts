import { parseDuration } from '../core/features/clocks/duration.ts'
import type { ParamValue } from '../core/job/job-definition.ts'
import type { PlanHead } from '../core/plan/run/plan-document.ts'

/** `depth = 5, every = 10s`: the parameters in which variants differ; of a single variant all of them. */
export function paramsText(params: Readonly<Record<string, ParamValue>>, variants: PlanHead['variants']): string {
  const names = Object.keys(params)
  const differing = names.filter((name) => new Set(variants.map((variant) => variant.params[name])).size > 1)
  const told = differing.length === 0 ? names : differing
  return told.length === 0 ? 'no parameters' : told.map((name) => `${name} = ${params[name]}`).join(', ')
}

/** By their parameters: numbers and durations by size. */
export function sortVariants(variants: PlanHead['variants']): PlanHead['variants'] {
  const names = Object.keys(variants[0]?.params ?? {})
  const orders = names.map((name) => inOrder([...new Set(variants.map(({ params }) => params[name]!))]))
  const placesOf = new Map(variants.map(({ id, params }) => [id, names.map((name, i) => orders[i]!.indexOf(params[name]!))]))
  return variants.toSorted((a, b) => {
    const [left, right] = [placesOf.get(a.id)!, placesOf.get(b.id)!]
    const at = left.findIndex((place, i) => place !== right[i])
    return at === -1 ? 0 : left[at]! - right[at]!
  })
}

/** Numbers and durations by size, other texts by letters. */
export function inOrder(values: readonly ParamValue[]): ParamValue[] {
  const size = (value: ParamValue): number => {
    if (typeof value !== 'string') return Number(value)
    try {
      return parseDuration(value)
    } catch {
      return Number.NaN
    }
  }
  const isSized = values.every((value) => !Number.isNaN(size(value)))
  return values.toSorted((a, b) => (isSized ? size(a) - size(b) : String(a) < String(b) ? -1 : 1))
}
