import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SequenceFinding } from '../../core/book/sequence/sequence-finding.ts'
import {
  type GapPolicy,
  SequencePolicy,
  type SequencePolicyState,
  VERDICT_APPLY,
  VERDICT_DUPLICATE,
  VERDICT_QUARANTINED,
  VERDICT_STALE,
} from '../../core/book/sequence/sequence-policy.ts'
import { ruleOfVenue, type SequenceRule } from '../../core/book/sequence/sequence-rule.ts'
import { ReplayError } from '../../core/errors.ts'
import type { L2DiffFields } from '../../core/protocol/l2-diff.ts'
import { batchOf, diff, heartbeat, l3, reset, snapshot, type TestMessage } from '../support/book-messages.ts'

/** A diff of update ids `first … last`; native_seq is the last one. */
function ids(first: number, last: number, previous = 0, fields: Partial<L2DiffFields> = {}): Uint8Array {
  return diff([], [], { updateIdFirst: first, updateIdLast: last, updateIdPrev: previous, nativeSeq: last, ...fields })
}

function check(messages: (Uint8Array | TestMessage)[], rule: SequenceRule = {}, onGap: GapPolicy = 'ignore', path = '/log') {
  const findings: (Pick<SequenceFinding, 'kind' | 'expected' | 'found' | 'missing'> & { row: number })[] = []
  let row = 0
  const policy = new SequencePolicy({
    onGap,
    rule,
    onFinding: ({ kind, expected, found, missing }) => findings.push({ row, kind, expected, found, missing }),
  })
  const verdicts: number[] = []
  for (const message of batchOf(messages, path)) {
    verdicts.push(policy.check(message))
    row++
  }
  return { findings, verdicts, policy }
}

const usdm = ruleOfVenue('binance-usdm')
const spot = ruleOfVenue('binance-spot')

