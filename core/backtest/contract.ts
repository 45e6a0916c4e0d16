/**
 * What quantities and prices come to. Linear: amount = size · price · quantity, in the quote currency. Inverse: amount = size ·
 * quantity / price, in the base coin.
 */
export interface Contract {
  readonly isInverse: boolean
  /** Quantity of a lot. */
  readonly lot: number
  /** The amount of one lot at one tick; linear only. */
  readonly unit: number
  amount(tick: number, lots: number): number
  /** The position's value at a price. */
  worth(quantity: number, price: number): number
}

export function linearContract(tickSize: number, lot: number, size: number): Contract {
  const unit = tickSize * lot * size
  return {
    isInverse: false,
    lot,
    unit,
    amount: (tick, lots) => tick * lots * unit,
    worth: (quantity, price) => size * quantity * price,
  }
}

export function inverseContract(tickSize: number, lot: number, size: number): Contract {
  return {
    isInverse: true,
    lot,
    unit: Number.NaN,
    amount: (tick, lots) => (size * lots * lot) / (tick * tickSize),
    worth: (quantity, price) => (size * quantity) / price,
  }
}
