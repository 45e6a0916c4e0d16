import {
  type ColumnDefinition,
  type ColumnParams,
  columnName,
  type FeatureColumn,
  type FeatureType,
  type KernelValue,
  type ParamValues,
  paramsOf,
} from './column.ts'
import { kernelState } from './kernel-columns.ts'

/** Defines a built-in column of the kernel, as `defineColumn` does one of JavaScript. */
export function defineKernelColumn<const P extends ColumnParams = Record<never, never>>(spec: {
  readonly name: string
  readonly params?: P
  /** @throws ReplayError input `column-params` */
  kernel(params: ParamValues<P>): KernelValue
}): ColumnDefinition {
  const { name, params, kernel } = spec
  return {
    name,
    columns(words) {
      const given = paramsOf(name, params ?? ({} as P), words)
      return [kernelColumn(columnName(name, words), 'f64', () => kernel(given))]
    },
  }
}

/** A built-in column of the kernel; looks back no further than its bar. */
export function kernelColumn(name: string, type: FeatureType, kernel: () => KernelValue): FeatureColumn {
  return { name, type, warmUpNs: 0, kernel, create: (context) => kernelState(kernel(), context) }
}