describe('update ids', () => {
  it('binance futures: the previous id is the last one, ids between may be skipped', () => {
    const stream = [snapshot([], [], { nativeSeq: 100 }), ids(90, 105, 85), ids(110, 115, 105), ids(130, 135, 120), ids(140, 141, 135)]
    expect(check(stream, usdm).findings).toEqual([{ row: 3, kind: 'update_id_gap', expected: 115n, found: 120n, missing: 5n }])
  })

  it('binance spot: the first id follows the last one, there is no previous id', () => {
    const stream = [snapshot([], [], { nativeSeq: 100 }), ids(95, 103), ids(104, 104), ids(110, 111), ids(112, 113)]
    expect(check(stream, spot).findings).toEqual([{ row: 3, kind: 'update_id_gap', expected: 105n, found: 110n, missing: 5n }])
  })

  it('diffs that the snapshot holds already are stale: no finding, not applied', () => {
    const { findings, verdicts, policy } = check(
      [snapshot([], [], { nativeSeq: 100 }), ids(90, 95, 89), ids(96, 100, 95), ids(101, 103, 100)],
      usdm,
    )
    expect(findings).toEqual([])
    expect(verdicts).toEqual([VERDICT_APPLY, VERDICT_STALE, VERDICT_STALE, VERDICT_APPLY])
    expect(policy.staleMessages).toBe(2)
  })

  it('a gap between snapshot and first diff is found', () => {
    expect(check([snapshot([], [], { nativeSeq: 100 }), ids(105, 106)], spot).findings).toEqual([
      { row: 1, kind: 'update_id_gap', expected: 101n, found: 105n, missing: 4n },
    ])
    expect(check([snapshot([], [], { nativeSeq: 100 }), ids(105, 106, 104)]).findings).toEqual([
      { row: 1, kind: 'update_id_gap', expected: 101n, found: 105n, missing: 4n },
    ])
  })

  it('a snapshot or reset begins a new chain', () => {
    const stream = [ids(1, 2), snapshot([], [], { nativeSeq: 100 }), ids(101, 102), reset(), ids(500, 501), ids(502, 503)]
    expect(check(stream, spot).findings).toEqual([])
  })

  it('auto: a previous id of 0 is a gap only where the stream has one', () => {
    expect(check([ids(1, 2), ids(3, 4), ids(5, 6)]).findings).toEqual([])
    expect(check([ids(1, 2, 0), ids(3, 4, 2), ids(5, 6, 0), ids(7, 8, 6)]).findings).toEqual([
      { row: 2, kind: 'prev_zero', expected: 4n, found: 0n, missing: 0n },
    ])
  })

  it('auto: learns whether ids are contiguous, and only then finds skipped ones', () => {
    const contiguous = Array.from({ length: 20 }, (_, i) => ids(i * 2 + 1, i * 2 + 2, i * 2))
    expect(check([...contiguous, ids(50, 51, 40), ids(52, 52, 51)]).findings).toEqual([
      { row: 20, kind: 'update_id_gap', expected: 41n, found: 50n, missing: 9n },
    ])
    const skipping = Array.from({ length: 20 }, (_, i) => ids(i * 3 + 2, i * 3 + 3, i * 3))
    expect(check([...skipping, ids(90, 91, 60)]).findings).toEqual([])
  })

  it('duplicates and steps back are found once, whether the stream goes on from before or from there', () => {
    expect(check([ids(1, 2, 0), ids(3, 4, 2), ids(3, 4, 2), ids(5, 6, 4)]).findings).toEqual([
      { row: 2, kind: 'duplicate', expected: 5n, found: 3n, missing: 0n },
    ])
    const back = { kind: 'update_id_back', missing: 0n }
    expect(check([ids(11, 12, 10), ids(13, 14, 12), ids(3, 4, 2), ids(15, 16, 14)]).findings).toEqual([
      { row: 2, expected: 15n, found: 3n, ...back },
    ])
    expect(check([ids(11, 12, 10), ids(13, 14, 12), ids(3, 4, 2), ids(5, 6, 4), ids(7, 8, 6)]).findings).toEqual([
      { row: 2, expected: 15n, found: 3n, ...back },
    ])
  })

  it('64-bit ids are compared exactly', () => {
    const big = 2n ** 60n
    const at = (first: bigint, last: bigint, previous: bigint) =>
      diff([], [], { updateIdFirst: first, updateIdLast: last, updateIdPrev: previous, nativeSeq: last })
    expect(check([at(big, big + 1n, big - 1n), at(big + 2n, big + 3n, big + 1n)]).findings).toEqual([])
    expect(check([at(big, big + 1n, big - 1n), at(big + 3n, big + 4n, big + 2n)]).findings).toMatchObject([
      { kind: 'update_id_gap', missing: 1n },
    ])
    const carry = 2n ** 32n
    expect(check([at(carry - 2n, carry - 1n, carry - 3n), at(carry, carry + 1n, carry - 1n)]).findings).toEqual([])
  })

  it('streams without ids have nothing to check', () => {
    expect(check([snapshot([], []), diff([], []), diff([], []), heartbeat()]).findings).toEqual([])
  })
})

