/** Greatest common divisor of two non-negative integers below 2^53; gcd(x, 0) = x. */
export function gcd(a: number, b: number): number {
  while (b !== 0) {
    const rest = a % b
    a = b
    b = rest
  }
  return a
}
