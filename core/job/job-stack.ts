import { SourceMap, type SourceMapPayload } from 'node:module'
import { ReplayError } from '../errors.ts'

/**
 * Where in its author's files the code of a bundle was: `flow.ts:12:7`, relative to the module. Null: nothing of the stack is in the bundle, or
 * nothing says where its lines come from.
 * @param name what the bundle is called in stack traces
 * @param map its source map, JSON
 */
export function sourceOf(stack: string, name: string, map: string | undefined): string | null {
  const at = stack.indexOf(`${name}:`)
  const [, line, column] = (at < 0 ? null : /^:(\d+):(\d+)/.exec(stack.slice(at + name.length))) ?? []
  if (map === undefined || line === undefined) return null
  return mapped(map, Number(line) - 1, Number(column) - 1)
}

/** The same of a place in the bundle's code. */
export function placeInSource(code: string, index: number, map: string): string | null {
  const before = code.slice(0, index)
  const lineStart = before.lastIndexOf('\n') + 1
  return mapped(map, before.split('\n').length - 1, index - lineStart)
}

function mapped(map: string, line: number, column: number): string | null {
  const entry = new SourceMap(JSON.parse(map) as SourceMapPayload).findEntry(line, column)
  if (!('originalSource' in entry)) return null
  return `${entry.originalSource}:${entry.originalLine + 1}:${entry.originalColumn + 1}`
}

/**
 * What a job's code threw, as an error of its author: with file and line where the source map tells, else with the bundle's. Null: what was
 * thrown is not the job's.
 * @param name what the bundle is called in stack traces
 */
export function jobError(cause: unknown, job: string, name: string, map: string | undefined): ReplayError | null {
  const stack = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
  if (cause instanceof Error && !stack.includes(name)) return null
  const [first, second = ''] = stack.split('\n').map((line) => line.trim())
  const source = sourceOf(stack, name, map)
  const where = source === null ? second : `at ${source}`
  return new ReplayError('job-threw', `job ${job} threw: ${first} ${where}`.trimEnd(), { category: 'input', cause })
}