describe('record, header and native sequence', () => {
  const at = (seq: bigint): TestMessage => ({ payload: heartbeat(), seq })

  it('record sequence: gaps and steps back; 0 is a new session', () => {
    const { findings, policy } = check([at(5n), at(6n), at(9n), at(10n), at(3n), at(4n), at(0n), at(1n)])
    expect(findings).toEqual([
      { row: 2, kind: 'record_seq_gap', expected: 7n, found: 9n, missing: 2n },
      { row: 4, kind: 'record_seq_back', expected: 11n, found: 3n, missing: 0n },
    ])
    expect(policy.sessions).toBe(2)
    expect(check([at(5n), at(9n)], { recordSeq: false }).findings).toEqual([])
  })

  it('header sequence: rises per event or with the record sequence, 0 is none, a wrong value is found once', () => {
    const header = (...seqs: number[]) => seqs.map((seq) => ids(0, 0, 0, { nativeSeq: 0, seq }))
    expect(check(header(5, 6, 7)).findings).toEqual([])
    expect(check(header(0, 0, 0)).findings).toEqual([])
    expect(check(header(5, 6, 14, 8, 9)).findings).toEqual([{ row: 2, kind: 'header_seq_jump', expected: 7n, found: 14n, missing: 7n }])
    expect(check(header(5, 6, 14, 15, 16)).findings).toEqual([{ row: 2, kind: 'header_seq_jump', expected: 7n, found: 14n, missing: 7n }])
    expect(check(header(5, 6, 2, 8)).findings).toEqual([{ row: 2, kind: 'header_seq_back', expected: 7n, found: 2n, missing: 0n }])
    expect(check(header(5, 6, 6, 7)).findings).toEqual([{ row: 2, kind: 'duplicate', expected: 7n, found: 6n, missing: 0n }])
    const mixed = [ids(0, 0, 0, { seq: 10 }), { payload: new Uint8Array(64), typeId: 0x1002 }, ids(0, 0, 0, { seq: 12 })]
    expect(check(mixed).findings).toEqual([])
  })

  it('native sequence: the last update id where the first diff shows so, or a counter by rule', () => {
    const native = (...seqs: number[]) => seqs.map((nativeSeq, i) => ids(i + 1, i + 1, i, { nativeSeq }))
    expect(check(native(1, 2, 99, 4)).findings).toEqual([{ row: 2, kind: 'native_seq_jump', expected: 3n, found: 99n, missing: 96n }])
    expect(check(native(1, 2, 1, 4)).findings).toEqual([{ row: 2, kind: 'native_seq_back', expected: 3n, found: 1n, missing: 0n }])
    expect(check(native(77, 80, 90)).findings).toEqual([])
    const l3Native = [5, 6, 9].map((nativeSeq) => l3({ eventType: 6, nativeSeq }))
    expect(check(l3Native).findings).toEqual([])
    expect(check(l3Native, { nativeSeq: 'contiguous' }).findings).toEqual([
      { row: 2, kind: 'native_seq_jump', expected: 7n, found: 9n, missing: 2n },
    ])
  })
})

