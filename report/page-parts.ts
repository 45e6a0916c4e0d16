import { type Html, type HtmlValue, html } from './html.ts'

/* What several sections are made of. */

/** Names and values. */
export function facts(entries: readonly (readonly [name: string, value: HtmlValue])[]): Html {
  return html`<dl class="facts">${entries.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`
}

export interface TableColumn<T> {
  readonly title: string
  readonly cell: (row: T) => HtmlValue
  /** To the right, digits below digits. */
  readonly isNumber?: boolean
  /** What a row is of: where rows are blocks, a line of its own. */
  readonly isName?: boolean
}

/**
 * A table. Where the page is too narrow for one of many columns, each row is a block of names and values; else it scrolls within
 * itself.
 */
export function table<T>(columns: readonly TableColumn<T>[], rows: readonly T[]): Html {
  const classOf = ({ isNumber, isName }: TableColumn<T>): string => (isNumber === true ? 'number' : isName === true ? 'name' : '')
  const shape = columns.length > MAX_NARROW_COLUMNS ? 'wide' : 'narrow'
  return html`<div class="scroll" tabindex="0" role="group" aria-label="Table: ${columns[0]!.title}"><table class="${shape}">
<thead><tr>${columns.map((column) => html`<th scope="col" class="${classOf(column)}">${column.title}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${columns.map((column) => html`<td class="${classOf(column)}" data-title="${column.title}">${column.cell(row)}</td>`)}</tr>`)}</tbody>
</table></div>`
}

/** As many fit on a phone. */
const MAX_NARROW_COLUMNS = 3

/** Text to copy, with a button. */
export function copyBlock(text: string, what: string): Html {
  return html`<div class="copy"><pre tabindex="0"><code>${text}</code></pre><button type="button" data-copy aria-label="Copy ${what}">Copy</button></div>`
}

/** A place where the page's script draws, and what is to be seen there in words. */
export function chart(name: string, label: string, caption: HtmlValue): Html {
  return html`<figure data-chart="${name}" data-label="${label}"><figcaption>${caption}</figcaption><div class="plot"><p class="muted">${label}</p></div></figure>`
}

/** `83450` → `1 min 23 s` */
export function durationText(ms: number): string {
  if (ms < 1) return ms === 0 ? '0 s' : `${(ms * 1000).toFixed(0)} µs`
  if (ms < 1000) return `${ms.toFixed(0)} ms`
  if (ms < 60_000) return `${(ms / 1000).toPrecision(3)} s`
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1000],
  ] as const
  const at = units.findIndex(([, length]) => ms >= length)
  const [[big, bigMs], next] = [units[at]!, units[at + 1]]
  const rest = next === undefined ? 0 : Math.round((ms % bigMs) / next[1])
  return `${Math.floor(ms / bigMs)} ${big}${rest === 0 || next === undefined ? '' : ` ${rest} ${next[0]}`}`
}

/** `$0.0012` */
export function dollarsText(dollars: number): string {
  if (dollars === 0) return '$0'
  return dollars < 0.00005 ? 'under $0.0001' : `$${dollars.toFixed(dollars < 0.1 ? 4 : 2)}`
}

/** `2026-01-31 12:00:00 UTC` of milliseconds since the epoch. */
export function clockText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}
