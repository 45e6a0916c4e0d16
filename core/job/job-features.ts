import { ReplayError } from '../errors.ts'
import { resolveColumns } from '../features/columns/builtin-columns.ts'
import type { FeatureColumn } from '../features/columns/column.ts'
import type { JobDefinition, JobParamDefaults } from './job-definition.ts'

/**
 * The features that fill columns of a job, under the names of those columns.
 * @throws ReplayError input `job-invalid`, `column-unknown`, `column-params`
 */
export function resolveFeatures(job: JobDefinition, params: JobParamDefaults): FeatureColumn[] {
  const requests = job.features?.(params) ?? {}
  return Object.entries(requests).flatMap(([name, request]): FeatureColumn[] => {
    if (request === undefined) return []
    const found = resolveColumns([request])
    const [feature] = found
    const expected = job.columns[name]
    if (expected === undefined) throw mismatch(job, `${name} is not among its columns`)
    if (feature === undefined || found.length !== 1)
      throw mismatch(job, `${name}: expected one column, found ${found.map((one) => one.name).join(', ')}`)
    if (feature.type !== expected) throw mismatch(job, `${name}: the feature is ${feature.type}, the column ${expected}`)
    return [{ ...feature, name }]
  })
}

function mismatch(job: JobDefinition, message: string): ReplayError {
  return new ReplayError('job-invalid', `job ${job.name}: features: ${message}`, { category: 'input' })
}
