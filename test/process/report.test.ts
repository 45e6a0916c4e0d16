import fs from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { MadeRun, madeRunId } from '../../bench/made/made-run.ts'
import { encodeReceipts } from '../../core/plan/run/receipt.ts'
import { runFiles, taskName } from '../../core/plan/run/run-files.ts'
import { makeReport } from '../../report/report.ts'
import type { ChartData } from '../../report/report-model.ts'
import { startBrowser, untilTrue } from '../support/browser.ts'
import { MemoryStore } from '../support/memory-store.ts'
import { runCli } from '../support/run-cli.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { ROOT, typed } from '../user/machine.ts'

const browser = await startBrowser()

const SWEEP_JOB = `
import { defineJob } from 'chronicle-replay'

export default defineJob({
  name: 'edge',
  streams: ['book', 'trades'],
  params: { every: '1m', depth: 5, share: 0.5 },
  tolerance: 0.5,
  trigger: (p) => ({ every: p.every }),
  columns: { imbalance: 'f64', edge: 'f64' },
  create({ depth, share }, { book, symbol }) {
    return {
      // Of the message alone, so that it throws wherever a pass begins.
      trade({ timestampNs }) {
        if (symbol === 'ethusdt' && timestampNs % 500n === 0n) throw new Error('<img src=x onerror=alert(1)> & "more"')
      },
      row(out) { out.imbalance = book.imbalance(depth); out.edge = out.imbalance * share },
    }
  },
})
`