describe('policies', () => {
  const gap = [
    snapshot([], [], { nativeSeq: 100 }),
    ids(101, 102),
    ids(105, 106),
    ids(107, 108),
    heartbeat(),
    snapshot([], [], { nativeSeq: 108 }),
    ids(109, 110),
  ]

  it('abort stops with the place and the size', () => {
    expect(() => check(gap, spot, 'abort')).toThrow(ReplayError)
    expect(() => check(gap, spot, 'abort')).toThrow(
      /update_id_gap: expected 103, found 105, 2 missing.*segment 0, offset \d+, seq 2, in \/log/,
    )
  })

  it('quarantine leaves everything out until the next snapshot or reset', () => {
    const { verdicts, policy } = check(gap, spot, 'quarantine')
    const out = VERDICT_QUARANTINED
    expect(verdicts).toEqual([0, 0, out, out, out, 0, 0])
    expect(policy.quarantinedMessages).toBe(3)
    expect(check([...gap.slice(0, 4), reset(), ids(500, 501)], spot, 'quarantine').verdicts).toEqual([0, 0, out, out, 0, 0])
    expect(
      check(
        [l3({ eventType: 1, seq: 1 }), l3({ eventType: 1, seq: 5 }), l3({ eventType: 5, seq: 6 }), l3({ eventType: 1, seq: 7 })],
        {},
        'quarantine',
      ).verdicts,
    ).toEqual([0, out, 0, 0])
  })

  it('a snapshot ends the quarantine even when it shows a gap itself', () => {
    const at = (seq: number, nativeSeq: number) => snapshot([], [], { seq, nativeSeq })
    const { verdicts, findings } = check(
      [at(1, 100), { payload: at(9, 200), seq: 7n }, { payload: ids(201, 202, 0, { seq: 10 }), seq: 8n }],
      spot,
      'quarantine',
    )
    expect(findings.map(({ kind }) => kind)).toEqual(['record_seq_gap', 'header_seq_jump'])
    expect(verdicts).toEqual([0, 0, 0])
  })

  it('a market is quarantined for its own gaps only, but for those of the record sequence too', () => {
    const other = { marketId: 8 }
    const { verdicts } = check([ids(1, 2), ids(1, 2, 0, other), ids(9, 10), ids(3, 4, 0, other)], spot, 'quarantine')
    expect(verdicts).toEqual([0, 0, VERDICT_QUARANTINED, 0])
    const lost = check(
      [
        { payload: ids(1, 2), seq: 1n },
        { payload: ids(1, 2, 0, other), seq: 2n },
        { payload: ids(3, 4), seq: 9n },
        { payload: ids(3, 4, 0, other), seq: 10n },
      ],
      spot,
      'quarantine',
    )
    expect(lost.verdicts).toEqual([0, 0, VERDICT_QUARANTINED, VERDICT_QUARANTINED])
  })

  it('a duplicate breaks nothing; only ignore applies it', () => {
    const stream = [ids(1, 2), ids(3, 4), ids(3, 4), ids(5, 6)]
    expect(check(stream, spot, 'abort').verdicts).toEqual([0, 0, VERDICT_DUPLICATE, 0])
    expect(check(stream, spot, 'quarantine').verdicts).toEqual([0, 0, VERDICT_DUPLICATE, 0])
    expect(check(stream, spot, 'ignore').verdicts).toEqual([0, 0, 0, 0])
  })

  it('the chain and the quarantine run across folders; boundaries that nothing proves are counted', () => {
    const policy = new SequencePolicy({ onGap: 'quarantine', rule: spot })
    const days = [[ids(1, 2), ids(3, 4)], [ids(5, 6)], [ids(9, 10)], [ids(11, 12)]]
    const verdicts: number[] = []
    for (const [day, messages] of days.entries()) {
      for (const message of batchOf(messages, `/day${day}`)) verdicts.push(policy.check(message))
    }
    expect(verdicts).toEqual([0, 0, 0, VERDICT_QUARANTINED, VERDICT_QUARANTINED])
    expect(policy.findings.update_id_gap).toBe(1)
    expect([policy.sessions, policy.unprovenBoundaries]).toEqual([4, 0])
    const unchained = new SequencePolicy()
    for (const day of ['/day1', '/day2']) for (const message of batchOf([diff([], [])], day)) unchained.check(message)
    expect(unchained.unprovenBoundaries).toBe(1)
  })

  it('what a reader left out is a gap, where no sequence shows it too', () => {
    const found: unknown[] = []
    const trade = (seq = 0n): TestMessage => ({ payload: heartbeat(), seq, typeId: 0x1001 })
    const policy = new SequencePolicy({
      onGap: 'quarantine',
      rule: { updateIds: 'none', headerSeq: 'none', nativeSeq: 'none' },
      onFinding: ({ kind, expected, found: value }) => found.push([kind, expected, value]),
    })
    const take = (path: string, ...list: (Uint8Array | TestMessage)[]): number[] => {
      const verdicts: number[] = []
      for (const message of batchOf(list, path)) verdicts.push(policy.check(message))
      return verdicts
    }
    expect(take('/1/book', snapshot([], []), diff([], []))).toEqual([VERDICT_APPLY, VERDICT_APPLY])
    // At the end of a folder: told by the next one, unless that begins anew.
    policy.lose('/1/book', true)
    expect(take('/1/trades', trade())).toEqual([VERDICT_APPLY])
    expect(found).toEqual([])
    expect(take('/2/book', diff([], []), snapshot([], []), diff([], []))).toEqual([VERDICT_QUARANTINED, VERDICT_APPLY, VERDICT_APPLY])
    expect(found.splice(0)).toEqual([['record_seq_gap', 0n, 0n]])
    policy.lose('/2/book', true)
    expect(take('/3/book', snapshot([], []), diff([], []))).toEqual([VERDICT_APPLY, VERDICT_APPLY])
    expect(found).toEqual([])
    // At the begin of one: by itself.
    policy.lose('/4/book', true)
    expect(take('/4/book', diff([], []), diff([], []))).toEqual([VERDICT_QUARANTINED, VERDICT_QUARANTINED])
    expect(found.splice(0)).toEqual([['record_seq_gap', 0n, 0n]])
    // Without a book, folders have nothing to do with one another; a gap in the sequence is told once.
    policy.lose('/4/trades', false)
    expect(take('/5/trades', trade())).toEqual([VERDICT_APPLY])
    policy.lose('/5/trades', false)
    expect(take('/5/trades', trade(7n))).toEqual([VERDICT_APPLY])
    expect(found).toEqual([['record_seq_gap', 1n, 7n]])
  })

  it('cut anywhere and restored from its state, it finds and decides the same', () => {
    const step = fc.record({
      skip: fc.constantFrom(0, 0, 0, 0, 3, -4),
      count: fc.integer({ min: 1, max: 3 }),
      previous: fc.constantFrom('old', 'old', 'first', 'zero'),
      kind: fc.constantFrom('diff', 'diff', 'diff', 'diff', 'diff', 'snapshot', 'reset', 'heartbeat', 'session'),
      header: fc.constantFrom(1, 1, 1, 1, 1, 7, 0),
    })
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 2, maxLength: 40 }),
        fc.nat(),
        fc.constantFrom<SequenceRule>({}, usdm, spot, { updateIds: 'contiguous', nativeSeq: 'contiguous' }),
        (steps, cutAt, rule) => {
          const messages: TestMessage[] = []
          let last = 100
          let seq = 0n
          let header = 50
          for (const each of steps) {
            header += each.header
            if (each.kind === 'session') seq = 0n
            const first = Math.max(1, last + 1 + each.skip)
            const previous = each.previous === 'old' ? last : each.previous === 'first' ? first - 1 : 0
            if (each.kind === 'snapshot') messages.push({ payload: snapshot([], [], { nativeSeq: last, seq: header }), seq })
            else if (each.kind === 'reset') messages.push({ payload: reset({ seq: header }), seq })
            else if (each.kind === 'heartbeat') messages.push({ payload: heartbeat(), seq })
            else {
              last = first + each.count - 1
              messages.push({ payload: ids(first, last, previous, { seq: header }), seq })
            }
            seq++
          }
          const whole = record(rule, messages)
          const cut = cutAt % messages.length
          const head = record(rule, messages.slice(0, cut))
          const tail = record(rule, messages.slice(cut), JSON.parse(JSON.stringify(head.state)) as SequencePolicyState)
          expect([...head.log, ...tail.log]).toEqual(whole.log)
          expect(tail.state).toEqual(whole.state)
        },
      ),
    )
  })
})

