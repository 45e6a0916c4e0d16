/** Names what a call writes apart from what others do: a-z and 0-9. @param random numbers in [0, 1) */
export function nameWord(random: () => number): string {
  return Math.floor(random() * 2 ** 52)
    .toString(36)
    .padStart(11, '0')
}