describe.skipIf(browser === null)('the report in a browser', () => {
  const folder = temporaryFolder('report')
  const [archive, table, file] = ['archive', 'table', 'report.html'].map((name) => path.join(folder, name)) as [string, string, string]
  let told: { run: string; state: string; out: string; bytes: number; reconciles: boolean }

  beforeAll(async () => {
    fs.writeFileSync(path.join(folder, 'job.ts'), SWEEP_JOB)
    await runCli('generate', archive, '--symbols', '3', '--messages', '12000', '--gaps', '3')
    const params = ['--param', 'depth=1,5', '--param', 'share=0.25,0.5,1']
    const { code } = await runCli('run', path.join(folder, 'job.ts'), '--archive', archive, '--table', table, '--slice', '6h', ...params)
    expect(code).toBe(4)
    told = JSON.parse((await runCli('report', table, '--out', file, '--metric', 'stddev(edge)', '--json')).out)
  })

  it.each([
    { width: 1280, scheme: 'light' },
    { width: 1280, scheme: 'dark' },
    { width: 390, scheme: 'light' },
    { width: 390, scheme: 'dark' },
  ] as const)('is quiet, whole and readable at $width px in $scheme', async ({ width, scheme }) => {
    const seen = await open(file, width, scheme)
    expect(seen.complaints).toEqual([])
    expect(seen.requests).toEqual([pathToFileURL(file).href])
    const sizes = await seen.page.evaluate('[document.documentElement.scrollWidth, document.documentElement.clientWidth]')
    expect(sizes).toEqual([width, width])
    const charts = await seen.page.evaluate(
      `[...document.querySelectorAll('figure[data-chart]')].map((figure) => [figure.dataset.chart, figure.querySelectorAll('svg[role=img][aria-label] :is(rect, path, circle)').length > 0])`,
    )
    expect((charts as [string, boolean][]).length).toBeGreaterThan(8)
    expect((charts as [string, boolean][]).filter(([, isDrawn]) => !isDrawn)).toEqual([])
    expect(await seen.page.evaluate(CONTRASTS)).toEqual([])
    expect(await seen.page.evaluate(CUT_OFF)).toEqual([])
    await seen.page.close()
  })

  it('shows the figures that the table has', async () => {
    const { page } = await open(file, 1280, 'light')
    const checksum = JSON.parse((await runCli('checksum', table, '--json')).out) as { rows: number; sum: string }
    const facts = (await page.evaluate(
      `Object.fromEntries([...document.querySelectorAll('#totals .facts > div')].map((fact) => [...fact.children].map((part) => part.textContent)))`,
    )) as Record<string, string>
    expect(facts.Rows).toBe(checksum.rows.toLocaleString('en-US'))
    expect(facts['The table']).toContain(`${facts.Rows} rows`)
    const checks = (await page.evaluate(
      `[...document.querySelectorAll('#totals tbody tr')].map((row) => [...row.children].map((cell) => cell.textContent))`,
    )) as string[][]
    expect(checks.map((check) => check.at(-1))).toEqual(checks.map(() => 'agree'))
    expect(checks.find(([what]) => what === 'row hashes')![1]).toBe(checksum.sum)
    expect(checks.find(([what]) => what === 'rows of the table')![3]).toBe(facts.Rows)
    expect(told).toMatchObject({ state: 'partial', reconciles: true, out: file, bytes: fs.statSync(file).size })
    await page.close()
  })

  it('draws what DuckDB says: the sweep, the curves, the maps', async () => {
    const { page } = await open(file, 1280, 'light')
    const data = JSON.parse((await page.evaluate(`document.getElementById('charts').textContent`)) as string) as ChartData
    const query = async (sql: string) => JSON.parse((await runCli('query', table, sql, '--json')).out) as Record<string, number>[]

    const { axes, cells } = data.sweep!
    expect(axes.map(({ name, values }) => [name, values])).toEqual([
      ['share', [0.25, 0.5, 1]],
      ['depth', [1, 5]],
    ])
    const metrics = await query('select share, depth, stddev(edge) as value, count(*) as rows from t group by all order by all')
    expect(cells.map(({ at, value, rows }) => [axes[0]!.values[at[0]!], axes[1]!.values[at[1]!], value, rows])).toEqual(
      metrics.map(({ share, depth, value, rows }) => [share, depth, expect.closeTo(value!, 9), rows]),
    )
    const shown = (await page.evaluate(
      `[...document.querySelector('[data-chart=sweep] svg g[aria-label=text]').querySelectorAll('text')].map((text) => text.textContent)`,
    )) as string[]
    expect(shown.map(Number)).toEqual(cells.map(({ value }) => Number(value!.toPrecision(4))))

    const { column, curves } = data.plots[0]!
    expect(column).toBe('imbalance')
    const charted = await page.locator('#job tr', { hasText: 'charted' }).locator('code').textContent()
    for (const { instrument, values, points } of curves) {
      const [one] = await query(
        `select count(imbalance) as values, min(imbalance) as low, max(imbalance) as high from t where venue || '/' || symbol = '${instrument}' and variant = '${charted}'`,
      )
      expect(values).toBe(one!.values)
      expect(Math.min(...points.filter((_, i) => i % 4 === 1))).toBeCloseTo(one!.low!, 6)
      expect(Math.max(...points.filter((_, i) => i % 4 === 2))).toBeCloseTo(one!.high!, 6)
    }

    const [all] = await query('select count(*) as rows, count(*) filter (gap) as marked from t')
    const totals = Object.fromEntries(data.quality!.measures.map(({ name, total }) => [name, total]))
    expect(totals).toMatchObject({ rows: all!.rows, marked: all!.marked })
    expect(totals.gaps).toBeGreaterThan(0)
    expect(totals.missing).toBeGreaterThan(0)
    await page.close()
  })

  it('says how sure the result of a sweep is: a t-statistic over days of instruments', async () => {
    const { page } = await open(file, 1280, 'light')
    const data = JSON.parse((await page.evaluate(`document.getElementById('charts').textContent`)) as string) as ChartData
    const days = JSON.parse(
      (
        await runCli(
          'query',
          table,
          'select share, depth, symbol, date, stddev(edge) as value from t group by all having value is not null order by all',
          '--json',
        )
      ).out,
    ) as { share: number; depth: number; symbol: string; value: number }[]
    const { axes, cells, byInstrument } = data.sweep!
    for (const { at, t, days: counted } of cells) {
      const [share, depth] = at.map((place, i) => axes[i]!.values[place])
      const values = days.filter((day) => day.share === share && day.depth === depth).map(({ value }) => value)
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1)
      expect(counted).toBe(values.length)
      expect(t).toBeCloseTo(mean / Math.sqrt(variance / values.length), 6)
    }
    expect(byInstrument!.map(({ instrument }) => instrument).sort()).toEqual(
      ['btcusdt', 'ethusdt', 'solusdt'].map((symbol) => `synthetic/${symbol}`),
    )
    await page.close()
  })

  it('says of each column how its values are spread, of the variant that is asked for', async () => {
    const out = path.join(folder, 'asked.html')
    expect((await runCli('report', table, '--out', out, '--param', 'share=0.5', '--param', 'depth=5')).code).toBe(0)
    const { page } = await open(out, 1280, 'light')
    expect(await page.locator('#columns .chosen > p').textContent()).toContain('share = 0.5')
    const texts = (await page.evaluate(
      `[...document.querySelectorAll('#values tr')].map((row) => [...row.children].map((cell) => cell.textContent))`,
    )) as string[][]
    const [head, ...lines] = texts
    const [own] = JSON.parse(
      (
        await runCli(
          'query',
          table,
          'select count(edge) as has, count(*) - count(edge) as nulls, avg(edge) as mean, median(edge) as middle, max(edge) as most from t where share = 0.5 and depth = 5',
          '--json',
        )
      ).out,
    ) as Record<string, number>[]
    const edge = Object.fromEntries(lines.find(([name]) => name === 'edge')!.map((text, i) => [head![i], Number(text.replaceAll(',', ''))]))
    expect(edge.Values).toBe(own!.has)
    expect(edge.NULL).toBe(own!.nulls)
    expect(edge.Mean).toBeCloseTo(own!.mean!, 4)
    expect(edge.Median).toBeCloseTo(own!.middle!, 4)
    expect(edge.Greatest).toBeCloseTo(own!.most!, 4)
    expect(await page.locator('#values svg rect').count()).toBe(2 * 30)
    await page.close()
    const wrong = await runCli('report', table, '--out', out, '--param', 'deph=5')
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining('did you mean depth')])
  })

  it('shows another variant where one is chosen, in all that is of one', async () => {
    const { page, complaints } = await open(file, 1280, 'light')
    const texts = async (selector: string) => (await page.locator(selector).allTextContents()).map((text) => text.trim())
    const options = await texts('#columns select option')
    expect(options).toHaveLength(6)
    expect(await texts('#values select option')).toEqual(options)
    const data = JSON.parse((await page.evaluate(`document.getElementById('charts').textContent`)) as string) as ChartData
    expect(data.others).toHaveLength(5)
    const before = await page.locator('#columns').innerHTML()
    await page.locator('#values select').selectOption(options[4]!)
    expect(await page.locator('#columns select').inputValue()).toBe('4')
    await untilTrue(page, `[...document.querySelectorAll('.chosen figure .plot')].every((place) => place.querySelector('svg') !== null)`)
    expect(await texts('#columns .chosen > p')).toEqual([expect.stringContaining(`of the variant with ${options[4]}, one of 6`)])
    const names = await page
      .locator('#columns figure')
      .evaluateAll((figures) => figures.map((figure) => (figure as unknown as { dataset: { chart: string } }).dataset.chart))
    expect(names.every((name) => name.endsWith('-4'))).toBe(true)
    // What is shown is that variant's: counted in the table.
    const [share, depth] = options[4]!.match(/[\d.]+/g)!.map(Number)
    const sql = `select count(edge) as n, max(edge) as most from t where share = ${options[4]!.startsWith('share') ? share : depth} and depth = ${options[4]!.startsWith('share') ? depth : share}`
    const [one] = JSON.parse((await runCli('query', table, sql, '--json')).out) as { n: number; most: number }[]
    const cells = await page.locator('#values tbody tr', { hasText: 'edge' }).locator('td, th').allTextContents()
    expect(cells[1]).toBe(one!.n.toLocaleString('en-US'))
    const edge = data.others[3]!.plots.find(({ column }) => column === 'edge')!
    expect(Math.max(...edge.curves.flatMap(({ points }) => points.filter((_, i) => i % 4 === 2)))).toBeCloseTo(one!.most, 6)
    // And back to what the page began with.
    await page.locator('#columns select').selectOption(options[0]!)
    await untilTrue(page, `[...document.querySelectorAll('.chosen figure .plot')].every((place) => place.querySelector('svg') !== null)`)
    expect(await page.locator('#columns').innerHTML()).toBe(before)
    expect(complaints).toEqual([])
    await page.close()
  })

  it('says in the page that live variants are of other code', async () => {
    const again = path.join(folder, 'again')
    const job = path.join(folder, 'again.ts')
    const made = async (share: string) => {
      await runCli(
        'run',
        job,
        '--archive',
        archive,
        '--table',
        again,
        '--symbols',
        'btcusdt',
        '--check',
        'off',
        '--param',
        `share=${share}`,
      )
      const out = path.join(folder, 'again.html')
      await runCli('report', again, '--out', out)
      return /<p class="note">(.*?)<\/p>/.exec(fs.readFileSync(out, 'utf8'))?.[1] ?? null
    }
    fs.writeFileSync(job, SWEEP_JOB)
    expect([await made('1'), await made('2')]).toEqual([null, null])
    fs.writeFileSync(job, SWEEP_JOB.replace('* share', '* share * 2'))
    expect(await made('1')).toMatch(
      /^1 of the 2 live variant has rows of other code than run \S+, the newest .*<code>chronicle-replay variants \S+<\/code> lists them/,
    )
  })

  it('shows verdicts on a phone, says what its words mean and what ran, and no dollars of a run that was here', async () => {
    const { page } = await open(file, 390, 'light')
    const edges = (await page.evaluate(
      `[...document.querySelectorAll('.verdicts tbody td:last-child')].map((cell) => cell.getBoundingClientRect().right)`,
    )) as number[]
    expect(edges.length).toBeGreaterThan(5)
    expect(Math.max(...edges)).toBeLessThanOrEqual(390)
    expect(await page.locator('#quality').textContent()).toContain('between a gap and the next snapshot')
    expect(await page.locator('#job pre').textContent()).toContain('timestampNs % 500n')
    expect(await page.locator('#cost').count()).toBe(0)
    expect(await page.locator('header').textContent()).not.toContain('$')
    await page.close()
    const out = path.join(folder, 'cost.html')
    await runCli('report', table, '--out', out, '--cost')
    expect(fs.readFileSync(out, 'utf8')).toContain('Cost on AWS')
  })

  it('draws equity, drawdown and fills of a backtest, as `statistics` has them', async () => {
    const bets = path.join(folder, 'bets')
    const job = path.resolve(import.meta.dirname, '../support/jobs/small-maker.ts')
    const params = ['--param', 'tick=0.0001', '--param', 'offset=0,2', '--symbols', 'btcusdt', '--check', 'off']
    const { code, err } = await runCli('run', job, '--archive', archive, '--table', bets, ...params)
    expect(code, err).toBe(0)
    const out = path.join(folder, 'bets.html')
    await runCli('report', bets, '--out', out)
    const { page, complaints } = await open(out, 390, 'dark')
    expect(complaints).toEqual([])
    expect(await page.evaluate(CUT_OFF)).toEqual([])
    const wide = await open(out, 1280, 'light')
    expect(await wide.page.evaluate(CUT_OFF)).toEqual([])
    const data = JSON.parse((await page.evaluate(`document.getElementById('charts').textContent`)) as string) as ChartData
    const told = JSON.parse((await runCli('statistics', bets, '--json')).out) as { gain: number; max_drawdown: number }[]
    const byGain = told.toSorted((a, b) => b.gain - a.gain)
    const { curves } = data.backtest!.equity
    expect(curves.map(({ gain }) => gain)).toEqual(byGain.map(({ gain }) => expect.closeTo(gain, 6)))
    expect(curves.map(({ drawdown }) => drawdown)).toEqual(byGain.map(({ max_drawdown }) => expect.closeTo(max_drawdown, 6)))
    expect(data.sweep!.cells.map(({ value }) => value!).sort((a, b) => b - a)).toEqual(byGain.map(({ gain }) => expect.closeTo(gain, 9)))
    const { statistics } = data.backtest!
    expect(statistics.others).toBe(0)
    expect(statistics.rows.map(({ values }) => values)).toEqual(
      byGain.map(({ gain }) => expect.objectContaining({ gain: expect.closeTo(gain, 9), annual_gain: expect.any(Number) })),
    )
    const shown = await wide.page.locator('#statistics tbody tr').allInnerTexts()
    expect(shown.slice(0, 2).map((line) => Number(line.split('\t')[2]))).toEqual(byGain.map(({ gain }) => expect.closeTo(gain, 6)))
    expect(shown[0]).toMatch(/^offset = \d\tsynthetic\/btcusdt\t/)
    expect(await wide.page.locator('#statistics table').count()).toBe(2)
    await wide.page.close()
    const ofBook = ['--book-size', '0.5', '--year-days', '252']
    const { err: said } = await runCli('report', bets, '--out', out, ...ofBook)
    expect(said).not.toContain('note:')
    const sized = await open(out, 390, 'light')
    expect(await sized.page.evaluate(CUT_OFF)).toEqual([])
    expect(await sized.page.locator('#statistics table').count()).toBe(3)
    const sizedData = JSON.parse((await sized.page.evaluate(`document.getElementById('charts').textContent`)) as string) as ChartData
    const sizedTold = JSON.parse((await runCli('statistics', bets, '--json', ...ofBook)).out) as Record<string, number>[]
    for (const { values } of sizedData.backtest!.statistics.rows) {
      const same = sizedTold.find(({ gain }) => gain === values.gain)
      expect(Object.fromEntries(Object.keys(values).map((name) => [name, Number(same![name])]))).toEqual(values)
    }
    expect(await sized.page.locator('#statistics').textContent()).toMatch(
      /a year of 252 days.*Relative to a book of 0\.5:.*Greatest leverage/s,
    )
    await sized.page.close()
    const { err: other } = await runCli('report', table, '--out', out, ...ofBook)
    expect(other).toContain('note: --year-days, --book-size: for backtests; this report has no statistics of one')
    const [fills] = JSON.parse(
      (
        await runCli(
          'query',
          bets,
          `select count(*) filter (side = 'buy') as buys, count(*) filter (side = 'sell') as sells from t where kind = 'fill' and "offset" = 0`,
          '--json',
        )
      ).out,
    ) as object[]
    expect(data.backtest!.fills).toMatchObject([{ instrument: 'synthetic/btcusdt', ...fills }])
    expect(await page.locator('#equity figure svg').count()).toBe(2)
    expect(await page.locator('#fills figure svg').count()).toBe(1)
    await page.close()
  })

  it('tells failures by cause, with a command that fails alike', async () => {
    const { page } = await open(file, 1280, 'light')
    const texts = (await page.evaluate(`[...document.querySelectorAll('#failures code')].map((code) => code.textContent)`)) as string[]
    expect(await page.locator('#failures').textContent()).toContain('<img src=x onerror=alert(1)> & "more"')
    expect(await page.locator('#failures img').count()).toBe(0)
    const alone = texts.find((text) => text.startsWith('chronicle-replay run'))!
    expect(alone).toContain('--symbols ethusdt')
    const again = await runCli(...alone.split(' ').slice(1), '--table', path.join(folder, 'again'))
    expect(again.err).toContain('job-threw')
    expect(texts.some((text) => text === `chronicle-replay resume ${table}/_chronicle/runs/${told.run}`)).toBe(true)
    await page.close()
  })

  it('gives a query that works as it is', async () => {
    const { page } = await open(file, 1280, 'light')
    const [command] = await page.locator('#query code').allTextContents()
    const shown = typed(`npx ${command}`, ROOT)
    expect(shown.stdout).toMatch(/^symbol +date +rows +imbalance/)
    await page.close()
  })

  it('charts what a run wrote that was not committed', async () => {
    const job = path.join(folder, 'strict.ts')
    fs.writeFileSync(job, SWEEP_JOB.replace('tolerance: 0.5', 'tolerance: 0'))
    const refused = path.join(folder, 'refused')
    await runCli('run', job, '--archive', archive, '--table', refused, '--slice', '6h')
    const out = path.join(folder, 'refused.html')
    expect(JSON.parse((await runCli('report', refused, '--out', out, '--json')).out)).toMatchObject({
      state: 'not committed',
      reconciles: true,
    })
    const { page, complaints } = await open(out, 1280, 'light')
    expect(complaints).toEqual([])
    expect(await page.locator('#columns').textContent()).toContain('not in the table')
    expect(await page.locator('#columns svg').count()).toBe(6)
    expect(await page.locator('#failures h3').textContent()).toContain('job-threw')
    await page.close()
  })

  it('takes names from data as text, and tells of a run that is not committed', async () => {
    const store = new MemoryStore()
    const symbol = '<img src=x onerror=alert(1)>"\'&'
    const made = await MadeRun.create(store, {
      run: madeRunId(1),
      partitions: [1, 2, 3].map((cell) => ({ symbol, cell, variants: ['<b>a'] })),
    })
    await made.finish(
      new Map([
        [0, 5],
        [1, null],
      ]),
    )
    const { model, html } = await makeReport(store, { commands: COMMANDS, clock: () => 0 })
    expect(model).toMatchObject({ state: 'not committed', totals: { partitions: { done: 1, failed: 1, notRun: 1, committed: 0 } } })
    const page = path.join(folder, 'names.html')
    fs.writeFileSync(page, html)
    const seen = await open(page, 390, 'dark')
    expect(seen.complaints).toEqual([])
    expect(await seen.page.locator('img').count()).toBe(0)
    expect(await seen.page.locator('section b').allTextContents()).not.toContain('a')
    expect(await seen.page.locator('#slowest').textContent()).toContain(symbol)
    expect(await seen.page.evaluate('document.documentElement.scrollWidth')).toBe(390)
    await seen.page.close()
  })

  it('is less than 1 MB for 10,000 partitions with all kinds of trouble, and opens', async () => {
    const store = new MemoryStore()
    const made = await makeBigRun(store)
    const { model, html } = await makeReport(store, { commands: COMMANDS, clock: () => 0 })
    expect(model.totals.partitions).toMatchObject({ planned: 10_000, done: 9900, failed: 100 })
    expect(model.checks.map(({ holds }) => holds)).not.toContain(false)
    expect(model.quality!.measures.find(({ name }) => name === 'gaps')!.total).toBe(model.totals.gaps.update_id_gap)
    // What charts of the rows add, at most.
    const plots = 8 * 4 * 200 * 4 * 12
    expect(html.length + plots).toBeLessThan(1_000_000)
    const page = path.join(folder, 'big.html')
    fs.writeFileSync(page, html)
    const seen = await open(page, 1280, 'light')
    expect(seen.complaints).toEqual([])
    expect(await seen.page.locator('h1').textContent()).toContain(made.head.job)
    expect(await seen.page.evaluate('document.documentElement.scrollWidth')).toBe(1280)
    await seen.page.close()
  })
})

