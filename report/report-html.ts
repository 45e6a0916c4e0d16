import { createHash } from 'node:crypto'
import { chartSections } from './chart-sections.ts'
import { Html, html, jsonHtml } from './html.ts'
import type { PageAssets } from './page-assets.ts'
import type { ChartData, ReportModel } from './report-model.ts'
import type { ReportCommands } from './text-sections.ts'
import { headSection, type ReportSection, textSections } from './text-sections.ts'

/**
 * The page: one file that asks for nothing else, and may not: its policy allows its own script alone, so that text from data
 * could do nothing even if it were not escaped.
 */
export function reportHtml(model: ReportModel, commands: ReportCommands, assets: PageAssets, nowMs: number): string {
  const { script, style } = assets
  const { timeline, quality, figures } = model
  const { plots, sweep, backtest } = figures
  const others = figures.others.map((view) => ({ plots: view.plots, fills: view.fills }))
  const data: ChartData = { ...{ timeline, quality, plots, sweep, backtest }, others }
  const policy = `default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-${createHash('sha256').update(script).digest('base64')}'`
  const sections = inOrder([...textSections(model, commands), ...chartSections(model)])
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>${model.head.job} · run ${model.head.run}</title>
<style>${new Html(style)}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
${headSection(model, commands)}
<nav aria-label="Sections"><ul>${sections.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>
<main id="main">
${sections.map(sectionHtml)}
</main>
<footer>Made ${new Date(nowMs).toISOString().slice(0, 19).replace('T', ' ')} UTC by chronicle-replay. Times are UTC.</footer>
<script type="application/json" id="charts">${jsonHtml(data)}</script>
<script>${new Html(script)}</script>
</body>
</html>
`
  return page.text
}

/** What went wrong comes first. */
const ORDER = [
  'failures',
  'run',
  'sweep',
  'equity',
  'statistics',
  'fills',
  'columns',
  'values',
  'totals',
  'quality',
  'timeline',
  'slowest',
  'cost',
  'job',
  'query',
]

function inOrder(sections: readonly ReportSection[]): ReportSection[] {
  return [...sections].sort((a, b) => ORDER.indexOf(a.id) - ORDER.indexOf(b.id))
}

function sectionHtml({ id, title, body }: ReportSection): Html {
  return html`<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>${body}</section>
`
}
