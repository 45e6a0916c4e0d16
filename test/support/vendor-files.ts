/** Plain writers of vendors' layouts, from IMPORT.md alone: what an importer reads back is what was put in. */

/** A decimal as vendors print it: an integer and so many decimals. */
export interface Decimal {
  readonly units: bigint
  readonly decimals: number
}

/** `-12.0500` has four decimals; shortest: `-12.05`. */
export function decimalText({ units, decimals }: Decimal): string {
  const sign = units < 0n ? '-' : ''
  const digits = String(units < 0n ? -units : units).padStart(decimals + 1, '0')
  const point = digits.length - decimals
  const fraction = digits.slice(point).replace(/0+$/, '')
  return `${sign}${digits.slice(0, point)}${fraction === '' ? '' : `.${fraction}`}`
}

export interface MadeLevel {
  readonly side: 'bid' | 'ask'
  readonly price: Decimal
  /** Zero units: the level goes. */
  readonly amount: Decimal
}

/** The levels that a venue sent at once. */
export interface MadeGroup {
  readonly symbol: string
  readonly isSnapshot: boolean
  /** Microseconds since the epoch. */
  readonly exchangeUs: number
  readonly localUs: number
  readonly levels: readonly MadeLevel[]
}

export interface MadeTrade {
  readonly symbol: string
  readonly exchangeUs: number
  readonly localUs: number
  readonly id: string
  readonly side: 'buy' | 'sell' | 'unknown'
  readonly price: Decimal
  readonly amount: Decimal
}

export function tardisBook(exchange: string, groups: readonly MadeGroup[]): string {
  const lines = ['exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount']
  for (const { symbol, isSnapshot, exchangeUs, localUs, levels } of groups) {
    for (const { side, price, amount } of levels) {
      lines.push([exchange, symbol, exchangeUs, localUs, isSnapshot, side, decimalText(price), decimalText(amount)].join(','))
    }
  }
  return `${lines.join('\n')}\n`
}

export function tardisTrades(exchange: string, trades: readonly MadeTrade[]): string {
  const lines = ['exchange,symbol,timestamp,local_timestamp,id,side,price,amount']
  for (const { symbol, exchangeUs, localUs, id, side, price, amount } of trades) {
    lines.push([exchange, symbol, exchangeUs, localUs, id, side, decimalText(price), decimalText(amount)].join(','))
  }
  return `${lines.join('\n')}\n`
}

/** What happens to a resting order; `execute` and `cancel` take a part of it. */
export type MadeOrderEvent =
  | { readonly kind: 'add'; readonly id: number; readonly isBuy: boolean; readonly shares: number; readonly price: number }
  | { readonly kind: 'cancel' | 'execute'; readonly id: number; readonly shares: number }
  | { readonly kind: 'delete'; readonly id: number }
  | { readonly kind: 'replace'; readonly id: number; readonly newId: number; readonly shares: number; readonly price: number }

/** An ITCH 5.0 day of one stock: lengths and messages, big-endian. @param events with nanoseconds since New York's midnight */
export function itchDay(stock: string, events: readonly (MadeOrderEvent & { readonly ns: number })[]): Buffer {
  const name = stock.padEnd(8)
  const message = (type: string, length: number, ns: number, fill: (body: Buffer) => void): Buffer => {
    const bytes = Buffer.alloc(2 + length)
    bytes.writeUInt16BE(length, 0)
    const body = bytes.subarray(2)
    body.write(type, 0, 'latin1')
    body.writeUInt16BE(1, 1)
    body.writeUIntBE(ns, 5, 6)
    fill(body)
    return bytes
  }
  const parts = [
    message('S', 12, 0, (body) => body.write('O', 11)),
    message('R', 39, 0, (body) => {
      body.fill(' ', 11)
      body.write(name, 11)
      body.writeUInt32BE(100, 21)
      body.write('P', 29)
      body.writeUInt32BE(0, 34)
    }),
  ]
  let match = 0
  for (const event of events) {
    const { ns } = event
    if (event.kind === 'add') {
      parts.push(
        message('A', 36, ns, (body) => {
          body.writeBigUInt64BE(BigInt(event.id), 11)
          body.write(event.isBuy ? 'B' : 'S', 19)
          body.writeUInt32BE(event.shares, 20)
          body.write(name, 24)
          body.writeUInt32BE(event.price, 32)
        }),
      )
    } else if (event.kind === 'replace') {
      parts.push(
        message('U', 35, ns, (body) => {
          body.writeBigUInt64BE(BigInt(event.id), 11)
          body.writeBigUInt64BE(BigInt(event.newId), 19)
          body.writeUInt32BE(event.shares, 27)
          body.writeUInt32BE(event.price, 31)
        }),
      )
    } else {
      const [type, length] = ({ cancel: ['X', 23], execute: ['E', 31], delete: ['D', 19] } as const)[event.kind]
      parts.push(
        message(type, length, ns, (body) => {
          body.writeBigUInt64BE(BigInt(event.id), 11)
          if (event.kind !== 'delete') body.writeUInt32BE(event.shares, 19)
          if (event.kind === 'execute') body.writeBigUInt64BE(BigInt(++match), 23)
        }),
      )
    }
  }
  parts.push(message('S', 12, 86_399_999_999_999, (body) => body.write('C', 11)))
  return Buffer.concat(parts)
}