const COMMANDS = { alone: () => 'alone', resume: () => 'resume', query: () => 'query', variants: () => 'variants' }

/** 100 instruments × 100 cells in attempts of 10 partitions, in each of which everything is found that can be. */
async function makeBigRun(store: MemoryStore): Promise<MadeRun> {
  const partitions = Array.from({ length: 10_000 }, (_, i) => ({
    symbol: `symbol-${String(Math.floor(i / 100)).padStart(3, '0')}`,
    cell: 480_000 + (i % 100),
    variants: ['a'],
  }))
  const made = await MadeRun.create(store, { run: madeRunId(2), partitions })
  for (let first = 0; first < partitions.length; first += 10) {
    const attempt = `a${String(first).padStart(5, '0')}`
    const receipts = Array.from({ length: 10 }, (_, j) => {
      const i = first + j
      const error = i % 100 === 7 ? ({ code: 'log-damaged', category: 'corrupt', message: `bad record ${i} `.repeat(20) } as const) : null
      return {
        ...made.receipt(i, attempt, 1000 + (i % 977), error),
        gaps: { update_id_gap: 1 + (i % 131), duplicate: 2 + (i % 7) },
        unproven: 1 + (i % 3),
        messages: { read: 1_000_000 + i, warmUp: i, leftOut: { quarantined: 100 + i }, noted: {} },
        timing: { startedMs: 1.7e12 + first * 300 + j * 1000, durationMs: 900 + (i % 300), bytes: 1e8 + i },
      }
    })
    await store.put(runFiles(made.head.run).receipt(taskName(0), attempt), encodeReceipts(receipts), 'absent')
  }
  return made
}

