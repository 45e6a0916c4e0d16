import { describe, expect, expectTypeOf, it } from 'vitest'
import type { FeatureBook } from '../../core/features/feature-book.ts'
import { BUILTIN_JOBS } from '../../core/job/builtin/index.ts'
import { defineJob, jobTiming } from '../../core/job/define-job.ts'
import type { JobDefinition } from '../../core/job/job-definition.ts'
import { rowSchema } from '../../core/job/row-schema.ts'
import { parseParams, variantId, variantsOf } from '../../core/job/variants.ts'
import type { TradeView } from '../../core/protocol/trade.ts'

/** The example of the design. */
const flow = defineJob({
  name: 'flow',
  streams: ['book', 'trades'],
  params: { every: '1s', depth: 5 },
  trigger: (p) => ({ every: p.every }),
  columns: { imbalance: 'f64', flow: 'f64' },
  create({ depth }, { book }) {
    let flow = 0
    return {
      reset() {
        flow = 0
      },
      trade(t) {
        flow += t.isBuyerMaker ? -t.quantity : t.quantity
      },
      row(out) {
        out.imbalance = book.imbalance(depth)
        out.flow = flow
        flow = 0
      },
    }
  },
})

describe('defineJob', () => {
  it('infers the types of parameters, context and rows', () => {
    defineJob({
      name: 'types',
      streams: ['book', 'trades'],
      params: { every: '1s', depth: 5, isStrict: true },
      columns: { price: 'f64', id: 'i64', flag: 'bool', name: 'string', small: 'i32' },
      trigger(params) {
        expectTypeOf(params).toEqualTypeOf<{ readonly every: string; readonly depth: number; readonly isStrict: boolean }>()
        return { every: params.every }
      },
      create(params, context) {
        expectTypeOf(params.depth).toEqualTypeOf<number>()
        expectTypeOf(context.book).toEqualTypeOf<FeatureBook>()
        return {
          trade(trade) {
            expectTypeOf(trade).toEqualTypeOf<TradeView>()
          },
          row(out) {
            expectTypeOf(out.price).toEqualTypeOf<number | null>()
            expectTypeOf(out.id).toEqualTypeOf<number | bigint | null>()
            expectTypeOf(out.flag).toEqualTypeOf<boolean | null>()
            expectTypeOf(out.name).toEqualTypeOf<string | null>()
            expectTypeOf(out.emit).toEqualTypeOf<() => void>()
            // @ts-expect-error no such column
            out.volume = 1
            // @ts-expect-error not its type
            out.flag = 1
          },
        }
      },
    })
    defineJob({
      name: 'bookless',
      streams: ['trades'],
      columns: { price: 'f64' },
      create(_params, context) {
        expectTypeOf(context.book).toEqualTypeOf<undefined>()
        return {}
      },
    })
    // @ts-expect-error no such column type
    const wrong = (): JobDefinition => defineJob({ name: 'x', streams: ['trades'], columns: { a: 'f65' }, create: () => ({}) })
    expect(wrong).toThrow(/columns\.a: expected one of f64, i64/)
  })

  it('knows the schema of its rows', () => {
    const columns = rowSchema(flow, [jobTiming(flow, flow.params)])
    expect(columns.map(({ name }) => name)).toEqual([
      ...['venue', 'symbol', 'date', 'ts', 'ts_ns', 'seq', 'row', 'variant', 'every', 'depth'],
      ...['bar_start', 'bar_start_ns', 'bar_end', 'bar_end_ns', 'gap', 'imbalance', 'flow'],
    ])
    expect(columns.find(({ name }) => name === 'bar_start_ns')).toEqual({ name: 'bar_start_ns', type: 'i64', nullable: false })
    expect(columns.at(-1)).toEqual({ name: 'flow', type: 'f64', nullable: true })
  })

  it.each([
    [{ name: 'Upper' }, /name: expected a-z/],
    [{ streams: ['books'] }, /streams: expected 'all' or some of book/],
    [{ columns: { venue: 'f64' } }, /venue is a column that every table has/],
    [{ columns: { gap: 'f64' } }, /gap is a column that every table has/],
    [{ columns: { emit: 'f64' } }, /emit/],
    [{ columns: { price: 'f64', Price: 'f64' } }, /Price is there twice/],
    [{ columns: { every: 'f64' } }, /every is a parameter/],
    [{ columns: { 'a b': 'f64' } }, /"a b" is no column name/],
    [{ columns: 'price' }, /columns: expected an object/],
    [{ params: { ts_ns: 1 } }, /"ts_ns" is no name for a parameter/],
    [{ params: { depth: Number.NaN } }, /params\.depth: expected a finite number/],
    [{ params: { depth: null } }, /params\.depth: expected a number, text or boolean/],
    [{ trigger: { every: 'often' } }, /job test: trigger: expected a duration/],
    [{ trigger: () => ({ every: (undefined as unknown as string[])[0]! }) }, /job test: trigger: throws TypeError/],
    [{ clock: 'exchange', trigger: undefined }, /clock exchange: expected a trigger with `every`/],
    [{ tolerance: 2 }, /tolerance: expected a share from 0 to 1/],
    [{ warmUp: 'long' }, /job test: warmUp: expected a duration/],
    [{ create: undefined }, /expected one of create, features, pipeline/],
    [{ pipeline: () => null }, /create: a job with a pipeline has none/],
    [{ create: 5 }, /create: expected a function/],
    [{ features: () => ({ price: 'mid', other: 'mid' }) }, /features: other is not among its columns/],
    [{ features: () => ({ price: 'top:2' }) }, /price: expected one column, found/],
    [{ features: () => ({ price: 'count' }) }, /the feature is i64, the column f64/],
  ])('refuses %j', (change, message) => {
    const spec = {
      name: 'test',
      streams: ['trades'],
      params: { every: '1s' },
      columns: { price: 'f64' },
      trigger: { every: '1s' },
      create: () => ({}),
      ...change,
    }
    expect(() => defineJob(spec as never)).toThrow(
      expect.objectContaining({ code: 'job-invalid', message: expect.stringMatching(message) }),
    )
  })

  it('takes the warm-up of features into account', () => {
    const job = defineJob({
      name: 'vol',
      streams: ['book'],
      columns: { vol: 'f64' },
      trigger: { every: '1s' },
      warmUp: '10s',
      features: () => ({ vol: 'realised_vol:5m' }),
    })
    expect(jobTiming(job, {}).warmUpNs).toBeGreaterThanOrEqual(300_000_000_000n)
  })

  it('has built-in jobs that bear their names', () => {
    expect(Object.keys(BUILTIN_JOBS)).toEqual(['messages', 'trades', 'tickers', 'bars', 'book-features', 'snapshots'])
    for (const [name, job] of Object.entries(BUILTIN_JOBS)) {
      expect(job.name).toBe(name)
      for (const { params } of variantsOf(job)) rowSchema(job, [jobTiming(job, params)])
    }
  })
})