function record(rule: SequenceRule, messages: TestMessage[], from?: SequencePolicyState): { log: unknown[]; state: SequencePolicyState } {
  const log: unknown[] = []
  const listening = new SequencePolicy({
    onGap: 'quarantine',
    rule,
    onFinding: ({ kind, expected, found, missing }) => log.push([kind, expected, found, missing]),
  })
  if (from !== undefined) listening.restore(from)
  for (const message of batchOf(messages)) log.push(listening.check(message))
  return { log, state: listening.state() }
}

describe('a snapshot that newer events have overtaken', () => {
  const at = (seconds: number): bigint => 1_700_000_000_000_000_000n + BigInt(seconds) * 1_000_000_000n
  const A = VERDICT_APPLY
  const OLD = VERDICT_STALE

  it.each([
    ['binance-spot' as const, spot, 0],
    ['binance-usdm' as const, usdm, 1],
    ['auto' as const, {}, 1],
  ] as const)('%s: is left out by its update id, whatever time it bears, and the stream goes on', (_name, rule, hasPrevious) => {
    const next = (first: number, last: number, time: number): Uint8Array =>
      ids(first, last, hasPrevious * (first - 1), { exchangeTsNs: at(time) })
    for (const time of [0, at(3), at(9)]) {
      const stream = [
        snapshot([], [], { nativeSeq: 100, exchangeTsNs: at(1) }),
        next(101, 103, 2),
        next(104, 107, 4),
        snapshot([], [], { nativeSeq: 103, exchangeTsNs: time }),
        next(108, 109, 5),
        snapshot([], [], { nativeSeq: 109, exchangeTsNs: at(6) }),
        next(110, 110, 7),
      ]
      for (const onGap of ['abort', 'quarantine', 'ignore'] as const) {
        const { findings, verdicts, policy } = check(stream, rule, onGap)
        expect(verdicts).toEqual([A, A, A, OLD, A, A, A])
        expect(findings).toEqual([])
        expect(policy.staleMessages).toBe(1)
      }
    }
  })

  it('ids that begin anew are found at the first diff that goes on from the snapshot', () => {
    const stream = [
      snapshot([], [], { nativeSeq: 100 }),
      ids(101, 103, 100),
      snapshot([], [], { nativeSeq: 5 }),
      ids(6, 8, 5),
      ids(9, 9, 8),
    ]
    const { findings, policy } = check([...stream, snapshot([], [], { nativeSeq: 9 }), ids(10, 11, 9)], usdm, 'quarantine')
    expect(findings).toEqual([{ row: 3, kind: 'update_id_back', expected: 104n, found: 6n, missing: 0n }])
    expect(policy.isQuarantined(7)).toBe(false)
  })

  it('without ids it is left out by the header’s sequence, which goes on from before', () => {
    const one = (seq: number, time: number): Uint8Array => diff([], [], { seq, exchangeTsNs: at(time) })
    const stream = [snapshot([], [], { seq: 10, exchangeTsNs: at(1) }), one(11, 2), one(12, 3)]
    const late = snapshot([], [], { seq: 10, exchangeTsNs: at(1) })
    const { findings, verdicts } = check([...stream, late, one(13, 4), one(14, 5)], {}, 'quarantine')
    expect(verdicts).toEqual([A, A, A, OLD, A, A])
    expect(findings).toEqual([])
  })

  it('without any sequence it is left out by exchange time', () => {
    const one = (time: number): Uint8Array => diff([], [], { exchangeTsNs: at(time) })
    const taken = (time: number): Uint8Array => snapshot([], [], { exchangeTsNs: at(time) })
    // Exchange times step back by up to two seconds anyway.
    expect(check([taken(1), one(8), taken(7), one(9), taken(5), one(10), taken(11)], {}, 'abort').verdicts).toEqual([A, A, A, A, OLD, A, A])
  })

  it('the first of a session, and of a book that has none, is taken as it is', () => {
    const stream = (seq: bigint, payload: Uint8Array): TestMessage => ({ payload, seq })
    const again = [
      stream(0n, snapshot([], [], { nativeSeq: 100, exchangeTsNs: at(5) })),
      stream(1n, ids(101, 102, 100, { exchangeTsNs: at(6) })),
      stream(0n, snapshot([], [], { nativeSeq: 50, exchangeTsNs: at(1) })),
      stream(1n, ids(51, 52, 50, { exchangeTsNs: at(2) })),
    ]
    expect(check(again, usdm, 'abort').verdicts).toEqual([A, A, A, A])
    expect(check([ids(101, 102, 100), snapshot([], [], { nativeSeq: 90 })], usdm).verdicts).toEqual([A, A])
  })

  it('after a gap it does not make the book whole, unless the exchange’s clock went on', () => {
    const broken = [snapshot([], [], { nativeSeq: 100, exchangeTsNs: at(1) }), ids(111, 120, 110, { exchangeTsNs: at(5) })]
    const late = snapshot([], [], { nativeSeq: 105, exchangeTsNs: at(3) })
    const fresh = snapshot([], [], { nativeSeq: 5, exchangeTsNs: at(6) })
    expect(check([...broken, late], usdm, 'quarantine').policy.isQuarantined(7)).toBe(true)
    expect(check([...broken, fresh, ids(6, 7, 5)], usdm, 'quarantine').policy.isQuarantined(7)).toBe(false)
  })

  it('orders: an old reset is a gap until one that is not; one whose sequence begins anew is a restart', () => {
    const add = (seq: number, time: number): Uint8Array =>
      l3({ eventType: 1, seq, exchangeTsNs: at(time), orderId: BigInt(seq), price: 1n, quantity: 1n, side: 1 })
    const anew = (seq: number, time: number): Uint8Array => l3({ eventType: 5, seq, exchangeTsNs: at(time) })
    const stream = [anew(1, 1), add(2, 2), add(3, 3), add(4, 4)]
    const old = check([...stream, anew(2, 2), add(3, 2), add(4, 2)], {}, 'quarantine')
    expect(old.verdicts.slice(4)).toEqual([VERDICT_QUARANTINED, VERDICT_QUARANTINED, VERDICT_QUARANTINED])
    expect(old.findings[0]).toMatchObject({ row: 4, kind: 'header_seq_back', expected: 5n, found: 2n })
    expect(check([...stream, anew(2, 2), add(3, 2), anew(9, 9), add(10, 9)], {}, 'quarantine').policy.isQuarantined(7)).toBe(false)
    expect(() => check([...stream, anew(2, 2)], {}, 'abort')).toThrow(/header_seq_back/)
    expect(check([...stream, anew(1, 9), add(2, 9)], {}, 'quarantine').verdicts.slice(4)).toEqual([A, A])
  })
})
