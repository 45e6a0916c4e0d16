import type { ParamValue } from '../job/job-definition.ts'
import type { PlanHead } from './run/plan-document.ts'

/** The parameters of the variants that a run was asked for. */
export interface AskedParams {
  /** How many variants. */
  readonly variants: number
  /** The values of each parameter, in order of the variants. */
  readonly values: ReadonlyMap<string, readonly ParamValue[]>
  /** The variants are all combinations of the values. */
  readonly isGrid: boolean
}

export function askedParams({ asked, variants }: Pick<PlanHead, 'asked' | 'variants'>): AskedParams {
  const wanted = variants.filter(({ id }) => asked.includes(id))
  const values = new Map<string, Set<ParamValue>>()
  for (const { params } of wanted) {
    for (const [name, value] of Object.entries(params)) values.set(name, (values.get(name) ?? new Set()).add(value))
  }
  const combinations = [...values.values()].reduce((product, { size }) => product * size, 1)
  return {
    variants: wanted.length,
    values: new Map([...values].map(([name, set]) => [name, [...set]])),
    isGrid: combinations === wanted.length,
  }
}
