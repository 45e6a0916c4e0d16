import crypto from 'node:crypto'
import { ReplayError } from '../errors.ts'
import { nearest } from '../nearest-word.ts'
import { shownValue } from '../shown-value.ts'
import type { JobDefinition, ParamGrid, ParamValue } from './job-definition.ts'

/** One set of parameter values that a run computes. */
export interface Variant {
  /** Hash of the parameters, 16 hex digits. */
  readonly id: string
  /** Every parameter of the job, defaults included. */
  readonly params: Readonly<Record<string, ParamValue>>
}

/** Variants of one run: each has a row set of its own. */
export const MAX_VARIANTS = 1024

/**
 * The variants of a run, sorted by id: all combinations of the given values over the job's own sweep and defaults.
 * @throws ReplayError input `param-unknown`, `param-value`, `too-many-variants`
 */
export function variantsOf(job: JobDefinition, given: ParamGrid = {}): Variant[] {
  const sweep = job.sweep ?? {}
  const lists: readonly ParamGrid[] = Array.isArray(sweep) ? sweep : [sweep as ParamGrid]
  const found = new Map<string, Variant>()
  for (const list of lists) {
    for (const params of combinations(job, { ...list, ...given })) {
      const variant = { id: variantId(params), params }
      found.set(variant.id, variant)
      if (found.size > MAX_VARIANTS) {
        throw new ReplayError(
          'too-many-variants',
          `job ${job.name}: more than ${MAX_VARIANTS} variants; run parts of the grid one after the other`,
          {
            category: 'input',
          },
        )
      }
    }
  }
  return [...found.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** Id of a set of parameter values: 16 hex digits of the hash of their JSON with sorted keys. */
export function variantId(params: Readonly<Record<string, ParamValue>>): string {
  const sorted = Object.keys(params)
    .sort()
    .map((name) => [name, params[name]])
  return crypto.hash('sha256', JSON.stringify(sorted), 'hex').slice(0, 16)
}

/**
 * Values from words like `depth=5` or `depth=5,10,20`, by the type of the parameter's default.
 * @throws ReplayError input `param-unknown`, `param-value`
 */
export function parseParams(job: JobDefinition, words: readonly string[]): ParamGrid {
  const grid: Record<string, ParamValue[]> = {}
  for (const word of words) {
    const at = word.indexOf('=')
    if (at <= 0) throw paramError('param-value', job, `expected name=value, found ${JSON.stringify(word)}`)
    const name = word.slice(0, at)
    const initial = requireParam(job, name)
    const values = word.slice(at + 1).split(',')
    grid[name] = [...(grid[name] ?? []), ...values.map((text) => parseValue(job, name, initial, text.trim()))]
  }
  return grid
}

function parseValue(job: JobDefinition, name: string, initial: ParamValue, text: string): ParamValue {
  if (typeof initial === 'string') return text
  if (typeof initial === 'boolean') {
    if (text === 'true' || text === 'false') return text === 'true'
    throw paramError('param-value', job, `${name}: expected true or false, found ${JSON.stringify(text)}`)
  }
  const value = Number(text)
  if (text !== '' && Number.isFinite(value)) return value
  throw paramError('param-value', job, `${name}: expected a number, found ${JSON.stringify(text)}`)
}

function combinations(job: JobDefinition, grid: ParamGrid): Record<string, ParamValue>[] {
  for (const name of Object.keys(grid)) requireParam(job, name)
  let all: Record<string, ParamValue>[] = [{}]
  for (const [name, initial] of Object.entries(job.params)) {
    const given = grid[name] ?? initial
    const values: readonly ParamValue[] = typeof given === 'object' ? given : [given]
    if (values.length === 0) throw paramError('param-value', job, `${name}: expected at least one value`)
    for (const value of values) {
      if (typeof value !== typeof initial || (typeof value === 'number' && !Number.isFinite(value))) {
        throw paramError(
          'param-value',
          job,
          `${name}: expected a ${typeof initial} like ${JSON.stringify(initial)}, found ${shownValue(value)}`,
        )
      }
    }
    if (all.length * values.length > MAX_VARIANTS * 4) {
      throw paramError('too-many-variants', job, `more than ${MAX_VARIANTS} variants; run parts of the grid one after the other`)
    }
    all = all.flatMap((params) => values.map((value) => ({ ...params, [name]: value })))
  }
  return all
}

function requireParam(job: JobDefinition, name: string): ParamValue {
  const initial = Object.hasOwn(job.params, name) ? job.params[name] : undefined
  if (initial !== undefined) return initial
  const names = Object.keys(job.params)
  const near = nearest(name, names)
  const known = names.length === 0 ? 'it has none' : `it has ${names.join(', ')}`
  throw paramError(
    'param-unknown',
    job,
    `no parameter ${JSON.stringify(name)}; ${near === null ? known : `did you mean ${near}? (${known})`}`,
  )
}

function paramError(code: string, job: JobDefinition, message: string): ReplayError {
  return new ReplayError(code, `job ${job.name}: ${message}`, { category: 'input' })
}
