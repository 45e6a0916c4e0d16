import type { Side } from './order-terms.ts'

/**
 * The fee of a fill: `rate` of the maker or the taker, negative for a rebate, on the amount (`value`), on the quantity, or once per
 * fill (`trade`); and on top of it what buyers or sellers pay on the amount (stamp duty).
 */
export interface FeeModel {
  readonly per: 'value' | 'quantity' | 'trade'
  readonly maker: number
  readonly taker: number
  readonly buyer: number
  readonly seller: number
}

export function feeOf(fees: FeeModel, side: Side, isMaker: boolean, quantity: number, amount: number): number {
  const rate = isMaker ? fees.maker : fees.taker
  const fee = fees.per === 'value' ? rate * amount : fees.per === 'quantity' ? rate * quantity : rate
  return fee + (side === 1 ? fees.buyer : fees.seller) * amount
}
