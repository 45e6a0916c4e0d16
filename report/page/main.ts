import type { ChartData } from '../report-model.ts'
import { drawEquity, drawFills } from './backtest-chart.ts'
import { drawColumn } from './column-chart.ts'
import { drawQuality } from './quality-chart.ts'
import { drawInstruments, drawSweep } from './sweep-chart.ts'
import { drawCurve, drawLanes } from './timeline-chart.ts'

/* The script of the page: draws each chart as wide as its place, again when that changes, and copies what is to be copied. */

type Drawing = SVGElement | HTMLElement

const data = JSON.parse(document.getElementById('charts')!.textContent) as ChartData

const widths = new WeakMap<Element, number>()
const observer = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) draw(target as HTMLElement, Math.floor(contentRect.width))
})
observe(document)

/** What a choice of a variant shows, by its number; the first one as it is before anything is drawn. */
const choices = [...document.querySelectorAll<HTMLElement>('.choice')].map((block) => {
  const shown = block.querySelector('.chosen')!
  const others = [...block.querySelectorAll('template')].map(({ content }) => content)
  return { shown, select: block.querySelector('select')!, bodies: [fragmentOf(shown), ...others] }
})
for (const { select } of choices) select.addEventListener('change', () => choose(select.selectedIndex))

for (const button of document.querySelectorAll<HTMLButtonElement>('button[data-copy]')) {
  button.addEventListener('click', () => void copy(button))
}

function observe(within: ParentNode): void {
  for (const figure of within.querySelectorAll<HTMLElement>('figure[data-chart]')) observer.observe(figure.querySelector('.plot')!)
}

function fragmentOf(shown: Element): DocumentFragment {
  const fragment = document.createDocumentFragment()
  fragment.append(...[...shown.childNodes].map((node) => node.cloneNode(true)))
  return fragment
}

/** One variant everywhere. */
function choose(index: number): void {
  for (const { shown, select, bodies } of choices) {
    select.selectedIndex = index
    for (const figure of shown.querySelectorAll('figure[data-chart]')) observer.unobserve(figure.querySelector('.plot')!)
    shown.replaceChildren(bodies[index]!.cloneNode(true))
    observe(shown)
  }
}

function draw(place: HTMLElement, width: number): void {
  if (width <= 0 || widths.get(place) === width) return
  widths.set(place, width)
  const figure = place.parentElement!
  const drawing = drawingOf(figure.dataset.chart!, width)
  const svg = drawing.querySelector('svg') ?? drawing
  svg.setAttribute('role', 'img')
  svg.setAttribute('aria-label', figure.dataset.label!)
  place.replaceChildren(drawing)
}

function drawingOf(name: string, width: number): Drawing {
  const { timeline, quality, sweep, plots, backtest, others } = data
  const [kind, ...rest] = name.split('-')
  if (kind === 'quality') return drawQuality(quality!, rest[0]!, width)
  if (kind === 'column') {
    const { column, curves } = (others[Number(rest[2]) - 1]?.plots ?? plots)[Number(rest[0])]!
    return drawColumn(column, curves[Number(rest[1])]!, width)
  }
  if (kind === 'sweep') return drawSweep(sweep!, width)
  if (kind === 'sweepby') return drawInstruments(sweep!, width)
  if (kind === 'equity' || kind === 'drawdown') return drawEquity(backtest!.equity, kind, width)
  if (kind === 'fills') return drawFills((others[Number(rest[1]) - 1]?.fills ?? backtest!.fills)[Number(rest[0])]!, width)
  if (kind === 'lanes') return drawLanes(timeline!, width)
  return drawCurve(timeline!, kind as 'messages' | 'bytes' | 'busy', width)
}

async function copy(button: HTMLButtonElement): Promise<void> {
  const code = button.parentElement!.querySelector('code')!
  try {
    await navigator.clipboard.writeText(code.textContent)
    button.textContent = 'Copied'
  } catch {
    // Not allowed here: selected, so that a key copies it.
    getSelection()?.selectAllChildren(code)
    button.textContent = 'Selected'
  }
  setTimeout(() => {
    button.textContent = 'Copy'
  }, 1500)
}
