import type { ShareBehind } from './queue-model.ts'

/** f(back) / (f(back) + f(front)) with f(x) = x^n. */
export function powerShare(n: number): ShareBehind {
  return (front, back) => back ** n / (back ** n + front ** n)
}

/** f(back) / f(back + front) with f(x) = x^n. */
export function powerShare2(n: number): ShareBehind {
  return (front, back) => back ** n / (back + front) ** n
}

/** 1 − (front / (front + back))^n. */
export function powerShare3(n: number): ShareBehind {
  return (front, back) => 1 - (front / (front + back)) ** n
}