describe('variants', () => {
  it('are all combinations of the given values and the defaults', () => {
    const variants = variantsOf(flow, parseParams(flow, ['depth=1,5', 'every=1s', 'every=2s']))
    expect(variants.map(({ params }) => `${params.every} ${params.depth}`).sort()).toEqual(['1s 1', '1s 5', '2s 1', '2s 5'])
    expect(new Set(variants.map(({ id }) => id)).size).toBe(4)
    expect(variants.map(({ id }) => id)).toEqual(variants.map(({ id }) => id).sort())
  })

  it('come from the sweep of a job, a grid or a list', () => {
    const spec = { name: 'sweep', streams: ['trades'], columns: { a: 'f64' }, params: { x: 1, y: 'a' }, create: () => ({}) } as const
    const list = defineJob({ ...spec, sweep: [{ x: 2 }, { x: 3, y: 'b' }, { x: 2 }] })
    expect(
      variantsOf(list)
        .map(({ params }) => `${params.x}${params.y}`)
        .sort(),
    ).toEqual(['2a', '3b'])
    const grid = defineJob({ ...spec, sweep: { x: [1, 2, 3] } })
    expect(variantsOf(grid)).toHaveLength(3)
    expect(variantsOf(grid, { x: 9 }).map(({ params }) => params)).toEqual([{ x: 9, y: 'a' }])
  })

  it('have ids that depend on names and values alone', () => {
    expect(variantId({ a: 1, b: 'x' })).toBe(variantId({ b: 'x', a: 1 }))
    expect(variantId({ a: 1 })).not.toBe(variantId({ a: '1' }))
    expect(variantId({ a: 1 })).toMatch(/^[0-9a-f]{16}$/)
  })

  it.each([
    [['dept=3'], 'param-unknown', /no parameter "dept"; did you mean depth\?/],
    [['depth=deep'], 'param-value', /depth: expected a number, found "deep"/],
    [['depth'], 'param-value', /expected name=value/],
    [['depth='], 'param-value', /expected a number/],
  ])('refuse %j', (words, code, message) => {
    expect(() => variantsOf(flow, parseParams(flow, words))).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    )
  })

  it('are limited', () => {
    const depths = Array.from({ length: 2000 }, (_, i) => i + 1)
    expect(() => variantsOf(flow, { depth: depths })).toThrow(expect.objectContaining({ code: 'too-many-variants' }))
  })
})
