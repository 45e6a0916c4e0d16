import type { ShareBehind } from './queue-model.ts'

/** f(back) / (f(back) + f(front)) with f(x) = ln(1 + x), x in the instrument's unit of quantity: `lot` of it a lot. */
export function logShare(lot: number): ShareBehind {
  return (front, back) => {
    const behind = Math.log(1 + back * lot)
    return behind / (behind + Math.log(1 + front * lot))
  }
}

/** f(back) / f(back + front) with f(x) = ln(1 + x), x as in `logShare`. */
export function logShare2(lot: number): ShareBehind {
  return (front, back) => Math.log(1 + back * lot) / Math.log(1 + (back + front) * lot)
}