interface Seen {
  readonly page: Page
  readonly complaints: string[]
  readonly requests: string[]
}

async function open(file: string, width: number, colorScheme: 'light' | 'dark'): Promise<Seen> {
  const page = await browser!.newPage({ viewport: { width, height: 900 }, colorScheme })
  const seen: Seen = { page, complaints: [], requests: [] }
  page.on('console', (message) => seen.complaints.push(`${message.type()}: ${message.text()}`))
  page.on('pageerror', (error) => seen.complaints.push(error.message))
  page.on('dialog', (dialog) => seen.complaints.push(`dialog: ${dialog.message()}`))
  page.on('request', (request) => seen.requests.push(request.url()))
  await page.goto(pathToFileURL(file).href)
  await untilTrue(page, `[...document.querySelectorAll('figure[data-chart] .plot')].every((place) => place.querySelector('svg') !== null)`)
  return seen
}

/** What can only be seen by scrolling sideways, with all that opens open, and numbers that are broken in two. */
const CUT_OFF = `(() => {
  for (const details of document.querySelectorAll('details')) details.open = true
  const name = (element) => [element.closest('section')?.id, element.tagName, element.textContent.slice(0, 40)].join(' ')
  const hidden = [...document.querySelectorAll('body *')].filter((element) => element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).overflowX !== 'visible')
  const broken = [...document.querySelectorAll('.number')].filter((cell) => {
    const range = document.createRange()
    range.selectNodeContents(cell)
    return /^-?[\\d.,]+$/.test(cell.textContent) && new Set([...range.getClientRects()].map(({ top }) => Math.round(top))).size > 1
  })
  return [...hidden, ...broken].map(name)
})()`

/** Texts whose contrast with the background behind them is less than 4.5, as WCAG 2 counts it; in the page. */
const CONTRASTS = `(() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number)
  const light = (colour) => {
    const [r, g, b] = numbers(colour).slice(0, 3).map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4))
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const behind = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor
      if (numbers(colour)[3] !== 0) return colour
    }
    return 'rgb(255, 255, 255)'
  }
  const poor = []
  for (const element of document.querySelectorAll('body *:not(script, style)')) {
    const hasText = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '')
    if (!hasText || element.closest('.skip') !== null) continue
    const style = getComputedStyle(element)
    const colour = element instanceof SVGElement ? (style.fill === 'none' ? style.color : style.fill) : style.color
    const [a, b] = [light(colour), light(behind(element))].sort((x, y) => y - x)
    const contrast = (a + 0.05) / (b + 0.05)
    if (contrast < 4.5) poor.push(element.tagName + ' ' + element.className + ' ' + element.textContent.slice(0, 40) + ' ' + contrast.toFixed(2))
  }
  return poor
})()`
